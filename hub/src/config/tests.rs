use super::*;
use crate::logging::LogFormat;
use crate::{access::AccessPolicy, keys::Limits};

fn read(settings: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
    Config::read(|name| {
        let with_home = settings.iter().chain(&[("HOME", "/home/aino")]);
        with_home
            .into_iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.into())
    })
}

fn problems(settings: &[(&str, &str)]) -> Vec<String> {
    let errors = read(settings).expect_err("these settings should be refused");
    errors
        .in_language(Language::English)
        .lines()
        .map(str::to_owned)
        .collect()
}

#[test]
fn without_settings_the_hub_serves_this_machine_only() {
    let config = read(&[]).unwrap();
    assert_eq!(config.bind, IpAddr::from([127, 0, 0, 1]));
    assert_eq!(config.port, 3000);
    assert_eq!(
        config.models_directory,
        PathBuf::from("/home/aino/.cache/kipina/models")
    );
    assert!(config.static_directory.is_none());
    assert!(config.admin_password.is_none());
    assert_eq!(config.access, AccessSettings::default());
    assert!(config.nodes.key.is_none());
    assert!(config.allowed_origins.is_empty());
    assert_eq!(config.trusted_proxies.len(), 2, "loopback in both families");
}

#[test]
#[cfg(target_os = "linux")]
fn the_database_and_the_downloads_lie_where_the_platform_keeps_data() {
    let at_home = read(&[]).unwrap().database_path;
    assert_eq!(
        at_home,
        PathBuf::from("/home/aino/.local/share/kipina/kipina.sqlite")
    );
    let elsewhere = read(&[("XDG_DATA_HOME", "/data")]).unwrap();
    assert_eq!(
        elsewhere.database_path,
        PathBuf::from("/data/kipina/kipina.sqlite")
    );
    assert_eq!(
        elsewhere.downloads_directory,
        Some(PathBuf::from("/data/kipina/downloads"))
    );
    let named = read(&[("DATABASE_PATH", "/tmp/hub.sqlite")])
        .unwrap()
        .database_path;
    assert_eq!(named, PathBuf::from("/tmp/hub.sqlite"));
}

#[test]
fn each_setting_is_taken() {
    let config = read(&[
        ("PORT", "8080"),
        ("BIND", "::"),
        ("MODELS_DIR", "/models"),
        ("DOWNLOADS_DIR", "/downloads"),
        ("STATIC_DIR", "/"),
        ("ADMIN_PASSWORD", "salasana"),
        ("ACCESS", "keys"),
        ("ANONYMOUS_REQUESTS_PER_MINUTE", "0"),
        ("ANONYMOUS_TOKENS_PER_MINUTE", "11"),
        ("ANONYMOUS_REQUESTS_PER_DAY", "12"),
        ("ANONYMOUS_TOKENS_PER_DAY", "13"),
        ("NODE_API_KEY", "avain"),
        ("ALLOWED_ORIGINS", "https://a.example, http://b.example:81,"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,192.0.2.1"),
        ("CONNECTIONS_PER_ADDRESS", "7"),
        ("MAX_BODY_BYTES", "2048"),
        ("QUEUE_LENGTH", "5"),
        ("QUEUE_DEADLINE_SECONDS", "6"),
        ("FIRST_TOKEN_DEADLINE_SECONDS", "8"),
        ("TOKEN_DEADLINE_SECONDS", "9"),
        ("HEDGE_AFTER_SECONDS", "11"),
        ("DRAIN", "finish"),
        ("DRAIN_SECONDS", "10"),
        ("HANDOVER_SECONDS", "12"),
        ("RETENTION_DAYS", "11"),
        ("METRICS_TOKEN", "mittarin-pitka-avain"),
        ("LOG_FORMAT", "json"),
        ("RUST_LOG", "hub=debug,info"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/base/"),
        ("OTEL_SERVICE_NAME", "keskus"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "2000"),
    ])
    .unwrap();
    assert_eq!((config.port, config.bind), (8080, "::".parse().unwrap()));
    assert_eq!(config.models_directory, PathBuf::from("/models"));
    let downloads = config.downloads_directory;
    assert_eq!(downloads, Some(PathBuf::from("/downloads")));
    assert_eq!(config.static_directory, Some(PathBuf::from("/")));
    assert_eq!(config.admin_password.unwrap().reveal(), "salasana");
    assert_eq!(config.access.policy, AccessPolicy::Keys);
    let anonymous = Limits {
        requests_per_minute: None,
        tokens_per_minute: Some(11),
        requests_per_day: Some(12),
        tokens_per_day: Some(13),
    };
    assert_eq!(config.access.anonymous, anonymous);
    assert_eq!(config.nodes.key.as_deref(), Some("avain"));
    let origins: Vec<String> = config
        .allowed_origins
        .iter()
        .map(Origin::ascii_serialization)
        .collect();
    assert_eq!(origins, ["https://a.example", "http://b.example:81"]);
    let proxies: Vec<String> = config
        .trusted_proxies
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(proxies, ["10.0.0.0/8", "192.0.2.1/32"]);
    assert_eq!(
        (config.connections_per_address, config.max_body_bytes),
        (7, 2048)
    );
    assert_eq!(config.dispatch.queue_length, 5);
    assert_eq!(config.dispatch.queue_deadline, Duration::from_secs(6));
    assert_eq!(config.nodes.first_token_deadline, Duration::from_secs(8));
    assert_eq!(config.nodes.token_deadline, Duration::from_secs(9));
    let hedge = config.dispatch.hedge.map(|hedge| hedge.least);
    assert_eq!(hedge, Some(Duration::from_secs(11)));
    assert_eq!(config.drain, Drain::Finish);
    assert_eq!(config.drain_patience, Duration::from_secs(10));
    assert_eq!(config.handover_patience, Duration::from_secs(12));
    assert_eq!(config.retention, Some(Duration::from_secs(11 * 86_400)));
    assert_eq!(
        config.metrics_token.unwrap().reveal(),
        "mittarin-pitka-avain"
    );
    assert_eq!(config.log.format, LogFormat::Json);
    assert_eq!(config.log.filter, "hub=debug,info,tungstenite=warn");
    let traces = config.log.traces.unwrap();
    assert_eq!(
        traces.endpoint.as_str(),
        "http://collector:4318/base/v1/traces"
    );
    assert_eq!(traces.service_name, "keskus");
    assert_eq!(traces.timeout, Duration::from_secs(2));
}

#[test]
fn an_empty_setting_is_as_good_as_none() {
    let config = read(&[("PORT", ""), ("NODE_API_KEY", ""), ("STATIC_DIR", "")]).unwrap();
    assert_eq!(config.port, 3000);
    assert!(config.nodes.key.is_none() && config.static_directory.is_none());
}

#[test]
fn every_mistake_is_told_at_once_with_what_to_do() {
    let problems = problems(&[
        ("PORT", "70000"),
        ("ACCESS", "closed"),
        ("DRAIN", "later"),
        ("BIND", "everywhere"),
        ("STATIC_DIR", "/no/such/directory"),
        (
            "ALLOWED_ORIGINS",
            "https://fine.example,studio.example,https://a.example/path",
        ),
        ("TRUSTED_PROXIES", "10.0.0.0/33"),
        ("QUEUE_DEADLINE_SECONDS", "soon"),
    ]);
    let expected = [
        "BIND=everywhere: give an IP address",
        "PORT=70000: give a whole number from 0 to 65535",
        "STATIC_DIR=/no/such/directory: there is no such directory",
        "ACCESS=closed: give open (anybody may ask) or keys",
        "ALLOWED_ORIGINS: 'studio.example' is no origin",
        "ALLOWED_ORIGINS: 'https://a.example/path' is no origin",
        "TRUSTED_PROXIES: '10.0.0.0/33' is no network",
        "DRAIN=later: give refuse (a stopping hub refuses what comes) or finish",
        "QUEUE_DEADLINE_SECONDS=soon: give a whole number from 1 to 86400",
    ];
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    for (problem, start) in problems.iter().zip(expected) {
        assert!(problem.starts_with(start), "{problem}");
    }
}

#[test]
#[cfg(not(windows))]
fn without_a_home_the_paths_must_be_given() {
    let errors = Config::read(|_| None).expect_err("nowhere to keep the database");
    let text = errors.in_language(Language::English);
    assert!(
        text.contains("set DATABASE_PATH") && text.contains("set MODELS_DIR"),
        "{text}"
    );
}

#[test]
fn mistakes_are_told_in_finnish_to_finns() {
    let errors = read(&[("PORT", "portti")]).unwrap_err();
    let text = errors.in_language(Language::Finnish);
    assert_eq!(text, "PORT=portti: anna kokonaisluku väliltä 0–65535");
}

#[test]
fn secrets_are_not_printed() {
    let config = read(&[("ADMIN_PASSWORD", "salasana")]).unwrap();
    assert!(!format!("{config:?}").contains("salasana"));
}

#[test]
fn traces_go_where_their_own_setting_says_and_nowhere_without_one() {
    assert!(read(&[]).unwrap().log.traces.is_none());
    let both = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:1"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://b:2/x"),
    ];
    let traces = read(&both).unwrap().log.traces.unwrap();
    assert_eq!(traces.endpoint.as_str(), "http://b:2/x");
    assert_eq!(traces.service_name, "kipina-hub");
    let off = [both[0], ("OTEL_SDK_DISABLED", "TRUE")];
    assert!(read(&off).unwrap().log.traces.is_none());
}

#[test]
fn what_is_said_of_logs_and_metrics_is_checked() {
    let problems = problems(&[
        ("RUST_LOG", "hub=loud=er"),
        ("LOG_FORMAT", "yaml"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector.example"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("METRICS_TOKEN", "short"),
    ]);
    let starts: Vec<&str> = problems
        .iter()
        .map(|problem| problem.split([':', '=']).next().unwrap())
        .collect();
    assert_eq!(
        starts,
        [
            "RUST_LOG",
            "LOG_FORMAT",
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            "METRICS_TOKEN"
        ],
        "{problems:#?}"
    );
}

#[test]
fn more_browsers_than_connections_are_a_mistake_where_somebody_asked_for_them() {
    let few = ("CONNECTIONS_PER_ADDRESS", "8");
    assert!(read(&[few]).is_ok(), "the default gives way");
    let told = problems(&[few, ("BROWSERS_PER_ADDRESS", "9")]);
    assert!(
        told[0].contains("raise CONNECTIONS_PER_ADDRESS"),
        "{told:?}"
    );
    assert!(read(&[few, ("BROWSERS_PER_ADDRESS", "8")]).is_ok());
}

#[test]
fn the_help_names_every_setting() {
    let help = crate::help::help().english;
    let of_the_platform = ["HOME", "LOCALAPPDATA", "USERPROFILE", "XDG_DATA_HOME"];
    let missing: Vec<String> = Config::names()
        .into_iter()
        .filter(|name| !of_the_platform.contains(&name.as_str()))
        .filter(|name| !help.split_whitespace().any(|word| word == name))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
