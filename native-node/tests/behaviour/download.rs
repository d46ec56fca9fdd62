//! Models on their way to the disk, from sources on good days and bad ones.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use native_node::{
    config::ModelSources,
    download::{DownloadError, Downloader, Patience},
    language::Language,
    progress::Audience,
    tls,
};
use protocol::{CatalogueModel, Source};

use crate::{
    script::{Beat, body},
    support::{base_url, serve},
};

/// Of `content()`.
const SHA256: &str = "cd2df694e424bc7968cc37f47751019e5ca0cd1bdf2e479ea537c3a1c32ee1aa";

fn content() -> Vec<u8> {
    (0..100_000_u32).map(|n| (n % 251) as u8).collect()
}

/// What a source does with one request. The last is done again and again.
#[derive(Clone, Debug)]
enum Act {
    /// The file, or the range of it that is asked for.
    Serve,
    /// The same, and the connection breaks after so many bytes.
    Cut(usize),
    IgnoreRange,
    OtherContent,
    RefuseRange,
    Status(u16),
    Page,
    /// Ten bytes, and then nothing for ever.
    Hang,
}

#[derive(Clone)]
struct Server {
    acts: Arc<Mutex<Vec<Act>>>,
    /// The path of every request, and the range that it asked for.
    requests: Arc<Mutex<Vec<String>>>,
    checksum: bool,
}

impl Server {
    fn new(acts: &[Act]) -> Self {
        Self {
            acts: Arc::new(Mutex::new(acts.iter().rev().cloned().collect())),
            requests: Arc::default(),
            checksum: true,
        }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    fn next_act(&self) -> Act {
        let mut acts = self.acts.lock().unwrap();
        if acts.len() > 1 {
            acts.pop().unwrap()
        } else {
            acts[0].clone()
        }
    }
}

async fn answer(State(server): State<Server>, request: Request) -> Response {
    if request.method() == "HEAD" {
        let mut response = Response::builder()
            .status(302)
            .header("location", "/elsewhere");
        if server.checksum {
            response = response
                .header("x-linked-etag", format!("\"{SHA256}\""))
                .header("x-linked-size", "100000");
        }
        return response.body(Body::empty()).unwrap();
    }
    let range = request.headers().get(header::RANGE);
    let range = range.map(|range| range.to_str().unwrap().to_owned());
    let line = format!(
        "{} {}",
        request.uri().path(),
        range.as_deref().unwrap_or("whole")
    );
    server.requests.lock().unwrap().push(line);
    let from = range.and_then(|range| {
        let from = range.strip_prefix("bytes=")?.strip_suffix('-')?;
        from.parse::<usize>().ok()
    });
    let whole = content();
    let (status, rest) = match from {
        Some(from) => (StatusCode::PARTIAL_CONTENT, whole[from..].to_vec()),
        None => (StatusCode::OK, whole.clone()),
    };
    let headers = [(
        header::CONTENT_RANGE,
        format!("bytes {}-99999/100000", from.unwrap_or_default()),
    )];
    match server.next_act() {
        Act::Serve => (status, headers, rest).into_response(),
        Act::Cut(bytes) => {
            let beats = vec![Beat::Send(rest[..bytes].to_vec()), Beat::Break];
            (status, headers, body(beats)).into_response()
        }
        Act::IgnoreRange => whole.into_response(),
        Act::OtherContent => (status, headers, vec![b'x'; rest.len()]).into_response(),
        Act::RefuseRange if from.is_some() => StatusCode::RANGE_NOT_SATISFIABLE.into_response(),
        Act::RefuseRange => whole.into_response(),
        Act::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Act::Page => "<h1>Log in to this network</h1>".into_response(),
        Act::Hang => {
            let beats = vec![Beat::Send(rest[..10].to_vec()), Beat::Hang];
            (status, headers, body(beats)).into_response()
        }
    }
}

/// A hub, a Hugging Face, and a folder.
struct Fixture {
    hub: Server,
    hugging_face: Server,
    folder: tempfile::TempDir,
    downloader: Downloader,
}

impl Fixture {
    async fn new(hub: &[Act], hugging_face: &[Act]) -> Self {
        let (hub, hugging_face) = (Server::new(hub), Server::new(hugging_face));
        Self::with(hub, hugging_face).await
    }

    async fn with(hub: Server, hugging_face: Server) -> Self {
        let router = |server: &Server| Router::new().fallback(answer).with_state(server.clone());
        let sources = ModelSources {
            hub: Some(base_url(serve(router(&hub)).await, "")),
            hugging_face: base_url(serve(router(&hugging_face)).await, ""),
        };
        let patience = Patience {
            silence: Duration::from_millis(300),
            pause: Duration::from_millis(1),
            attempts: 3,
        };
        let tls = tls::client_config().unwrap();
        Self {
            hub,
            hugging_face,
            folder: tempfile::tempdir().unwrap(),
            downloader: Downloader::new(sources, patience, &tls, Language::English).unwrap(),
        }
    }

    fn folder(&self) -> PathBuf {
        self.folder.path().join("models")
    }

    fn part(&self) -> PathBuf {
        self.folder().join("tiny.gguf.node.part")
    }

    fn write_part(&self, bytes: &[u8]) {
        std::fs::create_dir_all(self.folder()).unwrap();
        std::fs::write(self.part(), bytes).unwrap();
    }

    async fn fetch(&self, model: &CatalogueModel) -> Result<PathBuf, DownloadError> {
        let folder = self.folder();
        self.downloader
            .fetch(model, &folder, Audience::Waiting)
            .await
    }

    /// Fetches the model, which must come out whole, with nothing left beside it.
    async fn succeeds(&self) {
        let path = self.fetch(&model()).await.unwrap();
        assert_eq!(path, self.folder().join("tiny.gguf"));
        assert!(std::fs::read(&path).unwrap() == content(), "other bytes");
        assert_eq!(std::fs::read_dir(self.folder()).unwrap().count(), 1);
    }
}

fn model() -> CatalogueModel {
    CatalogueModel {
        id: "tiny:1m".into(),
        aliases: Vec::new(),
        family: "tiny".into(),
        architecture: "llama".into(),
        parameters: 1,
        quantisation: "Q4_1".into(),
        file: "tiny.gguf".into(),
        bytes: Some(100_000),
        sha256: Some(SHA256.into()),
        context_length: 128,
        licence: "MIT".into(),
        sources: vec![
            Source::Ollama {
                name: "tiny:1m".into(),
            },
            Source::HuggingFace {
                repository: "someone/tiny".into(),
                file: "Tiny.gguf".into(),
            },
        ],
    }
}

const HUB_PATH: &str = "/models/tiny.gguf";
const HUGGING_FACE_PATH: &str = "/someone/tiny/resolve/main/Tiny.gguf";

#[tokio::test]
async fn the_hub_is_asked_first_and_once() {
    let fixture = Fixture::new(&[Act::Serve], &[Act::Serve]).await;
    fixture.succeeds().await;
    assert_eq!(fixture.hub.requests(), [format!("{HUB_PATH} whole")]);
    assert!(fixture.hugging_face.requests().is_empty());
    // What is there is not asked for again.
    fixture.succeeds().await;
    assert_eq!(fixture.hub.requests().len(), 1);
}

#[tokio::test]
async fn a_source_that_will_not_do_gives_way_to_the_next() {
    for act in [
        Act::Status(404),
        Act::Status(503),
        Act::Page,
        Act::OtherContent,
        Act::Hang,
        Act::Cut(0),
    ] {
        let fixture = Fixture::new(std::slice::from_ref(&act), &[Act::Serve]).await;
        fixture.succeeds().await;
        let asked = fixture.hugging_face.requests();
        assert_eq!(asked.len(), 1, "{act:?}");
        assert!(asked[0].starts_with(HUGGING_FACE_PATH), "{asked:?}");
    }
}

#[tokio::test]
async fn what_came_before_is_gone_on_with() {
    let fixture = Fixture::new(&[Act::Serve], &[Act::Serve]).await;
    fixture.write_part(&content()[..60_000]);
    fixture.succeeds().await;
    let asked = fixture.hub.requests();
    assert_eq!(asked, [format!("{HUB_PATH} bytes=60000-")]);
}

#[tokio::test]
async fn a_connection_that_breaks_is_made_again_where_it_broke() {
    let acts = [
        Act::Cut(30_000),
        Act::Cut(20_000),
        Act::Status(502),
        Act::Serve,
    ];
    let fixture = Fixture::new(&acts, &[Act::Serve]).await;
    fixture.succeeds().await;
    let ranges = ["whole", "bytes=30000-", "bytes=50000-", "bytes=50000-"];
    let asked = fixture.hub.requests();
    assert_eq!(asked, ranges.map(|range| format!("{HUB_PATH} {range}")));
    assert!(fixture.hugging_face.requests().is_empty());
}

#[tokio::test]
async fn another_source_goes_on_where_one_gave_up() {
    let acts = [Act::Cut(30_000), Act::Status(404)];
    let fixture = Fixture::new(&acts, &[Act::Serve]).await;
    fixture.succeeds().await;
    let asked = fixture.hugging_face.requests();
    assert_eq!(asked, [format!("{HUGGING_FACE_PATH} bytes=30000-")]);
}

#[tokio::test]
async fn servers_without_ranges_begin_again() {
    for act in [Act::IgnoreRange, Act::RefuseRange] {
        let fixture = Fixture::new(std::slice::from_ref(&act), &[Act::Status(404)]).await;
        fixture.write_part(&content()[..60_000]);
        fixture.succeeds().await;
        assert!(
            fixture.hub.requests()[0].ends_with("bytes=60000-"),
            "{act:?}"
        );
    }
}

#[tokio::test]
async fn a_server_that_breaks_off_and_has_no_ranges_is_given_up() {
    for acts in [
        [Act::Cut(30_000), Act::RefuseRange],
        [Act::Cut(30_000), Act::Cut(0)],
    ] {
        let fixture = Fixture::new(&acts, &[Act::Serve]).await;
        fixture.succeeds().await;
    }
}

#[tokio::test]
async fn what_was_there_and_is_wrong_is_fetched_again_from_the_start() {
    for wrong in [vec![7; 60_000], vec![7; 100_000], vec![7; 150_000]] {
        let fixture = Fixture::new(&[Act::Serve], &[Act::Status(404)]).await;
        fixture.write_part(&wrong);
        fixture.succeeds().await;
        let asked = fixture.hub.requests();
        assert!(asked.last().unwrap().ends_with("whole"), "{asked:?}");
    }
}

#[tokio::test]
async fn a_file_with_a_wrong_checksum_is_nobodys_model() {
    let fixture = Fixture::new(&[Act::OtherContent], &[Act::OtherContent]).await;
    let error = fixture.fetch(&model()).await.unwrap_err();
    let DownloadError::NoSource { path } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(*path, fixture.folder().join("tiny.gguf"));
    assert!(!path.exists());
    assert_eq!(std::fs::metadata(fixture.part()).unwrap().len(), 0);
    for language in [Language::English, Language::Finnish] {
        let told = language.download_error(&error);
        assert!(
            told.contains("tiny.gguf") && told.contains("HUB_URL"),
            "{told}"
        );
    }
}

#[tokio::test]
async fn what_came_stays_when_the_program_ends() {
    let acts = [Act::Cut(40_000), Act::Hang];
    let fixture = Fixture::new(&acts, &[Act::Serve]).await;
    let model = model();
    tokio::select! {
        _ = fixture.fetch(&model) => panic!("it hangs"),
        () = async {
            while fixture.hub.requests().len() < 2 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        } => {}
    }
    let kept = std::fs::read(fixture.part()).unwrap();
    assert!(kept.len() >= 40_000 && content().starts_with(&kept));
}

#[tokio::test]
async fn two_programs_fetch_a_model_once() {
    let fixture = Fixture::new(&[Act::Serve], &[Act::Serve]).await;
    let model = model();
    let both = tokio::join!(fixture.fetch(&model), fixture.fetch(&model));
    assert_eq!(both.0.unwrap(), both.1.unwrap());
    assert_eq!(fixture.hub.requests().len(), 1);
    assert_eq!(std::fs::read_dir(fixture.folder()).unwrap().count(), 1);
}

#[tokio::test]
async fn hugging_face_tells_a_checksum_that_the_catalogue_lacks() {
    let unknown = CatalogueModel {
        bytes: None,
        sha256: None,
        ..model()
    };
    let fixture = Fixture::new(&[Act::OtherContent], &[Act::Serve]).await;
    let path = fixture.fetch(&unknown).await.unwrap();
    assert!(std::fs::read(path).unwrap() == content());
    let silent = Server {
        checksum: false,
        ..Server::new(&[Act::Serve])
    };
    let fixture = Fixture::with(Server::new(&[Act::Serve]), silent).await;
    let error = fixture.fetch(&unknown).await.unwrap_err();
    assert!(matches!(error, DownloadError::NoChecksum), "{error:?}");
}

#[tokio::test]
async fn a_disk_that_can_not_take_it_is_told_before_anything_is_fetched() {
    let huge = CatalogueModel {
        bytes: Some(1 << 60),
        ..model()
    };
    let fixture = Fixture::new(&[Act::Serve], &[Act::Serve]).await;
    let error = fixture.fetch(&huge).await.unwrap_err();
    assert!(matches!(error, DownloadError::DiskFull { .. }), "{error:?}");
    let told = Language::English.download_error(&error);
    assert!(told.contains("MODELS_DIR"), "{told}");
    let file = fixture.folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let folder: &Path = &file.join("models");
    let fetched = fixture
        .downloader
        .fetch(&model(), folder, Audience::Waiting)
        .await;
    let error = fetched.unwrap_err();
    assert!(matches!(error, DownloadError::Disk { .. }), "{error:?}");
    assert!(fixture.hub.requests().is_empty());
}
