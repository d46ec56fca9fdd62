//! `kpn chat`, from a file and at a terminal.

use serde_json::json;

use crate::support::{FakeHub, Home, nobody, refusal, whole};

#[test]
fn a_conversation_remembers_what_was_said() {
    let mut times = 0;
    let hub = FakeHub::start(move |_| {
        times += 1;
        whole(&format!("answer {times}"))
    });
    let home = Home::new();
    let ended = home.run_with_input(
        &hub.url,
        "chat",
        "one\n\ntwo \\\nlines\n/clear\nthree\n/exit\nnever\n",
    );
    assert_eq!(
        (ended.code, ended.out.as_str()),
        (Some(0), "answer 1\nanswer 2\nanswer 3\n"),
        "{ended:?}"
    );
    let requests = hub.requests();
    let user = |content: &str| json!({ "role": "user", "content": content });
    assert_eq!(requests.len(), 3);
    assert_eq!(
        requests[1]["messages"],
        json!([user("one"), { "role": "assistant", "content": "answer 1" }, user("two \nlines")])
    );
    assert_eq!(requests[2]["messages"], json!([user("three")]));
    let ended = home.run_with_input(&hub.url, "chat --json --agent reviewer", "hi\n");
    assert_eq!(ended.lines()[0]["answer"], json!("answer 4"));
    assert_eq!(hub.requests()[3]["messages"][0]["role"], json!("system"));
    assert!(
        !home.path().join("state").exists(),
        "what no person types is not remembered"
    );
}

#[test]
fn a_question_that_failed_is_told_and_the_next_one_is_asked() {
    let mut times = 0;
    let hub = FakeHub::start(move |_| {
        times += 1;
        match times {
            1 | 3 => refusal(429, Some("2"), "rate_limit_exceeded"),
            _ => whole("ok"),
        }
    });
    let ended = Home::new().run_with_input(&hub.url, "chat", "one\ntwo\n");
    assert_eq!(
        (ended.code, ended.out.as_str()),
        (Some(1), "ok\n"),
        "{ended:?}"
    );
    assert_eq!(ended.times_told("in 2 seconds"), 1, "{ended:?}");
    assert_eq!(hub.requests()[1]["messages"].as_array().unwrap().len(), 1);
    let ended = Home::new().run_with_input(&hub.url, "chat --json", "one\ntwo\n");
    let lines = ended.lines();
    assert_eq!(lines.len(), 2, "{ended:?}");
    assert_eq!(lines[0]["error"]["exit_code"], json!(1));
    assert_eq!(lines[1]["answer"], json!("ok"));
    assert_eq!((ended.code, ended.err.as_str()), (Some(1), ""));
    assert_eq!(
        Home::new().run_with_input(&nobody(), "chat", "one\n").code,
        Some(3)
    );
}

#[test]
fn a_conversation_too_long_for_the_window_forgets_its_beginning() {
    let hub = FakeHub::start(move |request| {
        if request["messages"].as_array().unwrap().len() > 3 {
            return refusal(400, None, "context_length_exceeded");
        }
        whole("ok")
    });
    let ended = Home::new().run_with_input(&hub.url, "chat", "one\ntwo\nthree\n");
    assert_eq!(
        (ended.code, ended.out.as_str()),
        (Some(0), "ok\nok\nok\n"),
        "{ended:?}"
    );
    assert!(ended.err.contains("left out"), "{ended:?}");
    let last = hub.requests().last().unwrap()["messages"].clone();
    assert_eq!(last[0]["content"], json!("two"));
}

#[cfg(unix)]
mod interrupted {
    use std::{
        io::{BufRead, BufReader, Write},
        process::{Child, Stdio},
    };

    use super::*;
    use crate::support::{Ended, Reply, ends, interrupt, signal, until};

    fn start(home: &Home, hub: &FakeHub) -> Child {
        let mut command = home.kpn(&hub.url, "chat", &[]);
        command.stdin(Stdio::piped()).spawn().unwrap()
    }

    fn ended(mut child: Child) -> Ended {
        ends(&mut child);
        child.wait_with_output().unwrap().into()
    }

    #[test]
    fn while_it_waits_for_the_models() {
        let hub = FakeHub::saying("ok");
        hub.falls_silent();
        let home = Home::new();
        let child = start(&home, &hub);
        until(|| hub.listings() == 1);
        interrupt(&child);
        assert_eq!(ended(child).code, Some(130));
    }

    #[test]
    fn while_it_waits_for_an_answer_s_first_word() {
        let hub = FakeHub::start(|_| Reply::Hang(Vec::new()));
        let home = Home::new();
        let mut child = start(&home, &hub);
        let mut input = child.stdin.take().unwrap();
        input.write_all(b"one\n").unwrap();
        until(|| hub.open() == 1);
        interrupt(&child);
        let ended = ended(child);
        assert_eq!((ended.code, ended.err.as_str()), (Some(130), "Stopped.\n"));
        until(|| hub.open() == 0);
    }

    #[test]
    fn while_it_waits_for_the_next_question() {
        let hub = FakeHub::saying("ok");
        let home = Home::new();
        for wish in ["-INT", "-TERM"] {
            let mut child = start(&home, &hub);
            let mut input = child.stdin.take().unwrap();
            input.write_all(b"one\n").unwrap();
            let mut out = BufReader::new(child.stdout.take().unwrap());
            let mut line = String::new();
            out.read_line(&mut line).unwrap();
            assert_eq!(line, "ok\n");
            signal(&child, wish);
            assert_eq!(ends(&mut child), Some(130), "{wish}");
            drop(input);
        }
    }
}

#[cfg(unix)]
mod at_a_terminal {
    use super::*;
    use crate::support::{MODEL, Reply, Typist, ends, events, signal, until};

    #[test]
    fn ctrl_c_stops_an_answer_and_not_the_program() {
        let mut times = 0;
        let hub = FakeHub::start(move |_| {
            times += 1;
            match times {
                1 => Reply::Hang(
                    events(&["half an answer"], "stop")[..2]
                        .concat()
                        .into_bytes(),
                ),
                _ => whole("whole again"),
            }
        });
        let home = Home::new();
        let mut typist = Typist::start(&home, &hub.url, "chat", &[]);
        typist.sees("» ");
        typist.types("first\r");
        typist.sees("half an answer");
        typist.types("\u{3}");
        typist.sees("Stopped.");
        until(|| hub.open() == 0);
        typist.sees("» ");
        typist.types("\u{3}");
        typist.sees("Ctrl+D ends.");
        typist.types("second\r");
        typist.sees("whole again");
        typist.sees("» ");
        typist.types("\u{4}");
        assert_eq!(typist.ends().0, Some(0));
        let last = hub.requests().last().unwrap()["messages"].clone();
        assert_eq!(last[1]["content"], json!("half an answer"));
        // The next time, the arrow up brings back what was asked.
        let mut typist = Typist::start(&home, &hub.url, "chat", &[]);
        typist.sees("» ");
        typist.types("\u{1b}[A");
        typist.sees("second");
        typist.types("\r");
        typist.sees("whole again");
        typist.types("/exit\r");
        assert_eq!(typist.ends().0, Some(0));
        assert_eq!(
            hub.requests().last().unwrap()["messages"][0]["content"],
            json!("second")
        );
    }

    #[test]
    fn ctrl_c_stops_waiting_for_the_models_too() {
        let hub = FakeHub::saying("whole");
        let home = Home::new();
        let mut typist = Typist::start(&home, &hub.url, "chat", &[]);
        typist.sees("» ");
        hub.falls_silent();
        for line in ["/model\r".to_owned(), format!("/model {MODEL}\r")] {
            let before = hub.listings();
            typist.types(&line);
            until(|| hub.listings() > before);
            typist.types("\u{3}");
            typist.sees("Stopped.");
            typist.sees("» ");
        }
        typist.types("first\r");
        typist.sees("whole");
        typist.sees("» ");
        typist.types("\u{4}");
        assert_eq!(typist.ends().0, Some(0));
    }

    #[test]
    fn who_is_told_to_end_ends_and_does_not_wait_for_a_key() {
        let hub =
            FakeHub::start(|_| Reply::Hang(events(&["half"], "stop")[..2].concat().into_bytes()));
        let home = Home::new();
        for asks in [false, true] {
            let mut typist = Typist::start(&home, &hub.url, "chat", &[]);
            typist.sees("» ");
            if asks {
                typist.types("first\r");
                typist.sees("half");
            }
            signal(&typist.child, "-TERM");
            let code = ends(&mut typist.child);
            assert_eq!(
                (code, typist.has_a_cooked_terminal()),
                (Some(130), true),
                "{asks}"
            );
        }
    }

    #[test]
    fn what_an_answer_would_make_a_terminal_do_is_only_shown() {
        let evil = "a\u{1b}]0;title\u{7}b\u{1b}[2Jc\u{9b}31md\r\u{8}\u{202e}e";
        let hub = FakeHub::saying(evil);
        let home = Home::new();
        let typist = Typist::start(&home, &hub.url, "ask hi", &[("NO_COLOR", "1")]);
        let (code, seen) = typist.ends();
        assert_eq!(code, Some(0));
        assert!(
            seen.contains("a␛]0;title␇b␛[2Jc\u{fffd}31md␈\u{fffd}e"),
            "{seen:?}"
        );
        assert!(
            !seen.contains(['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}', '\u{8}']),
            "{seen:?}"
        );
    }

    #[test]
    fn colours_are_for_terminals_that_want_them() {
        let hub = FakeHub::saying("ok");
        let home = Home::new();
        for (more, has_colours) in [
            (&[][..], true),
            (&[("NO_COLOR", "1")], false),
            (&[("TERM", "dumb")], false),
        ] {
            let (_, seen) = Typist::start(&home, &hub.url, "stats", more).ends();
            assert_eq!(seen.contains('\u{1b}'), has_colours, "{more:?}: {seen:?}");
        }
        let piped = home.run(&hub.url, "stats", &[]);
        assert!(!piped.out.contains('\u{1b}'));
    }
}
