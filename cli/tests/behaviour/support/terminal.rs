//! `kpn` at a terminal.

use std::{
    io::{Read, Write},
    sync::{Arc, Mutex},
};

use rustix::termios::LocalModes;

use super::{Home, ends, until};

/// `kpn` with somebody in front of it.
pub(crate) struct Typist {
    pub(crate) child: std::process::Child,
    keys: std::fs::File,
    seen: Arc<Mutex<String>>,
    reader: std::thread::JoinHandle<()>,
    /// How much of it was waited for.
    read_to: usize,
}

impl Typist {
    pub(crate) fn start(home: &Home, url: &str, line: &str, more: &[(&str, &str)]) -> Self {
        let (pty, pts) = pty_process::blocking::open().unwrap();
        pty.resize(pty_process::Size::new(40, 120)).unwrap();
        let child = pty_process::blocking::Command::new(env!("CARGO_BIN_EXE_kpn"))
            .env_clear()
            .envs(home.variables(url))
            .env("TERM", "xterm-256color")
            .envs(more.iter().copied())
            .args(line.split_whitespace())
            .spawn(pts)
            .unwrap();
        let seen: Arc<Mutex<String>> = Arc::default();
        let fd: std::os::fd::OwnedFd = pty.into();
        let mut screen = std::fs::File::from(fd.try_clone().unwrap());
        let keys = std::fs::File::from(fd);
        let shown = Arc::clone(&seen);
        let reader = std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // A terminal that its program has left gives an error.
            while let Ok(read @ 1..) = screen.read(&mut bytes) {
                let text = String::from_utf8_lossy(&bytes[..read]).into_owned();
                shown.lock().unwrap().push_str(&text);
            }
        });
        Self {
            child,
            keys,
            seen,
            reader,
            read_to: 0,
        }
    }

    pub(crate) fn types(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Whether the terminal gives whole lines, as shells leave it.
    pub(crate) fn has_a_cooked_terminal(&self) -> bool {
        let modes = rustix::termios::tcgetattr(&self.keys).unwrap().local_modes;
        modes.contains(LocalModes::ICANON | LocalModes::ECHO)
    }

    /// Waits for a text after those that were waited for before.
    pub(crate) fn sees(&mut self, text: &str) {
        let from = self.read_to;
        let found = || self.seen.lock().unwrap()[from..].find(text);
        until(|| found().is_some());
        self.read_to = from + found().unwrap() + text.len();
    }

    pub(crate) fn ends(mut self) -> (Option<i32>, String) {
        let code = ends(&mut self.child);
        self.reader.join().unwrap();
        let seen = self.seen.lock().unwrap().clone();
        (code, seen)
    }
}
