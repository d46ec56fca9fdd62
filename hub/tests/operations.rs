//! docs/OPERATIONS.md knows every setting, and everything that a client or a node may be told.

use std::cell::RefCell;

use hub::{config::Config, help};

const PAGE: &str = include_str!("../../docs/OPERATIONS.md");

/// Whether the page has the word, and not only as a part of another.
fn tells_of(word: &str) -> bool {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    PAGE.split(|letter| !is_part(letter)).any(|it| it == word)
}

/// The texts between quotes that look like the codes of errors.
fn codes(source: &str) -> Vec<&str> {
    let source = source.split("#[cfg(test)]").next().unwrap_or_default();
    let is_code = |text: &&str| {
        text.contains('_')
            && !text.ends_with("_error")
            && text
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    source
        .split('"')
        .skip(1)
        .step_by(2)
        .filter(is_code)
        .collect()
}

#[test]
fn every_setting_is_told_of() {
    let asked = RefCell::new(Vec::new());
    let read = Config::read(|name| {
        asked.borrow_mut().push(name.to_owned());
        None
    });
    drop(read);
    let asked = asked.into_inner();
    assert!(asked.len() > 15, "{asked:?}");
    for setting in &asked {
        assert!(tells_of(setting), "{setting} is not in docs/OPERATIONS.md");
    }
    for setting in asked.iter().filter(|name| !is_of_the_system(name)) {
        let english = help::help().english;
        assert!(
            english.contains(setting.as_str()),
            "{setting} is not in --help"
        );
    }
}

/// Where folders lie is the system's word.
fn is_of_the_system(name: &str) -> bool {
    ["HOME", "XDG_DATA_HOME", "LOCALAPPDATA", "USERPROFILE"].contains(&name)
}

#[test]
fn every_error_code_is_told_of() {
    let sources = [
        include_str!("../src/error.rs"),
        include_str!("../src/error/reasons.rs"),
        include_str!("../src/error/conversions.rs"),
        include_str!("../src/access/credential.rs"),
        include_str!("../src/dispatch/refusal.rs"),
        include_str!("../src/serve/body.rs"),
    ];
    let found: Vec<&str> = sources.into_iter().flat_map(codes).collect();
    assert!(found.len() > 35, "{found:?}");
    for code in found {
        assert!(tells_of(code), "{code} is not in docs/OPERATIONS.md");
    }
}

#[test]
fn every_close_code_is_told_of() {
    let source = include_str!("../../protocol/src/lib.rs");
    let (_, codes) = source.split_once("pub mod close_code").unwrap();
    let codes: Vec<&str> = codes
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub const ")?.split(" = ").nth(1))
        .map(|code| code.trim_end_matches(';'))
        .collect();
    assert!(codes.len() >= 8, "{codes:?}");
    for code in codes {
        assert!(
            tells_of(code),
            "close code {code} is not in docs/OPERATIONS.md"
        );
    }
}

#[test]
fn every_refused_status_is_told_of() {
    let source = include_str!("../src/error.rs");
    let statuses = source.split("StatusCode::").skip(1).filter_map(|rest| {
        let name = rest
            .split(|letter: char| !(letter.is_ascii_uppercase() || letter == '_'))
            .next()?;
        (!name.is_empty()).then_some(name)
    });
    let mut count = 0;
    for name in statuses {
        let status = (400..600).find(|number| {
            let status = axum::http::StatusCode::from_u16(*number).unwrap();
            let reason = status.canonical_reason().unwrap_or_default();
            reason.to_uppercase().replace([' ', '-'], "_") == name
        });
        let status = status.unwrap_or_else(|| panic!("no status is called {name}"));
        assert!(
            tells_of(&status.to_string()),
            "{status} is not in docs/OPERATIONS.md"
        );
        count += 1;
    }
    assert!(count > 10);
}
