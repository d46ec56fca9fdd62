//! `kpn` in a home of its own.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

/// A person's home, with what a test puts there.
pub(crate) struct Home(pub(crate) TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn variables(&self, url: &str) -> Vec<(&'static str, String)> {
        let home = self.path().display().to_string();
        vec![
            ("HOME", home.clone()),
            ("XDG_CONFIG_HOME", format!("{home}/config")),
            ("XDG_STATE_HOME", format!("{home}/state")),
            ("LC_ALL", "C.UTF-8".to_owned()),
            ("KIPINA_URL", url.to_owned()),
        ]
    }

    /// `kpn` with words that are split at spaces, and more words as they are.
    pub(crate) fn kpn(&self, url: &str, line: &str, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kpn"));
        command
            .env_clear()
            .envs(self.variables(url))
            .current_dir(self.path())
            .args(line.split_whitespace())
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, url: &str, line: &str, more: &[&str]) -> Ended {
        self.kpn(url, line, more).output().unwrap().into()
    }

    pub(crate) fn run_with_input(&self, url: &str, line: &str, input: &str) -> Ended {
        let mut command = self.kpn(url, line, &[]);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        child.wait_with_output().unwrap().into()
    }
}

/// How a program ended, and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ended {
    /// How often something was told, wherever.
    pub(crate) fn times_told(&self, words: &str) -> usize {
        self.out.matches(words).count() + self.err.matches(words).count()
    }

    /// Each line's JSON.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let parsed = self
            .out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        parsed.collect()
    }
}

/// Far longer than anything takes on a busy machine.
const SOON: Duration = Duration::from_secs(90);

/// Waits until something becomes true.
#[track_caller]
pub(crate) fn until(mut is_true: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_true() {
        assert!(begun.elapsed() < SOON, "it never became true");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits for a program's end; one that has none is killed.
#[track_caller]
pub(crate) fn ends(child: &mut Child) -> Option<i32> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        if begun.elapsed() > SOON {
            child.kill().unwrap();
            panic!("it never ended");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Asks a program to stop, as Ctrl+C does.
#[cfg(unix)]
pub(crate) fn interrupt(child: &Child) {
    signal(child, "-INT");
}

#[cfg(unix)]
pub(crate) fn signal(child: &Child, signal: &str) {
    let status = Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status();
    assert!(status.unwrap().success());
}

/// Everything in a folder but kpn's own, with its text.
pub(crate) fn tree(folder: &Path) -> BTreeMap<String, String> {
    fn walk(base: &Path, folder: &Path, found: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(base, &path, found);
            } else {
                let name = path.strip_prefix(base).unwrap().display().to_string();
                found.insert(name, fs::read_to_string(&path).unwrap_or_default());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(folder, folder, &mut found);
    found.retain(|name, _| !name.starts_with(".kipina"));
    found
}

pub(crate) fn names(folder: &Path) -> Vec<String> {
    tree(folder).into_keys().collect()
}

/// A project as it is saved in a folder.
pub(crate) fn state(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join(".kipina/project.json")).unwrap()).unwrap()
}

/// One of a saved project's files.
pub(crate) fn file<'a>(state: &'a mut Value, path: &str) -> &'a mut Value {
    let files = state["project"]["files"].as_array_mut().unwrap();
    files.iter_mut().find(|file| file["path"] == path).unwrap()
}

/// Its texts, the newest last.
pub(crate) fn versions(folder: &Path, path: &str) -> Vec<String> {
    let versions = file(&mut state(folder), path)["versions"].take();
    let texts = versions.as_array().unwrap().iter();
    texts
        .map(|version| version["text"].as_str().unwrap().to_owned())
        .collect()
}
