//! The user unit that systemd reads, and the file of the environment beside it.
//!
//! How both are quoted: systemd.syntax(7), systemd.service(5) "Command lines" and systemd.exec(5)
//! "EnvironmentFile=".

use std::path::Path;

use super::{STOP_SECONDS, Service};
use crate::config::Secret;

pub(super) const NAME: &str = "kipina-node.service";

/// From this version on systemd can wait longer after each failure.
const VERSION_WITH_BACKOFF: u32 = 254;

/// `version`: of systemd, as it would complain about what it does not know.
///
/// Only such hardening as needs no namespaces: where users may make none (Ubuntu since 24.04), the
/// rest would keep the service from starting.
pub(super) fn unit(service: &Service, environment_file: &Path, version: u32) -> String {
    let backoff = if version >= VERSION_WITH_BACKOFF {
        "RestartSec=5\nRestartSteps=8\nRestartMaxDelaySec=5min"
    } else {
        "RestartSec=20"
    };
    let words = service.flags.iter().map(|flag| format!(" {}", word(flag)));
    let flags: String = words.collect();
    // The colon: no variables in the line are replaced.
    let start = format!(":{}{flags}", word(&service.program.to_string_lossy()));
    let environment_file = environment_file.to_string_lossy().replace('%', "%%");
    format!(
        "# Written by kipina-node --install; kipina-node --uninstall removes it.\n\
         [Unit]\n\
         Description=Kipinä node\n\
         Documentation=https://kipina.studio\n\
         StartLimitIntervalSec=0\n\
         \n\
         [Service]\n\
         Type=exec\n\
         ExecStart={start}\n\
         EnvironmentFile={environment_file}\n\
         Restart=always\n\
         {backoff}\n\
         # What is wrong with flags or settings does not mend itself.\n\
         RestartPreventExitStatus=2\n\
         # The first signal lets it finish what it has.\n\
         TimeoutStopSec={STOP_SECONDS}\n\
         Nice=10\n\
         UMask=0077\n\
         NoNewPrivileges=yes\n\
         LockPersonality=yes\n\
         RestrictNamespaces=yes\n\
         RestrictRealtime=yes\n\
         RestrictSUIDSGID=yes\n\
         SystemCallArchitectures=native\n\
         RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK\n\
         \n\
         [Install]\n\
         WantedBy=default.target\n"
    )
}

/// One word of a command line.
fn word(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '%' => quoted += "%%",
            '\n' => quoted += "\\n",
            '\t' => quoted += "\\t",
            character if character.is_ascii_control() => {
                quoted += &format!("\\x{:02x}", u32::from(character));
            }
            character => quoted.push(character),
        }
    }
    quoted + "\""
}

/// Quotes and backslashes are refused in a program's path, however they are written.
pub(super) fn takes_program(path: &Path) -> bool {
    let refused = |character: char| "\"'\\".contains(character) || character.is_control();
    path.to_str().is_some_and(|path| !path.contains(refused))
}

/// Assignments as a shell reads them, which systemd does as well.
pub(super) fn environment(variables: &[(&'static str, Secret)]) -> String {
    let mut text = String::from("# Written by kipina-node --install. Keys may be among these.\n");
    for (name, value) in variables {
        text += &format!("{name}=\"");
        for character in value.reveal().chars() {
            if "\"\\`$".contains(character) {
                text.push('\\');
            }
            text.push(character);
        }
        text += "\"\n";
    }
    text
}

#[cfg(all(test, unix))]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, process::Command};

    use super::*;

    const ODD: &str = "a b%h $HOME ${HOME} \\n \" ' ` é\u{7}\tz";

    fn service(program: PathBuf) -> Service {
        Service {
            program,
            flags: vec!["--engine".into(), "--name".into(), ODD.into()],
            variables: vec![("NODE_API_KEY", Secret(ODD.into()))],
        }
    }

    #[test]
    fn the_command_line_is_taken_as_it_is() {
        let unit = unit(
            &service("/opt/50% off/kipina-node".into()),
            Path::new("/e"),
            252,
        );
        let start = unit
            .lines()
            .find(|line| line.starts_with("ExecStart="))
            .unwrap();
        assert_eq!(
            start,
            "ExecStart=:\"/opt/50%% off/kipina-node\" \"--engine\" \"--name\" \
             \"a b%%h $HOME ${HOME} \\\\n \\\" ' ` é\\x07\\tz\""
        );
        assert!(unit.contains("\nTimeoutStopSec=45\n"), "{unit}");
        assert!(!unit.contains(ODD), "keys are not in it: {unit}");
    }

    #[test]
    fn only_a_systemd_that_knows_how_waits_longer_each_time() {
        let steps = |version| {
            unit(&service("/k".into()), Path::new("/e"), version).contains("RestartSteps=")
        };
        assert_eq!((steps(252), steps(254), steps(260)), (false, true, true));
    }

    #[test]
    fn what_systemd_refuses_is_known_beforehand() {
        assert!(takes_program(Path::new("/home/é ö/50%/$x/kipina-node")));
        for odd in ["/a\"b", "/it's", "/a\\b", "/a\nb"] {
            assert!(!takes_program(Path::new(odd)), "{odd}");
        }
    }

    #[test]
    fn the_environment_reads_back_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("node.env");
        let value = format!("{ODD}\nsecond line");
        fs::write(
            &file,
            environment(&[("NODE_API_KEY", Secret(value.clone()))]),
        )
        .unwrap();
        let shell = Command::new("sh")
            .args(["-c", ". \"$1\"; printf %s \"$NODE_API_KEY\"", "sh"])
            .arg(&file)
            .output()
            .unwrap();
        assert_eq!(String::from_utf8(shell.stdout).unwrap(), value);
    }

    #[test]
    fn systemd_finds_nothing_wrong() {
        let Some(version) = installed_version() else {
            // Past the test runner, which keeps what passing tests print to itself.
            use std::io::Write;
            let line = "skipped: the unit's check by systemd-analyze, which is not installed\n";
            let _ = std::io::stderr().write_all(line.as_bytes());
            return;
        };
        let folder = tempfile::tempdir().unwrap();
        let odd = folder.path().join("its 50% $HOME é");
        fs::create_dir(&odd).unwrap();
        let program = odd.join("kipina-node");
        fs::write(&program, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let file = folder.path().join(NAME);
        let check = |text: String| {
            fs::write(&file, text).unwrap();
            let checked = Command::new("systemd-analyze")
                .args(["--user", "verify"])
                .arg(&file)
                .env("HOME", folder.path())
                .env("XDG_RUNTIME_DIR", folder.path())
                .output()
                .unwrap();
            (
                checked.status.success(),
                String::from_utf8_lossy(&checked.stderr).into_owned(),
            )
        };
        let good = unit(&service(program), &odd.join("node.env"), version);
        assert_eq!(check(good.clone()), (true, String::new()));
        // It does look.
        let (_, complaint) = check(good.replace("Restart=always", "Restart=sometimes"));
        assert!(complaint.contains("sometimes"), "{complaint}");
    }

    fn installed_version() -> Option<u32> {
        let told = Command::new("systemd-analyze")
            .arg("--version")
            .output()
            .ok()?;
        let text = String::from_utf8_lossy(&told.stdout).into_owned();
        text.split_whitespace().nth(1)?.parse().ok()
    }
}
