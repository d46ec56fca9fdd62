//! The program `kipina-hub` in a process of its own.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Output, Stdio},
};

use tempfile::TempDir;

/// Settings, and nothing else of this process' environment.
pub fn hub(home: &TempDir, settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kipina-hub"));
    command
        .env_clear()
        .env("HOME", home.path())
        .env("LANG", "en_GB.UTF-8");
    command.envs(settings.iter().copied());
    command
}

/// Runs it to its end, in a home of its own.
pub fn run(settings: &[(&str, &str)], arguments: &[&str]) -> Output {
    hub(&TempDir::new().unwrap(), settings)
        .args(arguments)
        .output()
        .unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Starts a hub, and reads where it listens from the line that says so.
pub fn start(home: &TempDir, settings: &[(&str, &str)]) -> (Child, String) {
    let mut command = hub(home, &[("PORT", "0")]);
    spawn(command.envs(settings.iter().copied()))
}

pub fn spawn(command: &mut Command) -> (Child, String) {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let address = line
        .trim()
        .strip_prefix("Kipinä hub listens: http://")
        .expect("a ready line");
    (child, address.to_owned())
}

pub fn terminate(child: &Child) {
    signal(child, "-TERM");
}

pub fn signal(child: &Child, signal: &str) {
    let pid = child.id().to_string();
    let sent = Command::new("kill").args([signal, &pid]).status();
    assert!(sent.unwrap().success());
}
