//! An HTTP body that arrives as a script says: in these pieces, with these pauses, cut off or not.

use std::{convert::Infallible, io, time::Duration};

use axum::body::Body;
use futures_util::stream;

#[derive(Clone, Debug)]
pub(crate) enum Beat {
    Send(Vec<u8>),
    Pause(Duration),
    /// The connection breaks off.
    Break,
    /// Nothing more comes, and the connection stays.
    Hang,
}

pub(crate) fn send(text: &str) -> Beat {
    Beat::Send(text.as_bytes().to_vec())
}

/// The same text, a few bytes at a time, cut without regard to characters or lines.
pub(crate) fn in_pieces(text: &str, bytes: usize) -> Vec<Beat> {
    text.as_bytes()
        .chunks(bytes)
        .map(|piece| Beat::Send(piece.to_vec()))
        .collect()
}

pub(crate) fn body(beats: Vec<Beat>) -> Body {
    Body::from_stream(stream::unfold(beats.into_iter(), |mut beats| async {
        loop {
            match beats.next()? {
                Beat::Send(bytes) => return Some((Ok(bytes), beats)),
                Beat::Pause(duration) => tokio::time::sleep(duration).await,
                Beat::Break => {
                    // What was sent should arrive before the connection breaks.
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    return Some((Err(io::Error::other("broken off")), beats));
                }
                Beat::Hang => match std::future::pending::<Infallible>().await {},
            }
        }
    }))
}
