//! The commands that tell of the network, and those for shells and `man`.

use serde_json::json;

use crate::support::{FakeHub, Home, MODEL, Reply, events, nobody};

#[test]
fn models_and_nodes_are_tables_or_json() {
    let hub = FakeHub::saying("ok").with_models(&[MODEL, "other:2b"]);
    let home = Home::new();
    let ended = home.run(&hub.url, "models", &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let lines: Vec<&str> = ended.out.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(
        lines[1].starts_with(MODEL) && lines[1].contains("8192"),
        "{}",
        ended.out
    );
    let json = &home.run(&hub.url, "models --json", &[]).lines()[0];
    assert_eq!(json[1]["id"], json!("other:2b"));
    let ended = home.run(&hub.url, "nodes", &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.out.contains("12.3") && ended.out.contains("0/4"),
        "{}",
        ended.out
    );
    assert!(!ended.out.contains('\u{1b}'), "{:?}", ended.out);
    let ended = home.run(&hub.url, "nodes --lang fi", &[]);
    assert!(
        ended.out.contains("12,3") && ended.out.contains("vapaa"),
        "{}",
        ended.out
    );
    let json = &home.run(&hub.url, "nodes --json", &[]).lines()[0];
    assert_eq!(json[0]["slots"], json!(4));
    assert_eq!(
        home.run(&FakeHub::saying("x").with_models(&[]).url, "models", &[])
            .code,
        Some(5)
    );
}

#[test]
fn statistics_are_told_once_or_followed() {
    let hub = FakeHub::saying("ok");
    let home = Home::new();
    let ended = home.run(&hub.url, "stats", &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.out.contains("machines") && ended.out.contains("2.5"),
        "{}",
        ended.out
    );
    let ended = home.run(&hub.url, "stats --json", &[]);
    assert_eq!(ended.lines()[0]["rates"]["tokens_per_second"], json!(2.5));
    assert_eq!(home.run(&nobody(), "stats --watch", &[]).code, Some(3));
}

#[cfg(unix)]
#[test]
fn a_feed_that_ends_is_listened_to_again() {
    use std::io::{BufRead, BufReader};

    use crate::support::interrupt;

    let hub = FakeHub::saying("ok");
    let home = Home::new();
    let mut child = home
        .kpn(&hub.url, "stats --watch --json", &[])
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // Each feed has two states.
    for _ in 0..3 {
        let line = lines.next().unwrap().unwrap();
        assert!(line.contains("\"running\":0"), "{line}");
    }
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn a_benchmark_tells_medians_of_what_was_measured() {
    let hub = FakeHub::start(|_| {
        Reply::Bytes(vec![events(&["1", "\n2"], "length").concat().into_bytes()])
    });
    let home = Home::new();
    let ended = home.run(&hub.url, "bench --runs 3 --json", &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let told = &ended.lines()[0];
    assert_eq!(told["runs"].as_array().unwrap().len(), 3);
    // 10 tokens that were not in the cache, in 100 ms.
    assert_eq!(told["median"]["prompt_tokens_per_second"], json!(100.0));
    assert_eq!(told["median"]["tokens_per_second"], json!(20.0));
    assert_eq!(told["median"]["queued_ms"], json!(1.0));
    assert!(told["median"]["first_text_ms"].as_f64().unwrap() > 0.0);
    let requests = hub.requests();
    assert_ne!(
        requests[0]["messages"][0], requests[1]["messages"][0],
        "nothing is cached"
    );
    let ended = home.run(&hub.url, "bench --runs 1", &[]);
    assert!(
        ended.out.contains("Sauna") && ended.out.contains("100.0"),
        "{}",
        ended.out
    );
}

#[test]
fn shells_and_man_get_their_files() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ended = home.run(&nobody(), "completions", &[shell]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.out.contains("patience"), "{shell}");
    }
    let ended = home.run(&nobody(), "man", &[]);
    assert!(ended.out.contains(".TH kpn"), "{}", ended.out);
    for name in ["verify", "patience", "KIPINA_KEY", "130"] {
        assert!(ended.out.contains(name), "{name}");
    }
    let ended = home.run(&nobody(), "--version", &[]);
    assert_eq!(ended.out.trim(), concat!("kpn ", env!("CARGO_PKG_VERSION")));
}
