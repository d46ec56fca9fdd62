//! What fuzz targets reach into, and what must hold there. In tests too, so that it never rots.

use protocol::{MAX_HUB_FRAME_BYTES, PromptRequest};

use crate::{nodes, openai};

/// # Panics
/// Where a node that is let in is not fit to be shown to others.
pub fn hello(frame: &str) {
    let Some(introduction) = nodes::introduction(frame) else {
        return;
    };
    let shown = [&introduction.name, &introduction.software];
    let is_plain = |text: &String| !text.contains(char::is_control) && text.chars().count() <= 128;
    assert!(shown.into_iter().all(is_plain), "{introduction:?}");
    assert!(!introduction.name.is_empty());
}

/// # Panics
/// Where a body becomes a prompt that a node would not read as it was meant, and where a refusal
/// has no reason.
pub fn chat_completion(body: &[u8]) {
    match openai::prompt(body) {
        Ok(prompt) => {
            let frame = serde_json::to_string(&prompt).expect("a prompt can be written");
            assert!(frame.len() <= MAX_HUB_FRAME_BYTES, "{} bytes", frame.len());
            let read: PromptRequest = serde_json::from_str(&frame)
                .unwrap_or_else(|error| panic!("{frame} can't be read: {error}"));
            assert_eq!(read, prompt);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fuzzers_begin_with_is_in_order() {
        for frame in [
            include_str!("../../protocol/tests/golden/from_node/hello.json"),
            include_str!("../../protocol/tests/golden/from_node/llm_done.json"),
            "{}",
        ] {
            hello(frame);
        }
        for body in [
            r#"{"model": "m", "messages": [{"role": "user", "content": "\u0000\u001f ä 🔥"}]}"#,
            r#"{"model": "m", "messages": [{"role": "assistant", "content": ""}], "seed": -0.0}"#,
            r#"{"model": "m", "messages": [{"role": "tool", "content": []}], "temperature": 1e-320}"#,
            "{}",
        ] {
            chat_completion(body.as_bytes());
        }
    }
}
