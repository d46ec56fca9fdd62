//! What is written and read, and what is not.

use std::{fs, path::Path};

use serde_json::json;

use crate::support::{
    FakeHub, Home, names, nobody, state,
    team::{Asked, FILES, asked, good, good_hub},
    tree, whole,
};

#[test]
fn a_model_that_wants_out_writes_nothing_outside() {
    for plan in [
        " ../../x.py | escape | |",
        " /tmp/kpn-escape.py | escape | |",
        " ../x.py | a | |\n| /etc/x.py | b | |\n| C:/x.py | c | |\n| a/../../x.py | d | |",
    ] {
        let hub = FakeHub::start(move |request| match asked(request) {
            Asked::Plan => whole(plan),
            other => whole(&good(&other)),
        });
        let home = Home::new();
        let ended = home.run(&hub.url, "project x --out deep/er/p", &[]);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.err.contains("usable plan"), "{ended:?}");
        assert_eq!(
            names(home.path()),
            ["deep/er/p/.kipina/lock", "deep/er/p/.kipina/project.json"]
        );
        assert!(!Path::new("/tmp/kpn-escape.py").exists());
    }
    // What is left of a plan that wants out in part is written inside.
    let hub = FakeHub::start(move |request| match asked(request) {
        Asked::Plan => whole(" ../x.py | escape | |\n| app/db.py | the database | |"),
        other => whole(&good(&other)),
    });
    let home = Home::new();
    home.run(&hub.url, "project x --out p", &[]);
    let outside: Vec<String> = names(home.path())
        .into_iter()
        .filter(|name| !name.starts_with("p/"))
        .collect();
    assert!(outside.is_empty(), "{outside:?}");
    assert!(home.path().join("p/app/db.py").exists());
}

#[cfg(unix)]
#[test]
fn a_link_in_the_folder_leads_nowhere_else() {
    let hub = good_hub();
    let home = Home::new();
    let outside = home.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("pyproject.toml"), "mine\n").unwrap();
    let out = home.path().join("p");
    fs::create_dir(&out).unwrap();
    std::os::unix::fs::symlink("../outside", out.join("app")).unwrap();
    std::os::unix::fs::symlink(outside.join("pyproject.toml"), out.join("pyproject.toml")).unwrap();
    let refused = home.run(&hub.url, "project x --out p", &[]);
    assert_eq!(
        refused.code,
        Some(2),
        "a folder with files of its own: {refused:?}"
    );
    assert!(!out.join(".kipina").exists(), "it is left as it was");
    let ended = home.run(&hub.url, "project x --out p --force", &[]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for path in ["app/db.py", "app/main.py", "pyproject.toml"] {
        let told = format!("{path} was not written");
        assert_eq!(ended.times_told(&told), 1, "{path} in {ended:?}");
    }
    assert_eq!(ended.times_told("written and reviewed"), 0, "{ended:?}");
    assert!(
        ended.err.contains("app/db.py, app/main.py, pyproject.toml")
            && ended.err.contains("kpn project --out p"),
        "{}",
        ended.err
    );
    let ended = home.run(&nobody(), "project --out p --json", &[]);
    let end = ended.lines().pop().unwrap();
    assert_eq!(
        end["unwritten"],
        json!(["app/db.py", "app/main.py", "pyproject.toml"])
    );
    assert_eq!(names(&outside), ["pyproject.toml"]);
    assert_eq!(
        fs::read_to_string(outside.join("pyproject.toml")).unwrap(),
        "mine\n"
    );
    assert!(
        out.join("tests/test_app.py").exists(),
        "what can be written is written"
    );
    // The links gone, the same command writes what is missing, and asks nobody for it.
    fs::remove_file(out.join("app")).unwrap();
    fs::remove_file(out.join("pyproject.toml")).unwrap();
    let ended = home.run(&nobody(), "project x --out p", &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(names(&out), FILES);
}

/// A team that plans a file where only git's are.
fn hub_that_plans_into_git() -> FakeHub {
    FakeHub::start(|request| match asked(request) {
        Asked::Plan => whole(" .git/hooks/run.py | settings | |\n| app/db.py | the database | |"),
        other => whole(&good(&other)),
    })
}

#[test]
fn files_that_steer_git_are_neither_written_nor_read() {
    let hub = hub_that_plans_into_git();
    let home = Home::new();
    let out = home.path().join("p");
    let hooks = out.join(".git/hooks");
    fs::create_dir_all(&hooks).unwrap();
    fs::write(hooks.join("run.py"), "sekret\n").unwrap();
    // The second time the file is known, and looked for in the folder.
    for line in ["project x --out p", "project --out p"] {
        let ended = home.run(&hub.url, line, &[]);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        let told = ".git/hooks/run.py was not written";
        assert_eq!(ended.times_told(told), 1, "{ended:?}");
        assert_eq!(ended.times_told("you wrote"), 0, "{ended:?}");
        assert_eq!(
            fs::read_to_string(hooks.join("run.py")).unwrap(),
            "sekret\n"
        );
        assert!(!state(&out).to_string().contains("sekret"));
    }
}

#[test]
fn a_folder_with_files_is_used_by_force_and_told_as_it_is() {
    let hub = good_hub();
    let home = Home::new();
    let out = home.path().join("p");
    fs::create_dir_all(out.join("app")).unwrap();
    fs::write(out.join("app/db.py"), "old = 1\n").unwrap();
    fs::write(out.join("pyproject.toml"), [0xff, 0xfe]).unwrap();
    let refused = home.run(&hub.url, "project x --out p", &[]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(!out.join(".kipina").exists(), "it is left as it was");
    let ended = home.run(&hub.url, "project x --out p --force", &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!ended.err.contains("you wrote"), "{ended:?}");
    assert!(tree(&out)["app/db.py"].contains("by the model"));
    assert!(tree(&out)["pyproject.toml"].contains("by the model"));
    // The folder's project is another one's from now on.
    let other = home.run(&hub.url, "project y --out p --force", &[]);
    assert_eq!(other.code, Some(2), "{other:?}");
}

#[test]
fn what_is_missing_is_told_once_however_much_happens() {
    let hub = hub_that_plans_into_git();
    let home = Home::new();
    let out = home.path().join("p");
    assert_eq!(home.run(&hub.url, "project x --out p", &[]).code, Some(1));
    fs::write(out.join("app/db.py"), "mine = 1\n").unwrap();
    let ended = home.run(&nobody(), "project --out p", &[]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let told = ".git/hooks/run.py was not written";
    assert_eq!(ended.times_told(told), 1, "{ended:?}");
    assert_eq!(ended.times_told("you wrote"), 1, "{ended:?}");
}
