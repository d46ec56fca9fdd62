//! `kipina-hub check`, and names that are no settings.

use tempfile::TempDir;

use crate::support::process::{hub, run, text};

#[test]
fn settings_are_checked_without_starting_anything() {
    let home = TempDir::new().unwrap();
    let output = hub(&home, &[]).arg("check").output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).starts_with("The settings are fine: address 127.0.0.1:3000"));
    assert!(
        std::fs::read_dir(home.path()).unwrap().next().is_none(),
        "nothing was made"
    );

    let output = run(&[("PORT", "x"), ("LOG_FORMAT", "y")], &["check"]);
    assert_eq!(output.status.code(), Some(2));
    let errors = text(&output.stderr);
    assert!(
        errors.contains("PORT=x") && errors.contains("LOG_FORMAT=y"),
        "{errors}"
    );
}

#[test]
fn a_database_of_a_newer_hub_is_refused_by_the_check() {
    let home = TempDir::new().unwrap();
    let path = home.path().join("hub.sqlite");
    let database = rusqlite::Connection::open(&path).unwrap();
    database.pragma_update(None, "user_version", 1000).unwrap();
    let setting = path.to_str().unwrap();
    let output = run(&[("DATABASE_PATH", setting)], &["check"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("written by a newer hub (version 1000"));
}

#[test]
fn a_name_with_a_slip_in_it_is_pointed_out_and_stops_nothing() {
    let output = run(&[("DATABASE_PAHT", "/x"), ("KIPINA_PORT", "1")], &["check"]);
    assert!(output.status.success());
    let notes = text(&output.stderr);
    assert!(
        notes.contains("DATABASE_PAHT is no setting; did you mean DATABASE_PATH?"),
        "{notes}"
    );
    assert!(
        notes.contains("KIPINA_PORT is no setting; did you mean PORT?"),
        "{notes}"
    );
}
