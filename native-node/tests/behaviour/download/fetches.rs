//! Models on their way to the disk, from sources on good days and bad ones.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use native_node::{
    config::ModelSources,
    download::{DownloadError, Downloader, Patience},
    language::Language,
    progress::Audience,
    tls,
};
use protocol::{CatalogueModel, Source};

use super::source::{Act, SHA256, Server, content};

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
        let sources = ModelSources {
            hub: Some(hub.listen().await),
            hugging_face: hugging_face.listen().await,
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
