//! `kpn project` with a scripted model: what is written, where, and how it goes on.

mod support;

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde_json::{Value, json};
use support::{FakeHub, Home, Reply, events, nobody, refusal, whole};
use tokio::sync::Barrier;

const PLAN: &str = " app/db.py | the database | |\n| app/main.py | the routes | app/db.py |\n| pyproject.toml | the package | |";

/// What a question is about, from how its answer is begun.
#[derive(Clone, Debug, PartialEq)]
enum Asked {
    Plan,
    File(String),
    Review,
    Risks,
}

fn asked(request: &Value) -> Asked {
    let messages = request["messages"].as_array().unwrap();
    let user = messages[messages.len() - 2]["content"].as_str().unwrap();
    let is_about = |words: &str| user.contains(words);
    if is_about("List the project's files") {
        Asked::Plan
    } else if is_about("Review these files") {
        Asked::Review
    } else if is_about("Sum up the risks") {
        Asked::Risks
    } else {
        let task = user.rsplit("```").next().unwrap();
        let files = [
            "pyproject.toml",
            "tests/test_app.py",
            "app/main.py",
            "app/db.py",
            "README.md",
        ];
        // The question ends with the file that is to be written.
        let last = files
            .iter()
            .filter_map(|file| Some((task.rfind(file)?, file)));
        Asked::File(
            last.max()
                .map(|(_, file)| (*file).to_owned())
                .unwrap_or_default(),
        )
    }
}

fn good(asked: &Asked) -> String {
    match asked {
        Asked::Plan => PLAN.to_owned(),
        Asked::File(path) => format!("# {path} by the model\nx = 1\n"),
        Asked::Review => "LGTM".to_owned(),
        Asked::Risks => " No authentication.".to_owned(),
    }
}

fn good_hub() -> FakeHub {
    FakeHub::start(|request| whole(&good(&asked(request))))
}

/// Everything in a folder but kpn's own, with its text.
fn tree(folder: &Path) -> BTreeMap<String, String> {
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

fn names(folder: &Path) -> Vec<String> {
    tree(folder).into_keys().collect()
}

const FILES: [&str; 4] = [
    "app/db.py",
    "app/main.py",
    "pyproject.toml",
    "tests/test_app.py",
];

fn state(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join(".kipina/project.json")).unwrap()).unwrap()
}

#[test]
fn an_idea_becomes_files_and_the_studio_could_take_them_over() {
    let hub = good_hub();
    let home = Home::new();
    let ended = home.run(&hub.url, "project a to-do list --out new/todo", &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let out = home.path().join("new/todo");
    assert_eq!(names(&out), FILES);
    assert!(tree(&out)["app/main.py"].ends_with("# app/main.py by the model\nx = 1\n"));
    for told in [
        "Planning",
        "Writing",
        "app/db.py",
        "No authentication",
        "written and reviewed",
    ] {
        assert!(ended.out.contains(told), "{told} in {}", ended.out);
    }
    let saved = state(&out);
    assert_eq!(saved["format"], json!("kipina-project"));
    assert_eq!(
        (&saved["version"], &saved["name"]),
        (&json!(1), &json!("a to-do list"))
    );
    assert_eq!(saved["project"]["run"], json!({ "is": "finished" }));
    // As the studio asks: prefilled, streamed, with the agent's own sampling and stops.
    let requests = hub.requests();
    assert_eq!(requests.len(), 7);
    for request in &requests {
        let messages = request["messages"].as_array().unwrap();
        let roles: Vec<&Value> = messages.iter().map(|message| &message["role"]).collect();
        assert_eq!(roles, ["system", "user", "assistant"]);
        assert!(request["max_tokens"].as_u64().unwrap() > 0, "{request}");
        assert!(!request["stop"].as_array().unwrap().is_empty(), "{request}");
        assert_eq!(request["stream"], json!(true));
    }
}

#[test]
fn independent_files_are_asked_for_at_once() {
    let both = Arc::new(Barrier::new(2));
    let hub = FakeHub::start(move |request| {
        let asked = asked(request);
        let reply = whole(&good(&asked));
        match asked {
            // Neither is answered before both are asked for.
            Asked::File(path) if ["app/db.py", "pyproject.toml"].contains(&path.as_str()) => {
                Reply::Together(Arc::clone(&both), Box::new(reply))
            }
            _ => reply,
        }
    });
    let home = Home::new();
    let ended = home.run(&hub.url, "project x --out p --timeout 30", &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[test]
fn json_lines_tell_every_step() {
    let hub = good_hub();
    let home = Home::new();
    let ended = home.run(&hub.url, "project x --out p --json", &[]);
    let lines = ended.lines();
    let told = |event: &str| {
        lines
            .iter()
            .filter(|line| line["event"] == json!(event))
            .count()
    };
    assert_eq!(
        (told("plan"), told("file"), told("end")),
        (1, 4, 1),
        "{}",
        ended.out
    );
    assert_eq!(lines.last().unwrap()["run"], json!({ "is": "finished" }));
    assert_eq!(ended.err, "");
}

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
    let ended = home.run(&hub.url, "project x --out p --force", &[]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for path in ["app/db.py", "app/main.py", "pyproject.toml"] {
        assert!(ended.err.contains(path), "{path} in {}", ended.err);
    }
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

#[test]
fn files_that_steer_git_are_not_written() {
    let hub = FakeHub::start(move |request| match asked(request) {
        Asked::Plan => whole(" .git/hooks/run.py | settings | |\n| app/db.py | the database | |"),
        other => whole(&good(&other)),
    });
    let home = Home::new();
    let git = home.path().join("p/.git");
    fs::create_dir_all(&git).unwrap();
    fs::write(git.join("config"), "mine\n").unwrap();
    let ended = home.run(&hub.url, "project x --out p", &[]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.err.contains(".git/hooks/run.py was not written"),
        "{}",
        ended.err
    );
    assert_eq!(names(&git), ["config"]);
}

#[cfg(unix)]
#[test]
fn interrupted_work_is_saved_and_goes_on() {
    // The first to be asked for app/main.py gets no end.
    let times = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&times);
    let hub = FakeHub::start(move |request| {
        let asked = asked(request);
        let is_main = asked == Asked::File("app/main.py".to_owned());
        if is_main && counted.fetch_add(1, Ordering::SeqCst) == 0 {
            return Reply::Hang(events(&["# half"], "stop")[..2].concat().into_bytes());
        }
        whole(&good(&asked))
    });
    let home = Home::new();
    let out = home.path().join("p");
    let child = home
        .kpn(&hub.url, "project a list --out p", &[])
        .spawn()
        .unwrap();
    support::until(|| times.load(Ordering::SeqCst) == 1 && out.join("pyproject.toml").exists());
    support::until(|| hub.open() == 1);
    let busy = home.run(&hub.url, "project --out p", &[]);
    assert_eq!(busy.code, Some(1), "another one works there: {busy:?}");
    support::interrupt(&child);
    let ended: support::Ended = child.wait_with_output().unwrap().into();
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert!(ended.err.contains("kpn project --out p"), "{}", ended.err);
    support::until(|| hub.open() == 0);
    assert_eq!(names(&out), ["app/db.py", "pyproject.toml"]);
    assert_eq!(state(&out)["project"]["run"], json!({ "is": "stopped" }));
    let before = hub.requests().len();
    let other = home.run(&hub.url, "project another idea --out p", &[]);
    assert_eq!(other.code, Some(2), "{other:?}");
    let ended = home.run(&hub.url, "project --out p", &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(names(&out), FILES);
    let again: Vec<Asked> = hub.requests()[before..].iter().map(asked).collect();
    let file = |path: &str| Asked::File(path.to_owned());
    assert_eq!(
        again,
        [
            file("app/main.py"),
            file("tests/test_app.py"),
            Asked::Review,
            Asked::Risks
        ],
        "what was written is not asked for again"
    );
}

#[cfg(unix)]
#[test]
fn a_program_that_was_killed_goes_on_too() {
    let times = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&times);
    let hub = FakeHub::start(move |request| {
        let asked = asked(request);
        if asked == Asked::Review && counted.fetch_add(1, Ordering::SeqCst) == 0 {
            return Reply::Hang(Vec::new());
        }
        whole(&good(&asked))
    });
    let home = Home::new();
    let mut child = home
        .kpn(&hub.url, "project a list --out p", &[])
        .spawn()
        .unwrap();
    support::until(|| times.load(Ordering::SeqCst) == 1);
    child.kill().unwrap();
    child.wait().unwrap();
    // It died between saving and writing, say: an older text is not the person's.
    let out = home.path().join("p");
    fs::remove_file(out.join("app/db.py")).unwrap();
    let ended = home.run(&hub.url, "project --out p", &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(names(&out), FILES);
    assert!(!ended.err.contains("you wrote"), "{}", ended.err);
}

#[test]
fn what_a_person_writes_is_taken_up_and_never_lost() {
    let hub = good_hub();
    let home = Home::new();
    let out = home.path().join("p");
    assert_eq!(
        home.run(&hub.url, "project a list --out p", &[]).code,
        Some(0)
    );
    fs::write(out.join("app/db.py"), "mine = 1\n").unwrap();
    fs::write(out.join("notes.txt"), "not of the project\n").unwrap();
    let ended = home.run(&nobody(), "project --out p", &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.err.contains("app/db.py") && ended.err.contains("you wrote"),
        "{}",
        ended.err
    );
    assert_eq!(
        fs::read_to_string(out.join("app/db.py")).unwrap(),
        "mine = 1\n"
    );
    assert_eq!(
        fs::read_to_string(out.join("notes.txt")).unwrap(),
        "not of the project\n"
    );
    let files = state(&out)["project"]["files"].clone();
    let db = files
        .as_array()
        .unwrap()
        .iter()
        .find(|file| file["path"] == json!("app/db.py"));
    let versions = db.unwrap()["versions"].as_array().unwrap();
    assert_eq!(
        versions.last().unwrap(),
        &json!({ "text": "mine = 1\n", "by": null, "round": 0 })
    );
}

#[test]
fn a_hub_that_dies_costs_a_question_and_one_that_stays_away_the_patience() {
    let times = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&times);
    let hub = FakeHub::start(move |request| {
        if counted.fetch_add(1, Ordering::SeqCst) == 1 {
            return Reply::Break(events(&["half"], "stop")[..2].concat().into_bytes());
        }
        whole(&good(&asked(request)))
    });
    let home = Home::new();
    let ended = home.run(&hub.url, "project x --out p", &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.err.contains("Waiting for the hub"), "{}", ended.err);
    assert_eq!(names(&home.path().join("p")), FILES);

    let hub = FakeHub::start(move |request| match asked(request) {
        Asked::Plan => whole(PLAN),
        _ => Reply::Break(Vec::new()),
    });
    let ended = home.run(&hub.url, "project x --out q --patience 1", &[]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.err.contains("kpn project --out q"), "{}", ended.err);
    assert_eq!(
        state(&home.path().join("q"))["project"]["stage"],
        json!("writing")
    );
}

#[test]
fn refusals_in_the_middle_are_waited_out_or_told() {
    for (reply, code, words) in [
        (
            ("no_node_available", 503, Some("1")),
            0,
            "Waiting for a machine",
        ),
        (
            ("rate_limit_exceeded", 429, Some("1")),
            0,
            "Waiting for a turn",
        ),
        (("node_lost", 503, None), 0, "another one was asked"),
        (("context_length_exceeded", 400, None), 0, ""),
        (("invalid_api_key", 401, None), 4, "KIPINA_KEY"),
        (("invalid_request", 400, None), 1, "no, invalid_request"),
    ] {
        let (code_word, status, retry_after) = reply;
        let mut times = 0;
        let hub = FakeHub::start(move |request| {
            times += 1;
            if times == 1 {
                return refusal(status, retry_after, code_word);
            }
            whole(&good(&asked(request)))
        });
        let home = Home::new();
        let ended = home.run(&hub.url, "project x --out p", &[]);
        assert_eq!(ended.code, Some(code), "{code_word}: {ended:?}");
        assert!(ended.err.contains(words), "{code_word}: {ended:?}");
    }
}

#[test]
fn nothing_is_made_for_a_hub_that_is_not_there() {
    let home = Home::new();
    let ended = home.run(&nobody(), "project x --out p", &[]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(!home.path().join("p").exists());
    let hub = good_hub().with_models(&[]);
    let ended = home.run(&hub.url, "project x --out p", &[]);
    assert_eq!(ended.code, Some(5), "{ended:?}");
    let ended = home.run(&hub.url, "project --out p", &[]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    fs::create_dir_all(home.path().join("broken/.kipina")).unwrap();
    fs::write(home.path().join("broken/.kipina/project.json"), "{}").unwrap();
    let ended = home.run(&hub.url, "project --out broken", &[]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("can't be read"), "{ended:?}");
}
