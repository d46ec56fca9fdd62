//! Open files and sockets: as many as the system lets this process have.

/// Services usually start with 1024, and may take more. Returns how many there may be; None where
/// the system sets no limit, or tells none.
#[cfg(unix)]
pub(crate) fn raise_descriptor_limit() -> Option<usize> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    let limit = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => maximum,
        Err(_kept) => current,
    };
    limit.and_then(|limit| usize::try_from(limit).ok())
}

#[cfg(not(unix))]
pub(crate) fn raise_descriptor_limit() -> Option<usize> {
    None
}
