//! The program itself: no key, password or session is in its log or in its files.
#![cfg(unix)]

use std::{
    fs::{self, File},
    path::Path,
    process::Child,
    thread::sleep,
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    fake_node::{FakeNode, MODEL, hello},
    http, process,
};

const PASSWORD: &str = "oikea-hevonen-paristo-niitti";

struct Program {
    child: Child,
    url: String,
    /// What it prints, and its log: files, which never make it wait.
    said: TempDir,
}

fn start(home: &TempDir, settings: &[(&str, &str)]) -> Program {
    let said = TempDir::new().unwrap();
    let file = |name: &str| File::create(said.path().join(name)).unwrap();
    let child = process::hub(home, &[("PORT", "0"), ("LANG", "C")])
        .envs(settings.iter().copied())
        .stdout(file("printed"))
        .stderr(file("log"))
        .spawn()
        .unwrap();
    let mut program = Program {
        child,
        url: String::new(),
        said,
    };
    loop {
        if let Some((line, _)) = program.has_said("printed").split_once('\n') {
            let (_, address) = line.split_once("http://").expect("a ready line");
            program.url = format!("http://{address}");
            return program;
        }
        let ended = program.child.try_wait().unwrap();
        assert!(ended.is_none(), "{}", program.has_said("log"));
        sleep(Duration::from_millis(10));
    }
}

impl Program {
    fn has_said(&self, where_to: &str) -> String {
        fs::read_to_string(self.said.path().join(where_to)).unwrap()
    }

    /// Ends it in good order; what it printed after the first line, and its log.
    fn stop(mut self) -> (String, String) {
        process::terminate(&self.child);
        let (ended, log) = (self.child.wait().unwrap(), self.has_said("log"));
        assert!(ended.success(), "{log}");
        let printed = self.has_said("printed");
        let (_, after) = printed.split_once('\n').expect("the ready line");
        (after.to_owned(), log)
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
