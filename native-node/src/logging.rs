//! Where the node's log goes: to the terminal, which may be a service manager's journal, and to a
//! file where the owner wants one.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// A week of them at most; a day is some hundred kilobytes of a busy node.
const DAYS_KEPT: usize = 7;

const DEFAULT_FILTER: &str = "warn,native_node=info,kipina_node=info";

/// Why there is no log file. In words: `Language::log_error`.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// What stands there is none of ours, and would be replaced.
    #[error("{} is another file already", path.display())]
    Occupied { path: PathBuf },
    #[error("{} can't be written: {reason}", path.display())]
    NotWritable { path: PathBuf, reason: String },
}

/// Lines as they are for the terminal, with time and level for the file.
pub fn start(filter: Option<&str>, file: Option<&Path>) -> Result<(), LogError> {
    let filter = EnvFilter::new(filter.unwrap_or(DEFAULT_FILTER));
    let terminal = fmt::layer()
        .without_time()
        .with_level(false)
        .with_target(false);
    let file = file.map(rolling).transpose()?;
    if file.is_some() {
        // A service's terminal may be nobody's.
        std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
    }
    let file = file.map(|file| {
        fmt::layer()
            .with_ansi(false)
            .with_target(false)
            .with_writer(file)
    });
    tracing_subscriber::registry()
        .with(filter)
        .with(terminal)
        .with(file)
        .init();
    Ok(())
}

/// A file per day of UTC, `<path>.2026-01-31`; where the system lets anybody make links, `path`
/// leads to today's.
fn rolling(path: &Path) -> Result<RollingFileAppender, LogError> {
    let not_writable = |reason: String| LogError::NotWritable {
        path: path.to_owned(),
        reason,
    };
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| not_writable("it has no name".into()))?;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    if is_occupied(path).map_err(|error| not_writable(error.to_string()))? {
        return Err(LogError::Occupied {
            path: path.to_owned(),
        });
    }
    let builder = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix(name)
        .max_log_files(DAYS_KEPT);
    let builder = if cfg!(unix) {
        builder.latest_symlink(name)
    } else {
        builder
    };
    builder.build(folder).map_err(|error| {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        not_writable(source.unwrap_or_else(|| error.to_string()))
    })
}

fn is_occupied(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(!metadata.is_symlink()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    #[cfg(unix)]
    fn the_given_path_leads_to_todays_file_and_old_ones_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logs/node.log");
        for day in 1..=9 {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(
                folder.path().join(format!("logs/node.log.2020-01-0{day}")),
                "old",
            )
            .unwrap();
        }
        for line in ["first\n", "second\n"] {
            let mut file = rolling(&path).unwrap();
            file.write_all(line.as_bytes()).unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "first\nsecond\n");
        let files = fs::read_dir(path.parent().unwrap()).unwrap().count();
        // And the link.
        assert!(files <= DAYS_KEPT + 1, "{files}");
    }

    #[test]
    fn what_is_none_of_ours_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        fs::write(&path, "precious").unwrap();
        assert!(matches!(rolling(&path), Err(LogError::Occupied { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
        let below_a_file = path.join("node.log");
        assert!(matches!(
            rolling(&below_a_file),
            Err(LogError::NotWritable { .. })
        ));
    }
}
