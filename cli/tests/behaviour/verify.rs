//! `kpn verify`: which link of the chain holds.

use serde_json::json;

use crate::support::{Ended, FakeHub, Home, Reply, events, nobody, refusal, whole};

/// Answers like a network that works: the question that is cancelled has no end.
fn working(request: &serde_json::Value) -> Reply {
    if request["max_tokens"].as_u64().unwrap() > 100 {
        return Reply::Hang(events(&["1"], "stop")[..2].concat().into_bytes());
    }
    whole("1, 2, 3")
}

#[test]
fn a_chain_that_holds_is_verified_step_by_step() {
    let hub = FakeHub::start(working);
    let ended = Home::new().run(&hub.url, "verify", &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(
        ended
            .out
            .lines()
            .filter(|line| line.starts_with("ok"))
            .count(),
        8,
        "{}",
        ended.out
    );
    let ended = Home::new().run(&hub.url, "verify --json", &[]);
    let lines = ended.lines();
    let is_well = |line: &serde_json::Value| line["state"] == json!("ok");
    assert_eq!(
        (
            lines.len(),
            lines.iter().filter(|line| is_well(line)).count()
        ),
        (8, 8),
        "{}",
        ended.out
    );
}

#[test]
fn the_first_link_that_breaks_gives_the_exit_code() {
    let home = Home::new();
    let ended = home.run(&nobody(), "verify", &[]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(
        ended.out.lines().next().unwrap().starts_with("fail"),
        "{}",
        ended.out
    );
    assert_eq!(
        ended
            .out
            .lines()
            .filter(|line| line.starts_with("open"))
            .count(),
        7
    );
    let hub = FakeHub::saying("x").with_key("k");
    assert_eq!(home.run(&hub.url, "verify", &[]).code, Some(4));
    let hub = FakeHub::saying("x").with_models(&[]);
    assert_eq!(home.run(&hub.url, "verify", &[]).code, Some(5));
    let hub = FakeHub::start(|_| refusal(500, None, "internal_error"));
    assert_eq!(home.run(&hub.url, "verify", &[]).code, Some(1));
    let mut times = 0;
    let hub = FakeHub::start(move |request| {
        times += 1;
        if times == 2 {
            whole("1, 2, 4")
        } else {
            working(request)
        }
    });
    let ended = home.run(&hub.url, "verify", &[]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.out.contains("the answers differ"), "{}", ended.out);
}

#[test]
fn a_key_is_called_accepted_only_where_one_is_asked_for() {
    let home = Home::new();
    for (key, line, said) in [
        (Some("k"), "verify --key k", "the key is accepted"),
        (None, "verify --key k", "the hub asks for no key"),
        (None, "verify", "none needed"),
    ] {
        let mut hub = FakeHub::start(working);
        if let Some(key) = key {
            hub = hub.with_key(key);
        }
        let ended = home.run(&hub.url, line, &[]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let told = ended.out.lines().nth(2).unwrap();
        assert!(told.contains(said), "{line}: {}", ended.out);
        assert_eq!(
            ended.times_told("is accepted"),
            usize::from(key.is_some()),
            "{ended:?}"
        );
    }
}

#[test]
fn a_chain_that_nobody_hears_of_is_not_told_as_well() {
    let hub = FakeHub::start(working);
    let mut child = Home::new().kpn(&hub.url, "verify", &[]).spawn().unwrap();
    drop(child.stdout.take());
    let ended: Ended = child.wait_with_output().unwrap().into();
    assert_eq!((ended.code, ended.err.as_str()), (Some(141), ""));
}
