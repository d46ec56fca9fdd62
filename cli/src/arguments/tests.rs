use super::*;

fn parse(line: &str, language: Language) -> Result<Arguments, EarlyEnd> {
    let given: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    Arguments::parse(&given, language)
}

#[test]
fn the_definition_is_sound_in_both_languages() {
    for language in [Language::Finnish, Language::English] {
        command(language).debug_assert();
    }
}

#[test]
fn flags_for_everything_stand_before_or_after_the_command() {
    for line in [
        "--hub http://a --json models",
        "models --json --hub=http://a",
    ] {
        let arguments = parse(line, Language::English).unwrap();
        assert_eq!(arguments.given.hub.as_deref(), Some("http://a"), "{line}");
        assert!(arguments.json, "{line}");
        assert_eq!(arguments.command, Command::Models, "{line}");
    }
}

#[test]
fn a_question_needs_no_quotes() {
    let arguments = parse(
        "ask what is a spark --seed -1 --agent coder",
        Language::English,
    )
    .unwrap();
    let Command::Ask(ask) = arguments.command else {
        panic!("a question was asked")
    };
    assert_eq!(ask.words.join(" "), "what is a spark");
    assert_eq!((ask.seed, ask.agent), (Some(-1), Some(Role::Coder)));
}

#[test]
fn help_names_every_command_flag_and_exit_code_in_the_reader_s_language() {
    for (language, own, foreign) in [
        (Language::Finnish, "Käyttö", "Usage"),
        (Language::English, "Usage", "Käyttö"),
    ] {
        let Err(EarlyEnd::Show(help)) = parse("--help", language) else {
            panic!("help is shown")
        };
        assert!(help.contains(own) && !help.contains(foreign), "{help}");
        for name in [
            "chat",
            "ask",
            "project",
            "models",
            "nodes",
            "stats",
            "bench",
            "verify",
            "completions",
            "man",
            "--hub",
            "--key",
            "--model",
            "--json",
            "--lang",
            "--timeout",
            "KIPINA_URL",
            "KIPINA_KEY",
            "kpn.toml",
            "130",
        ] {
            assert!(help.contains(name), "{name} is missing from:\n{help}");
        }
        for english in [
            "Options:",
            "Arguments:",
            "Commands:",
            "[default",
            "[possible",
        ] {
            let is_there = help.contains(english);
            assert!(
                !is_there || language == Language::English,
                "{english} in:\n{help}"
            );
        }
        let Err(EarlyEnd::Show(help)) = parse("project --help", language) else {
            panic!("help is shown")
        };
        assert!(help.contains(own) && !help.contains(foreign), "{help}");
        assert!(
            help.contains("--out") && help.contains("--patience"),
            "{help}"
        );
    }
}

#[test]
fn what_is_wrong_is_named_in_the_reader_s_language() {
    for language in [Language::Finnish, Language::English] {
        for (line, part) in [
            ("models --gpus", "--gpus"),
            ("fly", "fly"),
            ("ask --max-tokens none", "--max-tokens"),
            ("ask --agent chef", "--agent"),
            ("project x", "--out"),
            ("completions", "SHELL"),
            ("bench --runs 0", "--runs"),
        ] {
            let Err(EarlyEnd::Wrong(message)) = parse(line, language) else {
                panic!("{line} is wrong")
            };
            assert!(message.contains(part), "{line}: {message}");
            assert!(message.contains("--help"), "{line}: {message}");
        }
    }
}

#[test]
fn a_language_is_wished_for_anywhere_but_in_a_question() {
    let wished = |line: &str| {
        let given: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        wished_language(&given)
    };
    assert_eq!(wished("models --lang fi"), Some(Language::Finnish));
    assert_eq!(wished("--lang=en models"), Some(Language::English));
    assert_eq!(wished("models --lang sv"), None);
    assert_eq!(wished("ask -- --lang fi"), None);
}
