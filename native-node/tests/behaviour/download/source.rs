//! A stand-in for whoever has models, and what it does instead of giving them.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use native_node::config::BaseUrl;

use crate::{
    script::{Beat, body},
    support::{base_url, serve},
};

/// Of `content()`.
pub(super) const SHA256: &str = "cd2df694e424bc7968cc37f47751019e5ca0cd1bdf2e479ea537c3a1c32ee1aa";

pub(super) fn content() -> Vec<u8> {
    (0..100_000_u32).map(|n| (n % 251) as u8).collect()
}

/// What a source does with one request. The last is done again and again.
#[derive(Clone, Debug)]
pub(super) enum Act {
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
pub(super) struct Server {
    pub(super) acts: Arc<Mutex<Vec<Act>>>,
    /// The path of every request, and the range that it asked for.
    pub(super) requests: Arc<Mutex<Vec<String>>>,
    pub(super) checksum: bool,
}

impl Server {
    pub(super) fn new(acts: &[Act]) -> Self {
        Self {
            acts: Arc::new(Mutex::new(acts.iter().rev().cloned().collect())),
            requests: Arc::default(),
            checksum: true,
        }
    }

    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    pub(super) async fn listen(&self) -> BaseUrl {
        let router = Router::new().fallback(answer).with_state(self.clone());
        base_url(serve(router).await, "")
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
