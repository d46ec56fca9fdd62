//! A response as server-sent events.

use std::{io, pin::Pin};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream::BoxStream};
use reqwest::Response;
use sse_stream::{Error, SseByteStream};

use super::{Hub, HubError, error::Lack};

/// No answer comes near this; without a limit, an event that never ends would fill the memory.
const MOST_BYTES: usize = 64 << 20;

/// The data of each event, in order.
pub(super) struct Events {
    hub: Hub,
    events: Pin<Box<SseByteStream<BoxStream<'static, io::Result<Bytes>>>>>,
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}

impl Events {
    /// `is_endless`: as many bytes as come, each event being short.
    pub(super) fn new(hub: &Hub, response: Response, is_endless: bool) -> Self {
        Self {
            hub: hub.clone(),
            events: Box::pin(SseByteStream::new(bytes(response, is_endless).boxed())),
        }
    }

    /// None where the stream has ended.
    pub(super) async fn next(&mut self) -> Result<Option<String>, HubError> {
        loop {
            return match self.events.next().await {
                None => Ok(None),
                Some(Ok(event)) => match event.data {
                    Some(data) => Ok(Some(data)),
                    None => continue,
                },
                Some(Err(Error::Body(source))) => Err(self.lost(source.as_ref())),
                Some(Err(other)) => Err(self.hub.unreadable(&other)),
            };
        }
    }

    fn lost(&self, source: &(dyn std::error::Error + 'static)) -> HubError {
        let mut next = Some(source);
        while let Some(error) = next {
            if let Some(error) = error.downcast_ref::<reqwest::Error>() {
                return self.hub.lost(error);
            }
            let wrapped = error
                .downcast_ref::<io::Error>()
                .and_then(io::Error::get_ref);
            next = match wrapped {
                Some(inner) => Some(inner as &(dyn std::error::Error + 'static)),
                None => error.source(),
            };
        }
        match source.downcast_ref::<io::Error>().map(io::Error::kind) {
            Some(io::ErrorKind::FileTooLarge) => self.hub.unreadable(&source),
            _ => self.hub.unreachable(Lack::Broken),
        }
    }
}

fn bytes(response: Response, is_endless: bool) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let mut so_far = 0;
    response.bytes_stream().map(move |chunk| {
        let chunk = chunk.map_err(io::Error::other)?;
        so_far += if is_endless { 0 } else { chunk.len() };
        if so_far > MOST_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(chunk)
    })
}
