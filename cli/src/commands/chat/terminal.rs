//! A terminal as it was found, for whoever types there next.

use std::io::Write;

/// Off: the terminal marks what is pasted. The line editor switches it on while it reads.
const NO_MARKED_PASTES: &str = "\x1b[?2004l";

pub(super) struct Terminal {
    #[cfg(unix)]
    modes: Option<rustix::termios::Termios>,
}

impl Terminal {
    pub(super) fn as_found() -> Self {
        Self {
            #[cfg(unix)]
            modes: rustix::termios::tcgetattr(rustix::stdio::stdin()).ok(),
        }
    }

    /// For an end in the middle of a line, whose editor has no more say. A terminal that is gone needs nothing.
    pub(super) fn restore(&self) {
        #[cfg(unix)]
        if let Some(modes) = &self.modes {
            use rustix::termios::{OptionalActions, tcsetattr};
            let _ = tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, modes);
        }
        let mut out = std::io::stdout();
        let _ = writeln!(out, "{NO_MARKED_PASTES}").and_then(|()| out.flush());
    }
}
