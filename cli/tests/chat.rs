//! `kpn chat`, from a file and at a terminal.

mod support;

use serde_json::json;
use support::{FakeHub, Home, Reply, nobody, refusal, whole};

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
            1 => refusal(429, Some("2"), "rate_limit_exceeded"),
            _ => whole("ok"),
        }
    });
    let ended = Home::new().run_with_input(&hub.url, "chat", "one\ntwo\n");
    assert_eq!(
        (ended.code, ended.out.as_str()),
        (Some(1), "ok\n"),
        "{ended:?}"
    );
    assert!(ended.err.contains("in 2 seconds"), "{ended:?}");
    assert_eq!(hub.requests()[1]["messages"].as_array().unwrap().len(), 1);
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
mod at_a_terminal {
    use std::{
        io::{Read, Write},
        sync::{Arc, Mutex},
    };

    use super::*;
    use support::events;

    /// `kpn` with somebody in front of it.
    struct Typist {
        child: std::process::Child,
        keys: Box<dyn Write>,
        seen: Arc<Mutex<String>>,
        reader: std::thread::JoinHandle<()>,
        /// How much of it was waited for.
        read_to: usize,
    }

    impl Typist {
        fn start(home: &Home, url: &str, line: &str, more: &[(&str, &str)]) -> Self {
            let (pty, pts) = pty_process::blocking::open().unwrap();
            pty.resize(pty_process::Size::new(40, 120)).unwrap();
            let child = pty_process::blocking::Command::new(env!("CARGO_BIN_EXE_kpn"))
                .env_clear()
                .envs(home.variables(url))
                .env("TERM", "xterm-256color")
                .envs(more.iter().copied())
                .args(line.split_whitespace())
                .spawn(pts)
                .unwrap();
            let seen: Arc<Mutex<String>> = Arc::default();
            let fd: std::os::fd::OwnedFd = pty.into();
            let mut screen = std::fs::File::from(fd.try_clone().unwrap());
            let keys = Box::new(std::fs::File::from(fd));
            let shown = Arc::clone(&seen);
            let reader = std::thread::spawn(move || {
                let mut bytes = [0; 4096];
                // A terminal that its program has left gives an error.
                while let Ok(read @ 1..) = screen.read(&mut bytes) {
                    let text = String::from_utf8_lossy(&bytes[..read]).into_owned();
                    shown.lock().unwrap().push_str(&text);
                }
            });
            Self {
                child,
                keys,
                seen,
                reader,
                read_to: 0,
            }
        }

        fn types(&mut self, keys: &str) {
            self.keys.write_all(keys.as_bytes()).unwrap();
        }

        /// Waits for a text after those that were waited for before.
        fn sees(&mut self, text: &str) {
            let from = self.read_to;
            let found = || self.seen.lock().unwrap()[from..].find(text);
            support::until(|| found().is_some());
            self.read_to = from + found().unwrap() + text.len();
        }

        fn ends(mut self) -> (Option<i32>, String) {
            let code = self.child.wait().unwrap().code();
            self.reader.join().unwrap();
            let seen = self.seen.lock().unwrap().clone();
            (code, seen)
        }
    }

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
        support::until(|| hub.open() == 0);
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
