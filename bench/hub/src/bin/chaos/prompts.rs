//! Different prompts for a small model, each with an answer of some length.

pub(crate) const MODEL: &str = "smollm2:135m";

/// Long enough for trouble to come in between, short enough for hundreds on two processors.
pub(crate) const ANSWER_TOKENS: u32 = 48;

const ASKED: [&str; 10] = [
    "Write a short story about {}.",
    "Explain {} to a child.",
    "List five facts about {}.",
    "Write a letter to a friend about {}.",
    "What should everybody know about {}?",
    "Describe {} in plain words.",
    "Write a dialogue between two neighbours about {}.",
    "Give advice to somebody who is afraid of {}.",
    "Write the beginning of a newspaper article about {}.",
    "How did people live before there was {}?",
];

const TOPICS: [&str; 10] = [
    "the sea",
    "bread",
    "winter in the north",
    "trains",
    "honey bees",
    "the moon",
    "small dogs",
    "electric light",
    "mountains",
    "music",
];

pub(crate) fn prompts() -> Vec<String> {
    ASKED
        .iter()
        .flat_map(|asked| TOPICS.iter().map(|topic| asked.replace("{}", topic)))
        .collect()
}
