//! The status page, as a browser and as `kipina-node status` see it.

use std::fs;

use native_node::{
    ask::{self, Answer, Verdict},
    config::{Environment, StatusPort},
    language::Language,
    page::{self, Page, Places},
    status::Status,
};
use reqwest::{Client, RequestBuilder, header};
use serde_json::Value;
use tempfile::TempDir;

struct Fixture {
    folder: TempDir,
    places: Places,
    status: Status,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let environment = Environment {
            runtime_folder: Some(folder.path().display().to_string()),
            ..Environment::default()
        };
        Self {
            places: Places::of(&environment),
            status: Status::default(),
            folder,
        }
    }

    async fn page(&self) -> Page {
        self.page_at(free_port().await).await.unwrap()
    }

    async fn page_at(&self, port: u16) -> Option<Page> {
        let port = StatusPort::Port(port);
        page::start(port, &self.places, &self.status, Language::English).await
    }

    /// As `kipina-node status` does, where nothing is to be found at the usual port.
    async fn ask(&self) -> Vec<Answer> {
        ask::nodes(&self.places, free_port().await).await
    }
}

async fn free_port() -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

fn get(page: &Page, path: &str) -> RequestBuilder {
    let tls = native_node::tls::client_config().unwrap();
    let client = Client::builder()
        .tls_backend_preconfigured((*tls).clone())
        .no_proxy();
    client
        .build()
        .unwrap()
        .get(format!("http://{}{path}", page.address))
}

#[tokio::test]
async fn the_page_speaks_the_browsers_language_and_runs_nothing_foreign() {
    let fixture = Fixture::new();
    fixture.status.started("Sauna", "ws://hub.example/ws", 1);
    let page = fixture.page().await;
    for (language, word) in [("fi", "Yhdistää keskukseen"), ("en", "Connecting")] {
        let request = get(&page, "/").header(header::ACCEPT_LANGUAGE, language);
        let response = request.send().await.unwrap();
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY].clone();
        assert!(policy.to_str().unwrap().starts_with("default-src 'none'"));
        let html = response.text().await.unwrap();
        assert!(
            html.contains(word) && html.contains("hub.example"),
            "{html}"
        );
        assert!(html.contains(&format!("lang=\"{language}\"")), "{html}");
    }
    for file in ["/page.css", "/page.js"] {
        assert!(
            get(&page, file).send().await.unwrap().status().is_success(),
            "{file}"
        );
    }
}

#[tokio::test]
async fn a_page_of_the_web_that_pretends_to_be_here_gets_nothing() {
    let fixture = Fixture::new();
    let page = fixture.page().await;
    for path in ["/", "/status.json", "/page.js"] {
        let rebound = get(&page, path).header(header::HOST, "evil.example");
        let response = rebound.send().await.unwrap();
        assert_eq!(response.status(), 403, "{path}");
        assert_eq!(response.text().await.unwrap(), "", "{path}");
    }
}

#[tokio::test]
async fn what_it_tells_changes_with_the_node() {
    let fixture = Fixture::new();
    let page = fixture.page().await;
    let state = async || -> Value {
        let response = get(&page, "/status.json").send().await.unwrap();
        response.json().await.unwrap()
    };
    assert_eq!(state().await["connection"]["state"], "starting");
    fixture.status.connected();
    fixture.status.models(vec!["m".into()]);
    let told = state().await;
    assert_eq!(told["connection"]["state"], "connected");
    assert_eq!(told["models"][0], "m");
    assert!(told["uptime_seconds"].is_u64(), "{told}");
}

#[tokio::test]
async fn a_port_that_is_taken_is_gone_around() {
    let fixture = Fixture::new();
    let (first, second) = (fixture.page().await, Fixture::new());
    let beside = second.page_at(first.address.port()).await.unwrap();
    assert_ne!(first.address.port(), beside.address.port());
    let off = page::start(
        StatusPort::Off,
        &second.places,
        &second.status,
        Language::English,
    );
    assert!(off.await.is_none());
}

#[tokio::test]
async fn a_node_is_found_and_a_dead_ones_traces_are_tidied_away() {
    let fixture = Fixture::new();
    assert_eq!(fixture.ask().await, []);
    let page = fixture.page().await;
    // One was killed, and its port is another program's now; another's is nobody's.
    let traces = fixture.folder.path().join("kipina");
    let port = page.address.port();
    let (stale, gone) = (traces.join("node-1.json"), traces.join("node-2.json"));
    fs::write(&stale, format!(r#"{{"pid":1,"port":{port}}}"#)).unwrap();
    fs::write(
        &gone,
        format!(r#"{{"pid":2,"port":{}}}"#, free_port().await),
    )
    .unwrap();
    fixture.status.connected();
    let answers = fixture.ask().await;
    let [Answer::Told(_, node)] = &answers[..] else {
        panic!("one node runs: {answers:?}")
    };
    assert_eq!(node.pid, std::process::id());
    assert_eq!(Verdict::of(&answers), Verdict::AllConnected);
    assert!(!stale.exists() && !gone.exists());
    drop(page);
    assert_eq!(fs::read_dir(&traces).unwrap().count(), 0);
}

#[tokio::test]
async fn a_node_whose_file_is_out_of_sight_is_found_at_the_usual_port() {
    let (fixture, elsewhere) = (Fixture::new(), Fixture::new());
    let page = fixture.page().await;
    let answers = ask::nodes(&elsewhere.places, page.address.port()).await;
    assert_eq!(Verdict::of(&answers), Verdict::NotAllConnected);
}

#[tokio::test]
async fn a_node_that_hangs_is_told_of_and_kept_in_sight() {
    let fixture = Fixture::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let traces = fixture.folder.path().join("kipina");
    fs::create_dir_all(&traces).unwrap();
    fs::write(
        traces.join("node-5.json"),
        format!(r#"{{"pid":5,"port":{port}}}"#),
    )
    .unwrap();
    let answers = fixture.ask().await;
    assert_eq!(answers, [Answer::Silent { pid: 5 }]);
    assert!(traces.join("node-5.json").exists());
}
