//! Server-sent events as a client reads them.

use futures_util::{Stream, StreamExt};
use serde_json::Value;

/// The `data:` of each event of a whole body; comments are left out.
pub fn events(body: &str) -> Vec<String> {
    body.split("\n\n")
        .filter_map(|event| event.strip_prefix("data: ").map(str::to_owned))
        .collect()
}

/// The JSON events of a whole body, without `[DONE]`.
pub fn chunks(body: &str) -> Vec<Value> {
    let is_json = |event: &String| event != "[DONE]";
    events(body)
        .into_iter()
        .filter(is_json)
        .map(|event| event.parse().unwrap())
        .collect()
}

/// The text of a stream, as far as it came.
pub fn text(chunks: &[Value]) -> String {
    chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str())
        .collect()
}

/// The next event of a body that is still coming.
pub async fn next_event<S, B, E>(body: &mut S, buffer: &mut String) -> Option<String>
where
    S: Stream<Item = Result<B, E>> + Unpin,
    B: AsRef<[u8]>,
{
    loop {
        if let Some(end) = buffer.find("\n\n") {
            let event = buffer[..end].to_owned();
            buffer.drain(..end + 2);
            return Some(event);
        }
        let bytes = body.next().await?.ok()?;
        buffer.push_str(std::str::from_utf8(bytes.as_ref()).ok()?);
    }
}
