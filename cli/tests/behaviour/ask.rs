//! `kpn ask` against a hub that behaves, and hubs that don't.

use std::process::Stdio;

use serde_json::json;

use crate::support::{Ended, FakeHub, Home, MODEL, Reply, events, nobody, refusal};

#[test]
fn an_answer_is_printed_as_it_is_and_nothing_else() {
    let hub = FakeHub::start(|_| {
        let pieces = events(&["Hei", ", yö", " 🔥\n", "loppu"], "stop");
        Reply::Bytes(pieces.into_iter().map(String::into_bytes).collect())
    });
    let home = Home::new();
    let ended = home.run(&hub.url, "ask what is this", &[]);
    assert_eq!(
        (ended.code, ended.out.as_str()),
        (Some(0), "Hei, yö 🔥\nloppu\n")
    );
    assert_eq!(ended.err, "", "nobody watches");
    let request = &hub.requests()[0];
    assert_eq!(
        request["messages"],
        json!([{ "role": "user", "content": "what is this" }])
    );
    assert_eq!(
        (&request["model"], &request["stream"]),
        (&json!(MODEL), &json!(true))
    );
    assert!(
        request.get("temperature").is_none(),
        "the hub's to choose: {request}"
    );
}

#[test]
fn events_may_be_cut_anywhere() {
    let bytes = events(&["ä", "🔥", "\\u{1}\n"], "stop")
        .concat()
        .into_bytes();
    let home = Home::new();
    for size in [1, 2, 3, 7, 64] {
        let pieces: Vec<Vec<u8>> = bytes.chunks(size).map(<[u8]>::to_vec).collect();
        let hub = FakeHub::start(move |_| Reply::Bytes(pieces.clone()));
        let ended = home.run(&hub.url, "ask x", &[]);
        assert_eq!(
            (ended.code, ended.out.as_str()),
            (Some(0), "ä🔥\\u{1}\n"),
            "pieces of {size}"
        );
    }
}

#[test]
fn a_question_may_come_in_alone_or_beside_words() {
    let hub = FakeHub::saying("ok");
    let home = Home::new();
    for (line, asked) in [
        ("ask", "from a file\n"),
        ("ask -", "from a file\n"),
        ("ask explain -", "explain\n\nfrom a file\n"),
    ] {
        let ended = home.run_with_input(&hub.url, line, "from a file\n");
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(
            hub.requests().last().unwrap()["messages"][0]["content"],
            json!(asked)
        );
    }
    let ended = home.run_with_input(&hub.url, "ask", "  \n");
    assert_eq!(
        (ended.code, hub.requests().len()),
        (Some(2), 3),
        "{ended:?}"
    );
}

#[test]
fn an_agent_brings_its_prompt_and_sampling_and_flags_go_before_them() {
    let hub = FakeHub::saying("ok");
    let home = Home::new();
    let ended = home.run(
        &hub.url,
        "ask hi --agent coder --max-tokens 7 --seed 3",
        &[],
    );
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let request = &hub.requests()[0];
    assert_eq!(request["messages"][0]["role"], json!("system"));
    assert_eq!(
        (&request["max_tokens"], &request["seed"]),
        (&json!(7), &json!(3))
    );
    assert!(request["repeat_penalty"].is_number(), "{request}");
}

#[test]
fn json_is_one_object_with_all_that_is_known() {
    let hub = FakeHub::saying("a \u{1b}[31mred\u{9b} answer");
    let ended = Home::new().run(&hub.url, "ask --json hi", &[]);
    let lines = ended.lines();
    assert_eq!(lines.len(), 1, "{ended:?}");
    assert_eq!(lines[0]["answer"], json!("a \u{1b}[31mred\u{9b} answer"));
    assert!(!ended.out.contains(['\u{1b}', '\u{9b}']), "{:?}", ended.out);
    assert_eq!(lines[0]["model"], json!(MODEL));
    assert_eq!(lines[0]["finish_reason"], json!("stop"));
    assert_eq!(lines[0]["usage"]["prompt_tokens"], json!(11));
    assert_eq!(lines[0]["kipina"]["node"], json!("Sauna"));
}

#[test]
fn a_model_is_an_id_a_family_or_an_alias() {
    let hub = FakeHub::saying("ok").with_models(&[MODEL, "other:2b"]);
    let home = Home::new();
    for (wish, asked) in [("other:2b", "other:2b"), ("small", MODEL), ("alias", MODEL)] {
        home.run(&hub.url, "ask hi --model", &[wish]);
        assert_eq!(
            hub.requests().last().unwrap()["model"],
            json!(asked),
            "{wish}"
        );
    }
    let ended = home.run(&hub.url, "ask hi --model none:9b", &[]);
    assert_eq!(ended.code, Some(5));
    assert!(
        ended.err.contains("none:9b") && ended.err.contains("kpn models"),
        "{}",
        ended.err
    );
}

#[test]
fn every_refusal_has_its_exit_code_and_says_what_to_do() {
    for (reply, code, words) in [
        (refusal(401, None, "invalid_api_key"), 4, "KIPINA_KEY"),
        (refusal(403, None, "origin_not_allowed"), 4, "KIPINA_KEY"),
        (
            refusal(503, Some("7"), "no_node_available"),
            5,
            "in 7 seconds",
        ),
        (
            refusal(429, Some("3"), "rate_limit_exceeded"),
            1,
            "in 3 seconds",
        ),
        (
            refusal(500, None, "internal_error"),
            1,
            "no, internal_error",
        ),
        (
            Reply::Refusal(502, None, "<html>".to_owned()),
            3,
            "HTTP 502",
        ),
        (Reply::Refusal(503, None, String::new()), 3, "HTTP 503"),
        (
            Reply::Refusal(418, None, "a teapot".to_owned()),
            1,
            "a teapot",
        ),
        (
            Reply::Bytes(vec![
                b"data: {\"error\":{\"message\":\"lost it\",\"code\":\"node_lost\"}}\n\n".to_vec(),
            ]),
            1,
            "lost it",
        ),
        (
            Reply::Bytes(vec![b"data: hello\n\n".to_vec()]),
            1,
            "not as a Kipin",
        ),
        (Reply::Bytes(vec![vec![b'd', 0xff]]), 3, "broke before"),
    ] {
        let mut reply = Some(reply);
        let hub = FakeHub::start(move |_| reply.take().unwrap());
        let ended = Home::new().run(&hub.url, "ask hi", &[]);
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert!(ended.err.contains(words), "{words} in {ended:?}");
        assert_eq!(ended.err.lines().count(), 1, "{ended:?}");
    }
}

#[test]
fn a_refusal_is_told_in_finnish_to_whoever_reads_finnish() {
    let hub = FakeHub::start(|_| refusal(503, Some("7"), "no_node_available"));
    let ended = Home::new().run(&hub.url, "ask hi --lang fi", &[]);
    assert!(ended.err.contains("7 sekunnin päästä"), "{ended:?}");
}

#[test]
fn a_hub_without_models_is_told_apart_from_one_that_is_gone() {
    let hub = FakeHub::saying("ok").with_models(&[]);
    let home = Home::new();
    let ended = home.run(&hub.url, "ask hi", &[]);
    assert_eq!(ended.code, Some(5));
    assert!(ended.err.contains("kipina-node"), "{}", ended.err);
    let ended = home.run(&nobody(), "ask hi", &[]);
    assert_eq!(ended.code, Some(3));
    assert!(ended.err.contains("could not be reached"), "{}", ended.err);
    let ended = home.run(&nobody(), "ask hi --json", &[]);
    assert_eq!(ended.lines()[0]["error"]["exit_code"], json!(3));
    assert_eq!(ended.err, "", "told once");
}

#[test]
fn what_came_before_a_hub_died_is_shown_and_the_end_is_no_success() {
    let begun = events(&["half an "], "stop")[..2].concat();
    let hub = FakeHub::start(move |_| Reply::Break(begun.clone().into_bytes()));
    let ended = Home::new().run(&hub.url, "ask hi", &[]);
    assert_eq!(
        (ended.code, ended.out.as_str()),
        (Some(3), "half an \n"),
        "{}",
        ended.err
    );
    assert!(ended.err.contains("broke before"), "{}", ended.err);
    // An answer that ends without its last word is not whole either.
    let begun = events(&["half an "], "stop")[..2].concat();
    let hub = FakeHub::start(move |_| Reply::Bytes(vec![begun.clone().into_bytes()]));
    let ended = Home::new().run(&hub.url, "ask hi", &[]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
}

#[test]
fn a_silent_hub_is_given_up() {
    let begun = events(&["half"], "stop")[..2].concat();
    let hub = FakeHub::start(move |_| Reply::Hang(begun.clone().into_bytes()));
    let ended = Home::new().run(&hub.url, "ask hi --timeout 1", &[]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(3), "half\n"));
    assert!(ended.err.contains("for 1 seconds"), "{}", ended.err);
}

#[test]
fn wrong_usage_is_told_before_anybody_is_asked() {
    let home = Home::new();
    for line in [
        "",
        "fly",
        "ask hi --nonsense",
        "ask hi --max-tokens 0",
        "project x",
        "ask hi --hub nowhere",
    ] {
        let ended = home.run(&nobody(), line, &[]);
        assert_eq!(ended.code, Some(2), "{line}: {ended:?}");
        assert!(
            ended.err.starts_with("kpn: ") && ended.out.is_empty(),
            "{line}: {ended:?}"
        );
        // To a program it is told as everything else is.
        let ended = home.run(&nobody(), line, &["--json"]);
        assert_eq!(
            (ended.code, ended.err.as_str()),
            (Some(2), ""),
            "{line}: {ended:?}"
        );
        let [told] = &ended.lines()[..] else {
            panic!("{line}: {ended:?}")
        };
        assert_eq!(told["error"]["exit_code"], json!(2), "{line}");
        assert!(
            !told["error"]["message"].as_str().unwrap().is_empty(),
            "{line}"
        );
    }
    let ended = home.run(&nobody(), "fly --lang fi --json", &[]);
    assert!(ended.out.contains("tuntematon komento fly"), "{ended:?}");
    let ended = home.run(&nobody(), "ask -- --json", &[]);
    assert_eq!(ended.code, Some(3), "a question is no flag: {ended:?}");
    assert!(ended.out.is_empty(), "{ended:?}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_question_and_the_hub_knows() {
    use crate::support::{interrupt, until};

    let begun = events(&["half"], "stop")[..2].concat();
    let hub = FakeHub::start(move |_| Reply::Hang(begun.clone().into_bytes()));
    let home = Home::new();
    let child = home.kpn(&hub.url, "ask hi", &[]).spawn().unwrap();
    until(|| hub.open() == 1);
    interrupt(&child);
    let ended: Ended = child.wait_with_output().unwrap().into();
    assert_eq!(ended.code, Some(130), "{ended:?}");
    until(|| hub.open() == 0);
}

#[test]
fn whoever_has_read_enough_hears_no_complaint_and_sees_that_there_was_more() {
    let text: &'static str = "line\n".repeat(100_000).leak();
    let hub = FakeHub::saying(text);
    let mut child = Home::new()
        .kpn(&hub.url, "ask hi", &[])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended: Ended = child.wait_with_output().unwrap().into();
    assert_eq!((ended.code, ended.err.as_str()), (Some(141), ""));
}

#[test]
fn an_answer_at_its_limit_says_so() {
    let hub =
        FakeHub::start(|_| Reply::Bytes(vec![events(&["cut"], "length").concat().into_bytes()]));
    let ended = Home::new().run(&hub.url, "ask hi", &[]);
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), "cut\n"));
    assert!(ended.err.contains("length limit"), "{}", ended.err);
}
