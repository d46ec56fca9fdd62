//! The program `kipina-hub` as an operator meets it.
#![cfg(unix)]

mod support;

use std::{io::Read, net::TcpListener};

use protocol::Totals;
use serde_json::json;
use support::{
    fake_node::{FakeNode, MODEL, hello},
    process::{run, start, terminate, text},
};
use tempfile::TempDir;

async fn totals(address: &str) -> Totals {
    let body = support::http::client()
        .get(format!("http://{address}/api/stats"))
        .send()
        .await
        .unwrap();
    let stats: protocol::Stats = serde_json::from_str(&body.text().await.unwrap()).unwrap();
    stats.totals
}

#[test]
fn help_comes_in_the_language_of_the_locale_and_in_both_without_one() {
    let english = text(&run(&[], &["--help"]).stdout);
    assert!(english.contains("Settings are read") && !english.contains("Asetukset"));
    let finnish = text(&run(&[("LC_ALL", "fi_FI.UTF-8")], &["--help"]).stdout);
    assert!(finnish.contains("Asetukset luetaan") && !finnish.contains("Settings"));
    let both = text(&run(&[("LANG", "C")], &["--help"]).stdout);
    let places = (both.find("Asetukset"), both.find("Settings"));
    assert!(places.0.is_some() && places.0 < places.1, "Finnish first");
    let output = run(&[], &["--version"]);
    assert_eq!(
        text(&output.stdout),
        concat!("kipina-hub ", env!("CARGO_PKG_VERSION"), "\n")
    );
    assert!(output.status.success());
}

#[test]
fn every_mistake_in_the_settings_is_told_before_anything_starts() {
    let output = run(&[("PORT", "abc"), ("BIND", "xyz")], &[]);
    assert_eq!(output.status.code(), Some(2));
    let errors = text(&output.stderr);
    assert!(
        errors.contains("PORT=abc") && errors.contains("BIND=xyz"),
        "{errors}"
    );
    let output = run(&[], &["--port"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("unknown option '--port'"));
}

#[test]
fn a_port_in_use_is_one_clear_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = run(&[("PORT", &port)], &[]);
    assert_eq!(output.status.code(), Some(1));
    let errors = text(&output.stderr);
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert!(
        errors.starts_with(&format!("Port {port} is already in use")),
        "{errors}"
    );
}

#[tokio::test]
async fn a_stopping_hub_lets_the_answer_finish_and_writes_it_down() {
    let home = TempDir::new().unwrap();
    let (mut child, address) = start(&home, &[]);
    let mut node = FakeNode::join(&format!("ws://{address}/ws"), hello(MODEL)).await;
    let body = json!({"model": MODEL, "messages": [{"role": "user", "content": "hei"}]});
    let request = support::http::client()
        .post(format!("http://{address}/v1/chat/completions"))
        .body(body.to_string());
    let answer = tokio::spawn(request.send());
    let prompt = node.prompt().await;
    terminate(&child);
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    node.answer(&prompt.task_id, &["valmis"]).await;

    let response = answer.await.unwrap().unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.text().await.unwrap().contains("valmis"));
    let status = child.wait().unwrap();
    let mut log = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut log)
        .unwrap();
    assert!(status.success(), "{log}");
    assert!(
        !log.contains("hei") && !log.contains("valmis"),
        "texts stay out of the log: {log}"
    );

    let (mut child, address) = start(&home, &[]);
    let expected = Totals {
        prompts: 1,
        failed: 0,
        prompt_tokens: 12,
        completion_tokens: 1,
        nodes_seen: 1,
    };
    assert_eq!(totals(&address).await, expected);
    terminate(&child);
    assert!(child.wait().unwrap().success());
}
