//! Text that a terminal shows and never obeys.

use std::borrow::Cow;

/// Answers, names and errors come from machines that nobody vouches for, and a terminal does what control characters
/// tell it: it moves the cursor, writes to the clipboard, changes its title. They become pictures of themselves.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_obeyed) {
        Cow::Owned(text.chars().filter_map(shown).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// As [`visible`], in one line.
pub(crate) fn visible_line(text: &str) -> String {
    visible(text)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// Everything of Unicode's `Cc` but line ends and tabs; and what turns the direction of writing, so that text is not
/// what it looks like.
pub(crate) fn is_obeyed(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        '\u{200e}' | '\u{200f}' | '\u{061c}' => true,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        other => other.is_control(),
    }
}

fn shown(character: char) -> Option<char> {
    match character {
        // A part of Windows' line ends; alone it would let the next words cover these.
        '\r' => None,
        other if !is_obeyed(other) => Some(other),
        '\u{7f}' => Some('␡'),
        other if other < ' ' => char::from_u32(0x2400 + u32::from(other)),
        _ => Some('\u{fffd}'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown() {
        for (raw, shown) in [
            ("plain äö 🔥\n\tindented", "plain äö 🔥\n\tindented"),
            ("\u{1b}[2J\u{1b}]0;title\u{7}", "␛[2J␛]0;title␇"),
            ("line\r\nnext\rover", "line\nnextover"),
            ("\u{9b}31m", "\u{fffd}31m"),
            ("a\u{202e}b\u{7f}\0", "a\u{fffd}b␡␀"),
        ] {
            assert_eq!(visible(raw), shown);
        }
        assert!(matches!(visible("plain"), Cow::Borrowed(_)));
        assert_eq!(visible_line(" a\n\u{1b}b \t c\n"), "a ␛b c");
    }
}
