//! What two prompts have in common, as numbers: nodes are remembered by these, and no text is kept.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};

use protocol::{ChatMessage, PromptInput, PromptRequest};
use scheduler::Prefix;

use super::estimate::{message_tokens, tools_tokens};

/// The ends of so many of a conversation's last messages are told apart.
const MOST_PREFIXES: usize = 64;

/// Where the messages of a prompt end, the first one first. Fingerprints are those of this run only.
pub(super) fn prefixes(request: &PromptRequest, run: &RandomState) -> Vec<Prefix> {
    // Raw text has no ends of messages that a next prompt would share.
    let PromptInput::Chat {
        messages, tools, ..
    } = &request.input
    else {
        return Vec::new();
    };
    let mut hasher = run.build_hasher();
    for tool in tools {
        tool.hash(&mut hasher);
    }
    let mut tokens = tools_tokens(tools);
    let mut prefixes = Vec::with_capacity(messages.len());
    for message in messages {
        add(message, &mut hasher);
        tokens = tokens.saturating_add(message_tokens(message));
        prefixes.push(Prefix {
            fingerprint: hasher.finish(),
            tokens: u32::try_from(tokens).unwrap_or(u32::MAX),
        });
    }
    prefixes.split_off(prefixes.len().saturating_sub(MOST_PREFIXES))
}

fn add(message: &ChatMessage, hasher: &mut impl Hasher) {
    let ChatMessage {
        role,
        content,
        name,
        tool_calls,
        tool_call_id,
    } = message;
    (*role as u8).hash(hasher);
    (content, name, tool_calls, tool_call_id).hash(hasher);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn fingerprints(contents: &[String], run: &RandomState) -> Vec<Prefix> {
        let messages: Vec<_> = contents
            .iter()
            .map(|content| json!({"role": "user", "content": content}))
            .collect();
        let request = json!({"model": "m", "messages": messages});
        prefixes(&serde_json::from_value(request).expect("a request"), run)
    }

    proptest! {
        #[test]
        fn prompts_share_exactly_the_messages_that_they_begin_with(
            common in proptest::collection::vec("[ab]{0,9}", 0..5),
            one in proptest::collection::vec("[cd]{1,9}", 0..5),
            other in proptest::collection::vec("[ef]{1,9}", 0..5),
        ) {
            let run = RandomState::new();
            let whole = |rest: &[String]| fingerprints(&[&common, rest].concat(), &run);
            let (one, other) = (whole(&one), whole(&other));
            let shared = one.iter().zip(&other).take_while(|(one, other)| one == other);
            prop_assert_eq!(shared.count(), common.len());
            prop_assert!(one.is_sorted_by(|before, after| before.tokens < after.tokens));
            let later = one.iter().skip(common.len());
            for prefix in later {
                prop_assert!(!other.iter().any(|known| known.fingerprint == prefix.fingerprint));
            }
        }
    }

    #[test]
    fn a_long_conversation_still_shares_its_end_with_its_next_turn() {
        let run = RandomState::new();
        let contents: Vec<String> = (0..200).map(|number| number.to_string()).collect();
        let before = fingerprints(&contents[..198], &run);
        let after = fingerprints(&contents, &run);
        assert_eq!((before.len(), after.len()), (MOST_PREFIXES, MOST_PREFIXES));
        assert_eq!(before[2..], after[..MOST_PREFIXES - 2]);
    }

    #[test]
    fn the_same_words_from_somebody_else_are_something_else() {
        let run = RandomState::new();
        let said_by = |role: &str| {
            let request = json!({"model": "m", "messages": [{"role": role, "content": "hei"}]});
            prefixes(&serde_json::from_value(request).expect("a request"), &run)
        };
        assert_ne!(said_by("user"), said_by("system"));
    }
}
