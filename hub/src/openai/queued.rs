//! What a client is told while its prompt waits for a node.

use std::{pin::pin, time::Duration};

use futures_util::{
    FutureExt, Stream, StreamExt, TryStreamExt,
    future::{BoxFuture, Either, select},
    stream,
};
use tokio::time::sleep;

use super::{chunks::chunks, stream::Piece};
use crate::{
    dispatch::{Answer, Refusal, Standing},
    error::{ApiError, expected_wait_ms},
};

/// How often whoever waits in the queue hears of it.
const NOTICE_INTERVAL: Duration = Duration::from_secs(5);

/// A response that has not begun by then begins anyway: silence that lasts longer is taken for a dead
/// connection somewhere on the way. So many intervals of notice it takes.
const LONGEST_SILENCE: u32 = 3;

/// An answer that may not have begun.
pub(super) type Awaited = BoxFuture<'static, Result<Answer, Refusal>>;

/// Asks where the prompt stands; none where it does not wait in the queue.
pub(super) type AskStanding = Box<dyn Fn() -> BoxFuture<'static, Option<Standing>> + Send + Sync>;

/// How a wait began.
pub(super) enum Beginning {
    /// There is an answer, or none will come: time for a true status.
    Told(Result<Answer, Refusal>),
    /// The response has to begin before the answer does.
    Waits(Awaited, Option<Standing>),
}

pub(super) async fn beginning(mut answer: Awaited, ask: &AskStanding) -> Beginning {
    for _ in 0..LONGEST_SILENCE {
        match select(answer, pin!(sleep(NOTICE_INTERVAL))).await {
            Either::Left((told, _)) => return Beginning::Told(told),
            Either::Right(((), unfinished)) => answer = unfinished,
        }
        if let Some(standing) = ask().await {
            return Beginning::Waits(answer, Some(standing));
        }
    }
    Beginning::Waits(answer, None)
}

/// Comments while the prompt waits, then the chunks of its answer.
pub(super) fn pieces(
    answer: Awaited,
    standing: Option<Standing>,
    ask: AskStanding,
    include_usage: bool,
) -> impl Stream<Item = Result<Piece, ApiError>> + Send {
    let first = stream::iter(standing.map(|standing| Ok(comment(standing))));
    let wait = stream::unfold(Some((answer, ask)), move |waiting| async move {
        let (mut answer, ask) = waiting?;
        loop {
            match select(answer, pin!(sleep(NOTICE_INTERVAL))).await {
                Either::Left((Ok(answer), _)) => {
                    let chunks = chunks(answer, include_usage).map_ok(Piece::Chunk);
                    return Some((chunks.boxed(), None));
                }
                Either::Left((Err(refusal), _)) => {
                    return Some((once(Err(refusal.into())), None));
                }
                Either::Right(((), unfinished)) => answer = unfinished,
            }
            if let Some(standing) = ask().await {
                return Some((once(Ok(comment(standing))), Some((answer, ask))));
            }
        }
    });
    first.chain(wait.flatten())
}

fn once(piece: Result<Piece, ApiError>) -> stream::BoxStream<'static, Result<Piece, ApiError>> {
    async { piece }.into_stream().boxed()
}

fn comment(standing: Standing) -> Piece {
    let position = standing.position;
    Piece::Comment(match expected_wait_ms(standing) {
        Some(wait) => format!("queued position={position} expected_wait_ms={wait}"),
        None => format!("queued position={position}"),
    })
}
