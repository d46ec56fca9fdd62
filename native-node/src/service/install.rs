//! Puts the service in its place and has the system start it; takes it away again.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use super::{Home, Service, ServiceError, agent, unit};
use crate::private_file;

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub files: Vec<PathBuf>,
    /// How to read the log.
    pub log: String,
    /// The service ends when its user logs out; this command changes that.
    pub linger: Option<String>,
}

const SYSTEMCTL: &str = "systemctl";

pub fn install(service: &Service, home: &Home) -> Result<Outcome, ServiceError> {
    if cfg!(target_os = "macos") {
        install_agent(service, home)
    } else if let Some(version) = systemd_version() {
        install_unit(service, home, version)
    } else {
        let words = std::iter::once(service.program.to_string_lossy().into_owned());
        let words: Vec<String> = words.chain(service.flags.iter().cloned()).collect();
        Err(ServiceError::NoManager {
            command: words.join(" "),
        })
    }
}

/// The files that were removed; none where there was no service.
pub fn uninstall(home: &Home) -> Result<Vec<PathBuf>, ServiceError> {
    let files = if cfg!(target_os = "macos") {
        let file = agent_file(home);
        // It may be loaded or not; afterwards it is not.
        let _ = run("launchctl", &["unload", "-w", &file.to_string_lossy()]);
        vec![file]
    } else {
        // Without a session nothing of it runs either.
        let _ = run(SYSTEMCTL, &["--user", "disable", "--now", unit::NAME]);
        vec![unit_file(home), environment_file(home)]
    };
    let mut removed = Vec::new();
    for file in files {
        match fs::remove_file(&file) {
            Ok(()) => removed.push(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(not_written(&file, &error)),
        }
    }
    if !cfg!(target_os = "macos") {
        let _ = run(SYSTEMCTL, &["--user", "daemon-reload"]);
    }
    Ok(removed)
}

fn install_unit(service: &Service, home: &Home, version: u32) -> Result<Outcome, ServiceError> {
    if !unit::takes_program(&service.program) {
        return Err(ServiceError::OddProgram {
            path: service.program.clone(),
        });
    }
    let (unit_file, environment_file) = (unit_file(home), environment_file(home));
    write_private(&environment_file, &unit::environment(&service.variables))?;
    write_private(&unit_file, &unit::unit(service, &environment_file, version))?;
    for step in [
        &["daemon-reload"][..],
        &["enable", unit::NAME],
        &["restart", unit::NAME],
    ] {
        let words = [&["--user"], step].concat();
        run(SYSTEMCTL, &words).map_err(|reason| ServiceError::NotStarted {
            reason,
            then: format!(
                "systemctl --user daemon-reload && systemctl --user enable --now {}",
                unit::NAME
            ),
        })?;
    }
    Ok(Outcome {
        files: vec![unit_file, environment_file],
        log: format!("journalctl --user -u {} -f", unit::NAME),
        linger: (!lingers(home)).then(|| "loginctl enable-linger".to_owned()),
    })
}

fn install_agent(service: &Service, home: &Home) -> Result<Outcome, ServiceError> {
    let file = agent_file(home);
    let log_file = home.folder.join("Library/Logs/kipina/node.log");
    let path = file.to_string_lossy().into_owned();
    // One of before would go on as it was.
    let _ = run("launchctl", &["unload", &path]);
    write_private(&file, &agent::agent(service, &log_file))?;
    // The first says that it went well whatever happened; the second knows.
    run("launchctl", &["load", "-w", &path])
        .and_then(|()| run("launchctl", &["list", agent::LABEL]))
        .map_err(|reason| ServiceError::NotStarted {
            reason,
            then: format!("launchctl load -w '{path}'"),
        })?;
    Ok(Outcome {
        files: vec![file],
        log: format!("tail -F {}", log_file.display()),
        linger: None,
    })
}

fn unit_file(home: &Home) -> PathBuf {
    home.config.join("systemd/user").join(unit::NAME)
}

fn environment_file(home: &Home) -> PathBuf {
    home.config.join("kipina/node.env")
}

fn agent_file(home: &Home) -> PathBuf {
    home.folder
        .join(format!("Library/LaunchAgents/{}.plist", agent::LABEL))
}

/// For this user's eyes only, from its first byte on, and never half a file.
fn write_private(path: &Path, text: &str) -> Result<(), ServiceError> {
    private_file::write(path, text).map_err(|error| not_written(path, &error))
}

fn not_written(path: &Path, error: &io::Error) -> ServiceError {
    ServiceError::NotWritten {
        path: path.to_owned(),
        reason: error.to_string(),
    }
}

/// What went wrong, in the program's own words.
fn run(program: &str, words: &[&str]) -> Result<(), String> {
    let output = Command::new(program).args(words).output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    let complaint = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.success() {
        Ok(())
    } else if complaint.is_empty() {
        Err(format!("{program}: {}", output.status))
    } else {
        Err(complaint)
    }
}

/// `None` where there is no systemd. It says `systemd 252 (252.38-1)` first.
fn systemd_version() -> Option<u32> {
    let output = Command::new(SYSTEMCTL).arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let number = text.split_whitespace().nth(1)?;
    let digits = number
        .split(|character: char| !character.is_ascii_digit())
        .next()?;
    digits.parse().ok()
}

fn lingers(home: &Home) -> bool {
    let marks = Path::new("/var/lib/systemd/linger");
    home.user
        .as_ref()
        .is_some_and(|user| marks.join(user).exists())
}
