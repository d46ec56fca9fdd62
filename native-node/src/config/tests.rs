use super::*;

fn home() -> Environment {
    Environment {
        home: Some("/home/aino".into()),
        ..Environment::default()
    }
}

fn backend(arguments: &Arguments, environment: &Environment) -> BackendChoice {
    Config::new(arguments, environment, 4).unwrap().backend
}

#[test]
fn with_nothing_said_ollama_is_tried_and_the_engine_stands_by() {
    let config = Config::new(&Arguments::default(), &home(), 4).unwrap();
    assert_eq!(config.hub_url, "wss://kipina.studio/ws");
    assert_eq!((config.slots, config.threads), (1, 4));
    let BackendChoice::Automatic { ollama, engine } = config.backend else {
        panic!("both are possible")
    };
    assert_eq!(ollama.url.join("/x"), "http://localhost:11434/x");
    assert_eq!(ollama.models, ["qwen2.5-coder:3b"]);
    let [ModelChoice::Catalogue(model)] = &engine.models[..] else {
        panic!("of the catalogue")
    };
    assert_eq!(model.id, "qwen2.5-coder:0.5b");
    assert_eq!(
        engine.models_folder,
        PathBuf::from("/home/aino/.cache/kipina/models")
    );
    let sources = engine.sources;
    assert_eq!(sources.hub.unwrap().to_string(), "https://kipina.studio");
    assert_eq!(sources.hugging_face.to_string(), "https://huggingface.co");
}

#[test]
fn a_model_that_only_one_backend_can_have_chooses_it() {
    let with = |model: &str| Arguments {
        models: vec![model.into()],
        ..Arguments::default()
    };
    assert!(matches!(
        backend(&with("/m/tiny.GGUF"), &home()),
        BackendChoice::Engine(_)
    ));
    assert!(matches!(
        backend(&with("llama3.2"), &home()),
        BackendChoice::Ollama(_)
    ));
    assert!(matches!(
        backend(&with("smollm2:135m"), &home()),
        BackendChoice::Automatic { .. }
    ));
}

#[test]
fn the_engine_computes_with_what_is_faster_unless_told() {
    let with = |gpu, cpu| Arguments {
        gpu,
        cpu,
        ..Arguments::default()
    };
    let BackendChoice::Automatic { engine, .. } = backend(&with(false, false), &home()) else {
        panic!("both are possible")
    };
    assert_eq!(engine.processor, ProcessorChoice::Measured);
    for (arguments, processor) in [
        (with(true, false), ProcessorChoice::Gpu),
        (with(false, true), ProcessorChoice::Cpu),
    ] {
        let BackendChoice::Engine(engine) = backend(&arguments, &home()) else {
            panic!("only the engine can be told")
        };
        assert_eq!(engine.processor, processor);
    }
    let problems = |arguments: &Arguments| Config::new(arguments, &home(), 4).err();
    assert_eq!(
        problems(&with(true, true)),
        Some(vec![ConfigError::GpuAndCpu])
    );
    let ollama = Arguments {
        ollama: true,
        ..with(true, false)
    };
    assert_eq!(
        problems(&ollama),
        Some(vec![ConfigError::ProcessorOfAnother { flag: "--gpu" }])
    );
}

#[test]
fn flags_go_before_the_environment() {
    let environment = Environment {
        hub_url: Some("http://one".into()),
        ollama_model: Some("from-environment".into()),
        ..home()
    };
    let arguments = Arguments {
        ollama: true,
        hub: Some("http://two".into()),
        models: vec!["from-flag".into(), "another".into()],
        context: Some("4096".into()),
        ..Arguments::default()
    };
    let config = Config::new(&arguments, &environment, 4).unwrap();
    assert_eq!(config.hub_url, "ws://two/ws");
    let BackendChoice::Ollama(ollama) = config.backend else {
        panic!("ollama was asked for")
    };
    assert_eq!(
        (ollama.models, ollama.context_length),
        (vec!["from-flag".into(), "another".into()], Some(4096))
    );
}

#[test]
fn the_environment_may_name_several_models() {
    let environment = Environment {
        ollama_model: Some("llama3.2, qwen2.5-coder:3b,,llama3.2".into()),
        ..home()
    };
    let BackendChoice::Automatic { ollama, .. } = backend(&Arguments::default(), &environment)
    else {
        panic!("both are possible")
    };
    assert_eq!(ollama.models, ["llama3.2", "qwen2.5-coder:3b"]);
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let environment = Environment {
        hub_url: Some("kipina.studio".into()),
        ..Environment::default()
    };
    let arguments = Arguments {
        engine: true,
        models: vec!["smollm2:135m".into(), "gpt-5".into()],
        hours: vec!["18-8".into(), "18".into()],
        max_gpu_temperature: Some("hot".into()),
        threads: Some("0".into()),
        slots: Some("2".into()),
        context: Some("many".into()),
        ..Arguments::default()
    };
    let problems = Config::new(&arguments, &environment, 4).unwrap_err();
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let told = told.join("\n");
    for name in [
        "HUB_URL",
        "gpt-5",
        "--threads",
        "--slots",
        "--context",
        "MODELS_DIR",
        "--hours",
        "--max-gpu-temperature",
    ] {
        assert!(told.contains(name), "{name} is missing from:\n{told}");
    }
    assert_eq!(problems.len(), 8, "{told}");
}

#[test]
fn a_flag_that_two_backends_read_is_complained_about_once() {
    let arguments = Arguments {
        context: Some("x".into()),
        ..Arguments::default()
    };
    assert_eq!(Config::new(&arguments, &home(), 4).unwrap_err().len(), 1);
}

#[test]
fn threads_are_counted_whatever_computes_the_answers() {
    for wrong in ["0", "100000", "many"] {
        let arguments = Arguments {
            ollama: true,
            threads: Some(wrong.into()),
            ..Arguments::default()
        };
        let told = Config::new(&arguments, &home(), 4).unwrap_err();
        assert!(told[0].to_string().contains("--threads"), "{told:?}");
        assert_eq!(told.len(), 1, "{told:?}");
    }
}

#[test]
fn impossible_combinations_are_refused() {
    let several = Arguments {
        engine: true,
        ollama: true,
        ..Arguments::default()
    };
    let problems = Config::new(&several, &home(), 4).unwrap_err();
    assert_eq!(problems, [ConfigError::SeveralBackends]);
    let slots = Arguments {
        engine: true,
        slots: Some("2".into()),
        ..Arguments::default()
    };
    let problems = Config::new(&slots, &home(), 4).unwrap_err();
    assert_eq!(problems, [ConfigError::EngineHasOneSlot]);
    let openai = Arguments {
        openai: true,
        ..Arguments::default()
    };
    let problems = Config::new(&openai, &home(), 4).unwrap_err();
    assert_eq!(problems, [ConfigError::OpenAiWithoutUrl]);
}

#[test]
fn the_status_page_has_a_port_unless_it_is_off() {
    let port = |port: Option<&str>| {
        let status_port = port.map(str::to_owned);
        let arguments = Arguments {
            status_port,
            ..Arguments::default()
        };
        Config::new(&arguments, &home(), 4).map(|config| config.status_port)
    };
    assert_eq!(port(None), Ok(StatusPort::Port(3210)));
    assert_eq!(port(Some("off")), Ok(StatusPort::Off));
    assert_eq!(port(Some("8080")), Ok(StatusPort::Port(8080)));
    for wrong in ["0", "65536", "on", ""] {
        let value = wrong.to_owned();
        let problem = ConfigError::InvalidStatusPort { value };
        assert_eq!(port(Some(wrong)), Err(vec![problem]));
    }
}

#[test]
fn keys_are_not_printed() {
    let environment = Environment {
        node_api_key: Some(Secret("sekret".into())),
        kept: vec![("NODE_API_KEY", Secret("sekret".into()))],
        ..home()
    };
    let config = Config::new(&Arguments::default(), &environment, 4).unwrap();
    assert!(!format!("{environment:?} {config:?}").contains("sekret"));
}
