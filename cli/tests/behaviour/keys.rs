//! Who gets which key.

use serde_json::json;

use crate::support::{Ended, FakeHub, Home, nobody};

#[test]
fn the_key_comes_from_flag_environment_or_file() {
    let hub = FakeHub::saying("ok").with_key("secret");
    let home = Home::new();
    let ended = home.run(&hub.url, "ask hi", &[]);
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert_eq!(home.run(&hub.url, "ask hi --key wrong", &[]).code, Some(4));
    assert_eq!(home.run(&hub.url, "ask hi --key secret", &[]).code, Some(0));
    let mut with_variable = home.kpn(&hub.url, "ask hi", &[]);
    assert_eq!(
        with_variable
            .env("KIPINA_KEY", "secret")
            .status()
            .unwrap()
            .code(),
        Some(0)
    );
    let config = home.path().join("config/kipina");
    std::fs::create_dir_all(&config).unwrap();
    let url = &hub.url;
    std::fs::write(
        config.join("kpn.toml"),
        format!("url = \"{url}\"\nkey = \"secret\"\nlanguage = \"fi\"\nmodel = \"none\"\n"),
    )
    .unwrap();
    let mut from_file = home.kpn(&hub.url, "ask hi", &[]);
    let ended: Ended = from_file.env_remove("KIPINA_URL").output().unwrap().into();
    assert_eq!(ended.code, Some(5), "{ended:?}");
    assert!(
        ended.err.contains("Kukaan ei vastaa mallilla none"),
        "{ended:?}"
    );
    assert_eq!(hub.keys()[0], None);
    std::fs::write(config.join("kpn.toml"), "modle = 1\n").unwrap();
    let ended = home.run(&hub.url, "ask hi", &[]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.err.contains("kpn.toml"), "{ended:?}");
}

fn with_key(home: &Home, url: &str, line: &str, key: &str, more: &[&str]) -> Ended {
    let mut command = home.kpn(url, line, more);
    command.env("KIPINA_KEY", key).output().unwrap().into()
}

#[test]
fn a_key_is_sent_to_its_own_hub_only_and_it_is_said() {
    let (own, other) = (FakeHub::saying("ok"), FakeHub::saying("ok"));
    let home = Home::new();
    for line in [
        "ask hi --hub",
        "models --hub",
        "nodes --hub",
        "verify --hub",
    ] {
        let ended = with_key(&home, &own.url, line, "sekret", &[&other.url]);
        assert_eq!(ended.times_told("KIPINA_KEY"), 1, "{line}: {ended:?}");
        assert!(
            ended.err.contains(&own.url) && ended.err.contains(&other.url),
            "{line}: {ended:?}"
        );
        assert_eq!(ended.times_told("sekret"), 0, "{line}: {ended:?}");
    }
    assert!(!other.keys().is_empty() && own.keys().is_empty());
    assert!(
        other.keys().iter().all(Option::is_none),
        "{:?}",
        other.keys()
    );
    // JSON stays JSON.
    let ended = with_key(
        &home,
        &own.url,
        "ask hi --json --hub",
        "sekret",
        &[&other.url],
    );
    assert_eq!(ended.lines().len(), 1, "{ended:?}");
    // Its own hub gets it, by whatever name; and any hub the one that is given with the question.
    let ended = with_key(
        &home,
        &own.url,
        "ask hi --hub",
        "sekret",
        &[&format!("{}/", own.url)],
    );
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{ended:?}");
    let ended = with_key(
        &home,
        &own.url,
        "ask hi --key mine --hub",
        "sekret",
        &[&other.url],
    );
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{ended:?}");
    let bearer = |key: &str| Some(format!("Bearer {key}"));
    assert_eq!(own.keys().last(), Some(&bearer("sekret")));
    assert_eq!(other.keys().last(), Some(&bearer("mine")));
    // Whoever asks no hub need not hear of it.
    let ended = with_key(
        &home,
        &own.url,
        "completions bash --hub",
        "sekret",
        &[&other.url],
    );
    assert_eq!(ended.err, "");
}

#[test]
fn a_key_s_spaces_are_no_part_of_it_and_what_can_t_be_sent_is_told() {
    let hub = FakeHub::saying("ok").with_key("sekret");
    let home = Home::new();
    let ended = with_key(&home, &hub.url, "ask hi", " sekret\n", &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for bad in ["sek ret", "sek\nret", "sekrät"] {
        let ended = with_key(&home, &hub.url, "ask hi", bad, &[]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(
            ended.err.contains("KIPINA_KEY") && !ended.err.contains("sek"),
            "{ended:?}"
        );
        let ended = home.run(&hub.url, "ask hi --key", &[bad]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(
            ended.err.contains("--key") && !ended.err.contains("sek"),
            "{ended:?}"
        );
    }
}

#[test]
fn a_password_in_the_hub_s_address_is_not_printed() {
    let home = Home::new();
    for line in ["ask hi", "ask hi --json", "ask hi --lang fi"] {
        let ended = home.run("http://user:sekret@127.0.0.1:9", line, &[]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert_eq!(ended.times_told("sekret"), 0, "{ended:?}");
        assert!(
            ended.times_told("127.0.0.1:9") == 1 && ended.times_told("KIPINA_KEY") == 1,
            "{ended:?}"
        );
    }
    let ended = home.run(&nobody(), "ask hi --json --hub http://a/?key=sekret", &[]);
    assert_eq!(ended.lines()[0]["error"]["exit_code"], json!(2));
    assert_eq!(ended.times_told("sekret"), 0, "{ended:?}");
}
