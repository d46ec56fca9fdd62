//! The agent that launchd reads on macOS: launchd.plist(5).

use std::path::Path;

use super::{STOP_SECONDS, Service};

pub(super) const LABEL: &str = "studio.kipina.node";

/// `log_file`: where the node is to write, and to make room, itself: launchd only appends. The
/// environment is in it, keys too, so that nobody else may read the file.
pub(super) fn agent(service: &Service, log_file: &Path) -> String {
    let has_log_file = service
        .flags
        .iter()
        .any(|flag| flag == "--log-file" || flag.starts_with("--log-file="));
    let log_flags = (!has_log_file).then(|| ["--log-file".into(), log_file.to_string_lossy()]);
    let program = service.program.to_string_lossy();
    let flags = service.flags.iter().map(|flag| flag.as_str().into());
    let words = [program]
        .into_iter()
        .chain(flags)
        .chain(log_flags.into_iter().flatten());
    let words: String = words
        .map(|word| format!("\n    <string>{}</string>", escaped(&word)))
        .collect();
    let variables = service.variables.iter().map(|(name, value)| {
        let value = escaped(value.reveal());
        format!("\n    <key>{name}</key>\n    <string>{value}</string>")
    });
    let variables: String = variables.collect();
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>{LABEL}</string>
  <key>ProgramArguments</key>
  <array>{words}
  </array>
  <key>EnvironmentVariables</key>
  <dict>{variables}
  </dict>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <true/>
  <key>ThrottleInterval</key>
  <integer>20</integer>
  <key>ExitTimeOut</key>
  <integer>{STOP_SECONDS}</integer>
  <key>Nice</key>
  <integer>10</integer>
  <key>Umask</key>
  <integer>63</integer>
  <key>StandardOutPath</key>
  <string>/dev/null</string>
  <key>StandardErrorPath</key>
  <string>/dev/null</string>
</dict>
</plist>
"#
    )
}

/// XML can't hold most control characters at all; they go.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '\n' | '\t' => escaped.push(character),
            character if character.is_control() => {}
            character => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::config::Secret;

    const ODD: &str = "a <b> & \"c\" 'd' $e %f \\g é";

    fn agent_with(flags: &[&str]) -> String {
        let service = Service {
            program: "/Users/aino & co/kipina-node".into(),
            flags: flags.iter().map(ToString::to_string).collect(),
            variables: vec![("NODE_API_KEY", Secret(ODD.into()))],
        };
        agent(
            &service,
            Path::new("/Users/aino/Library/Logs/kipina/node.log"),
        )
    }

    #[test]
    fn a_reader_of_property_lists_finds_what_was_put_in() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("agent.plist");
        std::fs::write(&file, agent_with(&["--name", ODD])).unwrap();
        let read = "import json, plistlib, sys; \
                    print(json.dumps(plistlib.load(open(sys.argv[1], 'rb'))))";
        let python = Command::new("python3")
            .args(["-c", read])
            .arg(&file)
            .output()
            .unwrap();
        let agent: serde_json::Value = serde_json::from_slice(&python.stdout).unwrap();
        let log_file = "/Users/aino/Library/Logs/kipina/node.log";
        let words = [
            "/Users/aino & co/kipina-node",
            "--name",
            ODD,
            "--log-file",
            log_file,
        ];
        assert_eq!(agent["ProgramArguments"], serde_json::json!(words));
        assert_eq!(agent["EnvironmentVariables"]["NODE_API_KEY"], ODD);
        assert_eq!(agent["ExitTimeOut"], 45);
    }

    #[test]
    fn the_owners_own_log_file_is_kept() {
        for flags in [&["--log-file", "/mine"][..], &["--log-file=/mine"]] {
            let agent = agent_with(flags);
            assert!(!agent.contains("Library/Logs"), "{agent}");
        }
    }
}
