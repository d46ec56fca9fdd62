//! What interrupts the team's work: people, hubs and machines.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde_json::json;
use tokio::sync::Barrier;

#[cfg(unix)]
use crate::support::interrupt;
use crate::support::{
    Ended, FakeHub, Home, Reply, events, file, names, nobody, state,
    team::{Asked, FILES, PLAN, asked, good, good_hub},
    tree, until, versions, whole,
};

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
    until(|| times.load(Ordering::SeqCst) == 1 && out.join("pyproject.toml").exists());
    until(|| hub.open() == 1);
    let busy = home.run(&hub.url, "project --out p", &[]);
    assert_eq!(busy.code, Some(1), "another one works there: {busy:?}");
    interrupt(&child);
    let ended: Ended = child.wait_with_output().unwrap().into();
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert!(ended.err.contains("kpn project --out p"), "{}", ended.err);
    until(|| hub.open() == 0);
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
    until(|| times.load(Ordering::SeqCst) == 1);
    child.kill().unwrap();
    child.wait().unwrap();
    // It died between saving and writing, say: an older text is not the person's.
    let out = home.path().join("p");
    fs::remove_file(out.join("app/main.py")).unwrap();
    let mut saved = state(&out);
    let db = file(&mut saved, "app/db.py");
    let newer = json!({ "text": "newer = 1\n", "by": "data", "round": 0 });
    db["versions"].as_array_mut().unwrap().push(newer);
    fs::write(out.join(".kipina/project.json"), saved.to_string()).unwrap();
    let ended = home.run(&hub.url, "project --out p", &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(names(&out), FILES);
    assert!(!ended.err.contains("you wrote"), "{}", ended.err);
    assert_eq!(tree(&out)["app/db.py"], "newer = 1\n");
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
    let mut saved = state(&out);
    let versions = file(&mut saved, "app/db.py")["versions"]
        .as_array()
        .unwrap();
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

/// A hub whose first answer to `held` comes only when the test lets it go.
fn hub_that_waits(held: Asked, finds: &'static str) -> (FakeHub, Arc<Barrier>) {
    let barrier = Arc::new(Barrier::new(2));
    let mut waits = Some(Arc::clone(&barrier));
    let mut finds = Some(finds).filter(|finds| !finds.is_empty());
    let hub = FakeHub::start(move |request| {
        let asked = asked(request);
        let reply = match &asked {
            Asked::Review => whole(finds.take().unwrap_or("LGTM")),
            other => whole(&good(other)),
        };
        match waits.take_if(|_| asked == held) {
            Some(barrier) => Reply::Together(barrier, Box::new(reply)),
            None => reply,
        }
    });
    (hub, barrier)
}

/// What a person does in the folder while an answer is waited for, and how the work ends.
fn meanwhile(
    home: &Home,
    hub: &FakeHub,
    barrier: &Barrier,
    held: &Asked,
    act: impl FnOnce(&Path),
) -> Ended {
    let mut command = home.kpn(&hub.url, "project x --out p", &[]);
    let child = command.spawn().unwrap();
    until(|| hub.requests().iter().any(|request| asked(request) == *held));
    act(&home.path().join("p"));
    hub.meet(barrier);
    child.wait_with_output().unwrap().into()
}

#[test]
fn what_a_person_writes_while_the_team_works_survives_and_is_heard_of() {
    let db = || Asked::File("app/db.py".to_owned());
    // Into the file that is being written, into one that another waits for, and while all are reviewed.
    for (held, finds) in [
        (db(), ""),
        (Asked::File("app/main.py".to_owned()), ""),
        (Asked::Review, ""),
        (Asked::Risks, ""),
        // What is mended has the person's text before it.
        (Asked::Review, "ISSUE: app/db.py: it fails"),
    ] {
        let case = format!("{held:?}, {finds}");
        let (hub, barrier) = hub_that_waits(held.clone(), finds);
        let home = Home::new();
        let out = home.path().join("p");
        let ended = meanwhile(&home, &hub, &barrier, &held, |out| {
            until(|| held == db() || out.join("app/db.py").exists());
            fs::create_dir_all(out.join("app")).unwrap();
            fs::write(out.join("app/db.py"), "mine = 1\n").unwrap();
        });
        assert_eq!(ended.code, Some(0), "{case}: {ended:?}");
        assert_eq!(
            ended.times_told("what you wrote into it"),
            1,
            "{case}: {ended:?}"
        );
        let texts = versions(&out, "app/db.py");
        assert!(
            texts.contains(&"mine = 1\n".to_owned()),
            "{case}: {texts:?}"
        );
        if finds.is_empty() {
            assert_eq!(tree(&out)["app/db.py"], "mine = 1\n", "{case}");
        } else {
            let mended = hub
                .requests()
                .iter()
                .rfind(|request| asked(request) == db())
                .cloned();
            assert!(mended.unwrap().to_string().contains("mine = 1"), "{case}");
            assert_eq!(&tree(&out)["app/db.py"], texts.last().unwrap(), "{case}");
        }
        // Nothing is left to be taken up.
        let ended = home.run(&nobody(), "project --out p", &[]);
        assert_eq!(
            (ended.code, ended.times_told("you wrote")),
            (Some(0), 0),
            "{case}: {ended:?}"
        );
    }
}

#[test]
fn a_person_may_go_back_to_an_older_text_while_the_team_works() {
    let barrier = Arc::new(Barrier::new(2));
    let (waits, mut times, mut reviews) = (Arc::clone(&barrier), 0, 0);
    let hub = FakeHub::start(move |request| match asked(request) {
        Asked::File(path) if path == "app/db.py" => {
            times += 1;
            whole(&format!("x = {times}\n"))
        }
        Asked::Review => {
            reviews += 1;
            whole(if reviews == 1 {
                "ISSUE: app/db.py: it fails"
            } else {
                "LGTM"
            })
        }
        Asked::Risks => Reply::Together(Arc::clone(&waits), Box::new(whole("None."))),
        other => whole(&good(&other)),
    });
    let home = Home::new();
    let out = home.path().join("p");
    let mut before = Vec::new();
    let ended = meanwhile(&home, &hub, &barrier, &Asked::Risks, |out| {
        before = versions(out, "app/db.py");
        fs::write(out.join("app/db.py"), &before[0]).unwrap();
    });
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(before.len(), 2, "{before:?}");
    assert_eq!(tree(&out)["app/db.py"], before[0]);
    assert_eq!(versions(&out, "app/db.py").last(), before.first());
}

#[test]
fn a_file_that_a_person_deletes_while_the_team_works_is_not_written_at_once() {
    let (hub, barrier) = hub_that_waits(Asked::Review, "");
    let home = Home::new();
    let out = home.path().join("p");
    let ended = meanwhile(&home, &hub, &barrier, &Asked::Review, |out| {
        fs::remove_file(out.join("app/db.py")).unwrap();
    });
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!out.join("app/db.py").exists());
    assert_eq!(home.run(&nobody(), "project --out p", &[]).code, Some(0));
    assert!(
        out.join("app/db.py").exists(),
        "it comes back when the work goes on"
    );
}
