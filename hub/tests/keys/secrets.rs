//! The program itself: no key, password or session is in its log or in its files.
#![cfg(unix)]

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    fake_node::{FakeNode, MODEL, hello},
    http,
};

const PASSWORD: &str = "oikea-hevonen-paristo-niitti";

struct Program {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
    url: String,
}

fn start(home: &TempDir, settings: &[(&str, &str)]) -> Program {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kipina-hub"))
        .env_clear()
        .envs([
            ("HOME", home.path().to_str().unwrap()),
            ("LANG", "C"),
            ("PORT", "0"),
        ])
        .envs(settings.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    let (_, url) = line.trim().split_once("http://").expect("a ready line");
    let url = format!("http://{url}");
    Program { child, output, url }
}

impl Program {
    /// Ends it in good order; what it printed after the first line, and its log.
    fn stop(mut self) -> (String, String) {
        let pid = self.child.id().to_string();
        let killed = Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        assert!(killed.success());
        let (mut printed, mut log) = (String::new(), String::new());
        self.output.read_to_string(&mut printed).unwrap();
        let mut errors = self.child.stderr.take().unwrap();
        errors.read_to_string(&mut log).unwrap();
        assert!(self.child.wait().unwrap().success(), "{log}");
        (printed, log)
    }

    async fn post(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> reqwest::Response {
        let mut request = http::client().post(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(body.to_string()).send().await.unwrap()
    }
}

fn files_below(directory: &Path, found: &mut Vec<Vec<u8>>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, found);
        } else {
            found.push(fs::read(path).unwrap());
        }
    }
}

#[tokio::test]
async fn secrets_are_in_no_log_and_no_file() {
    let home = TempDir::new().unwrap();
    let hub = start(
        &home,
        &[("ADMIN_PASSWORD", PASSWORD), ("RUST_LOG", "trace")],
    );
    let begun = hub
        .post("/api/admin/login", &[], &json!({"password": PASSWORD}))
        .await;
    let cookie = begun.headers()["set-cookie"].to_str().unwrap();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let terms = json!({"name": "aino", "scopes": ["api", "node", "admin"]});
    let made = hub
        .post("/api/admin/keys", &[("cookie", &cookie)], &terms)
        .await;
    let made: Value = serde_json::from_str(&made.text().await.unwrap()).unwrap();
    let secret = made["secret"].as_str().unwrap().to_owned();

    // As a program, as a node, as an operator, and with a slip of the hand.
    let authorization = format!("Bearer {secret}");
    let slip = format!("{authorization}x");
    let prompt = json!({"model": MODEL, "messages": [{"role": "user", "content": "hei"}]});
    let mut hello = hello(MODEL);
    hello.key = Some(secret.clone());
    let node_url = hub.url.replace("http://", "ws://") + "/ws";
    drop(FakeNode::join(&node_url, hello).await);
    for authorization in [&authorization, &slip] {
        let headers = [("authorization", authorization.as_str())];
        hub.post("/v1/chat/completions", &headers, &prompt).await;
        hub.post("/api/admin/keys/1/rotate", &headers, &json!({}))
            .await;
    }
    let wrong = format!("{PASSWORD}!");
    hub.post("/api/admin/login", &[], &json!({"password": wrong}))
        .await;
    let (printed, log) = hub.stop();

    assert!(log.contains("joined"), "there is a log: {log}");
    let mut files = Vec::new();
    files_below(home.path(), &mut files);
    assert!(
        files
            .iter()
            .any(|file| file.starts_with(b"SQLite format 3"))
    );
    files.extend([printed.into_bytes(), log.into_bytes()]);
    let token = cookie.split_once('=').unwrap().1;
    for secret in [&secret[11..], PASSWORD, token] {
        let secret = secret.as_bytes();
        for file in &files {
            let found = file.windows(secret.len()).position(|part| part == secret);
            if let Some(at) = found {
                let around = &file[at.saturating_sub(200)..(at + 20).min(file.len())];
                panic!("a secret: {}", String::from_utf8_lossy(around));
            }
        }
    }
}

#[test]
fn a_hub_that_others_reach_says_at_its_start_what_they_may() {
    let home = TempDir::new().unwrap();
    let said = |settings: &[(&str, &str)]| {
        let settings = [&[("BIND", "0.0.0.0")], settings].concat();
        start(&home, &settings).stop().0
    };
    let open = said(&[]);
    for text in [
        "ADMIN_PASSWORD",
        "ylläpito on suljettu",
        "closed to operators",
    ] {
        assert!(open.contains(text), "{open}");
    }
    for text in ["ACCESS=keys", "kuka tahansa", "anybody"] {
        assert!(open.contains(text), "{open}");
    }
    let careful = said(&[("ADMIN_PASSWORD", PASSWORD), ("ACCESS", "keys")]);
    assert_eq!(careful, "");
    let at_home = start(&home, &[("BIND", "127.0.0.1")]).stop().0;
    assert_eq!(at_home, "");
}
