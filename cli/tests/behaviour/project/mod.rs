//! `kpn project` with a scripted model: what is asked, written and told.

mod folder;
mod goes_on;

use std::{fs, sync::Arc};

use serde_json::{Value, json};
use tokio::sync::Barrier;

use crate::support::{
    Ended, FakeHub, Home, MODEL, Reply, names, nobody, refusal, state,
    team::{Asked, FILES, asked, good, good_hub},
    tree, until, whole,
};

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
    assert_eq!(lines.last().unwrap()["unwritten"], json!([]));
    assert_eq!(ended.err, "");
    // Also where the hub wants no more of it.
    let hub = FakeHub::start(|_| refusal(401, None, "invalid_api_key"));
    let ended = home.run(&hub.url, "project x --out q --json", &[]);
    let lines = ended.lines();
    let [.., end, error] = &lines[..] else {
        panic!("{ended:?}")
    };
    assert_eq!(
        (&end["event"], &end["run"]["is"]),
        (&json!("end"), &json!("failed"))
    );
    assert_eq!(error["error"]["exit_code"], json!(4));
    assert_eq!(ended.err, "");
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
        assert_eq!(ended.times_told(words), 1, "{code_word}: {ended:?}");
        let goes_on = ended.err.contains("kpn project --out p");
        assert_eq!(goes_on, code != 0, "{code_word}: {ended:?}");
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
    fs::create_dir(home.path().join("empty")).unwrap();
    for (url, line, code) in [
        (&hub.url, "project --out empty", 2),
        (&hub.url, "project x --out empty", 5),
        (&nobody(), "project x --out empty", 3),
    ] {
        let ended = home.run(url, line, &[]);
        assert_eq!(ended.code, Some(code), "{ended:?}");
        let left = fs::read_dir(home.path().join("empty")).unwrap().count();
        assert_eq!(left, 0, "{line}");
    }
    fs::create_dir_all(home.path().join("broken/.kipina")).unwrap();
    fs::write(home.path().join("broken/.kipina/project.json"), "{}").unwrap();
    let ended = home.run(&hub.url, "project --out broken", &[]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.err.contains("can't be read"), "{ended:?}");
}

/// A file that a window of 4096 tokens does not hold beside a question, in single lines.
fn long_file() -> String {
    let lines =
        (0..280).map(|line| format!("value_{line} = compute_{line}(\"some words here\")\n"));
    lines.collect()
}

/// The question for the routes, which shows the database's file.
fn question_for_main(hub: &FakeHub) -> Value {
    let is_main = |request: &&Value| asked(request) == Asked::File("app/main.py".to_owned());
    hub.requests().iter().rfind(is_main).unwrap().clone()
}

#[test]
fn a_window_is_as_large_as_the_hub_tells_and_narrowed_from_there() {
    for (told, refusals, is_whole) in [
        (32_768, 0, true),
        (32_768, 1, true),
        (0, 0, false),
        (4096, 0, false),
    ] {
        let mut left = refusals;
        let hub = FakeHub::start(move |request| match asked(request) {
            Asked::File(path) if path == "app/db.py" => whole(&long_file()),
            Asked::File(path) if path == "app/main.py" && left > 0 => {
                left -= 1;
                refusal(400, None, "context_length_exceeded")
            }
            other => whole(&good(&other)),
        })
        .with_window(told);
        let home = Home::new();
        let ended = home.run(&hub.url, "project x --out p", &[]);
        assert_eq!(ended.code, Some(0), "{told}: {ended:?}");
        let question = question_for_main(&hub).to_string();
        assert_eq!(
            question.contains("value_279"),
            is_whole,
            "{told}: {question}"
        );
        let was_told = ended.err.contains("not everything fitted");
        assert_eq!(was_told, !is_whole, "{told}: {ended:?}");
    }
}

#[test]
fn a_machine_s_smaller_window_is_found_by_asking_for_less() {
    // Half of what the hub tells is all that the machine has.
    let hub = FakeHub::start(|request| {
        if request.to_string().len() > 8000 {
            return refusal(400, None, "context_length_exceeded");
        }
        match asked(request) {
            Asked::File(path) if path == "app/db.py" => whole(&long_file()),
            other => whole(&good(&other)),
        }
    });
    let home = Home::new();
    let ended = home.run(&hub.url, "project x --out p", &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let lengths: Vec<usize> = hub
        .requests()
        .iter()
        .map(|request| request.to_string().len())
        .collect();
    assert!(lengths.iter().any(|length| *length > 8000), "{lengths:?}");
}

#[test]
fn a_family_s_other_member_answers_when_one_has_gone() {
    let hub = FakeHub::start(|request| match request["model"] == json!(MODEL) {
        true => refusal(503, Some("1"), "no_node_available"),
        false => whole(&good(&asked(request))),
    })
    .with_models(&[MODEL, "small:2b", "other:2b"]);
    let home = Home::new();
    let child = home
        .kpn(&hub.url, "project x --out p --model small", &[])
        .spawn()
        .unwrap();
    until(|| hub.requests().len() == 1);
    hub.has_models(&["other:2b", "small:2b"]);
    let ended: Ended = child.wait_with_output().unwrap().into();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let models: Vec<Value> = hub
        .requests()
        .iter()
        .map(|request| request["model"].clone())
        .collect();
    assert_eq!(models[0], json!(MODEL));
    assert!(
        models[1..].iter().all(|model| *model == json!("small:2b")),
        "whom one question found the next ones ask first: {models:?}"
    );
    assert!(models.len() > 6, "{models:?}");
}

#[test]
fn work_whose_output_nobody_reads_is_not_told_as_done() {
    let hub = good_hub();
    let home = Home::new();
    let mut child = home
        .kpn(&hub.url, "project x --out p", &[])
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended: Ended = child.wait_with_output().unwrap().into();
    assert_eq!((ended.code, ended.err.as_str()), (Some(141), ""));
    let ended = home.run(&hub.url, "project --out p", &[]);
    assert_eq!(ended.code, Some(0), "it goes on: {ended:?}");
}
