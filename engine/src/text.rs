//! From tokens' bytes to text that may be shown: never half a character, never the beginning of
//! what might become a stop string.

/// Collects bytes and gives out text as soon as it is safe.
#[derive(Debug)]
pub(crate) struct TextStream {
    stops: Vec<String>,
    /// Bytes that do not make up whole characters yet.
    partial: Vec<u8>,
    /// Whole characters held back, since a stop string may begin in them.
    held: String,
    stopped: bool,
}

impl TextStream {
    pub(crate) fn new(stops: Vec<String>) -> Self {
        let stops = stops.into_iter().filter(|stop| !stop.is_empty()).collect();
        Self {
            stops,
            partial: Vec::new(),
            held: String::new(),
            stopped: false,
        }
    }

    /// The state after these tokens; none where another text than `shown` came out of them.
    pub(crate) fn after<'a>(
        stops: Vec<String>,
        tokens: impl Iterator<Item = &'a [u8]>,
        shown: &str,
    ) -> Option<Self> {
        let mut stream = Self::new(stops);
        let mut rest = shown;
        for bytes in tokens {
            rest = rest.strip_prefix(stream.push(bytes).as_str())?;
        }
        rest.is_empty().then_some(stream)
    }

    /// Takes a token's bytes and returns the text that became safe to show.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> String {
        if self.stopped {
            return String::new();
        }
        self.partial.extend_from_slice(bytes);
        self.take_whole_characters();
        self.release()
    }

    /// True once a stop string was met; nothing comes out after it.
    pub(crate) fn stopped(&self) -> bool {
        self.stopped
    }

    /// What was still held back, at the end of the answer. An unfinished character becomes U+FFFD.
    pub(crate) fn finish(&mut self) -> String {
        if self.stopped {
            return String::new();
        }
        self.held.push_str(&String::from_utf8_lossy(&self.partial));
        self.partial.clear();
        let mut text = self.release();
        text.push_str(&std::mem::take(&mut self.held));
        text
    }

    /// Moves whole characters to `held`; bytes that can never become one turn into U+FFFD.
    fn take_whole_characters(&mut self) {
        loop {
            match std::str::from_utf8(&self.partial) {
                Ok(text) => {
                    self.held.push_str(text);
                    self.partial.clear();
                    return;
                }
                Err(error) => {
                    let valid = error.valid_up_to();
                    self.held
                        .push_str(&String::from_utf8_lossy(&self.partial[..valid]));
                    let Some(invalid) = error.error_len() else {
                        self.partial.drain(..valid);
                        return;
                    };
                    self.held.push(char::REPLACEMENT_CHARACTER);
                    self.partial.drain(..valid + invalid);
                }
            }
        }
    }

    /// Cuts at the first stop string, or gives out all but the longest end of `held` that some stop
    /// string begins with. Of several the first is the one that ends first: so it would be, did the
    /// text come byte by byte.
    fn release(&mut self) -> String {
        let first = self
            .stops
            .iter()
            .filter_map(|stop| Some((self.held.find(stop.as_str())?, stop.len())))
            .min_by_key(|(at, length)| (at + length, *at));
        if let Some((at, _)) = first {
            self.stopped = true;
            self.held.truncate(at);
            return std::mem::take(&mut self.held);
        }
        let keep = self
            .stops
            .iter()
            .map(|stop| overlap(&self.held, stop))
            .max()
            .unwrap_or(0);
        let rest = self.held.split_off(self.held.len() - keep);
        std::mem::replace(&mut self.held, rest)
    }
}

/// Bytes of the longest proper beginning of `stop` that `text` ends with.
fn overlap(text: &str, stop: &str) -> usize {
    let lengths = stop.char_indices().map(|(at, _)| at).rev();
    lengths
        .into_iter()
        .find(|&length| text.ends_with(&stop[..length]))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stream(stops: &[&str], pieces: &[&[u8]]) -> (Vec<String>, bool) {
        let mut stream = TextStream::new(stops.iter().map(|stop| (*stop).to_owned()).collect());
        let mut out: Vec<String> = pieces.iter().map(|piece| stream.push(piece)).collect();
        out.push(stream.finish());
        (out, stream.stopped())
    }

    #[test]
    fn a_character_split_over_tokens_comes_out_whole() {
        let (out, _) = stream(&[], &[&[0xF0, 0x9F], &[0x94], &[0xA5, b'!']]);
        assert_eq!(out, ["", "", "🔥!", ""]);
    }

    #[test]
    fn bytes_that_are_no_character_are_replaced_without_swallowing_what_follows() {
        let (out, _) = stream(&[], &[&[b'a', 0xFF, b'b'], &[0xC3]]);
        assert_eq!(out, ["a\u{FFFD}b", "", "\u{FFFD}"]);
    }

    #[test]
    fn the_beginning_of_a_stop_string_is_held_until_it_is_decided() {
        let (out, stopped) = stream(&["###"], &[b"a#", b"#b", b"##", b"#c"]);
        assert_eq!(out, ["a", "##b", "", "", ""]);
        assert!(stopped);
    }

    #[test]
    fn what_was_held_back_comes_out_at_the_end() {
        let (out, stopped) = stream(&["STOP"], &[b"go ST"]);
        assert_eq!(out, ["go ", "ST"]);
        assert!(!stopped);
    }

    #[test]
    fn the_earliest_of_several_stop_strings_wins() {
        let (out, _) = stream(&["yz", "x"], &[b"axyz"]);
        assert_eq!(out, ["a", ""]);
    }

    #[test]
    fn tokens_that_said_something_else_are_no_beginning() {
        let after = |tokens: &[&[u8]], shown| {
            TextStream::after(vec!["###".to_owned()], tokens.iter().copied(), shown)
        };
        assert!(after(&[b"ab", b"c#"], "abc").is_some());
        for shown in ["ab", "abd", "abc#", "abcd", ""] {
            assert!(after(&[b"ab", b"c#"], shown).is_none(), "{shown}");
        }
        let stopped = after(&[b"ab#", b"##"], "ab").expect("all of it was said");
        assert!(stopped.stopped(), "nothing comes after the stop string");
    }

    #[test]
    fn which_stop_string_is_met_does_not_depend_on_how_the_text_is_cut() {
        let stops = ["xyzw", "yz"];
        let whole: &[&[u8]] = &[b"axyzw"];
        let bytes: &[&[u8]] = &[b"a", b"x", b"y", b"z", b"w"];
        for pieces in [whole, bytes] {
            let (out, stopped) = stream(&stops, pieces);
            assert_eq!((out.concat().as_str(), stopped), ("ax", true));
        }
    }

    proptest! {
        #[test]
        fn an_answer_that_goes_on_elsewhere_is_the_same_text_wherever_it_is_cut(
            tokens in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..4), 0..12),
            text in "[ab#ö🔥]{0,20}",
            stop in "[a#🔥]{1,3}",
            at in any::<prop::sample::Index>(),
        ) {
            // Characters cut into tokens of two bytes, and bytes that are no characters at all.
            let mut tokens = tokens;
            tokens.extend(text.as_bytes().chunks(2).map(<[u8]>::to_vec));
            let stops = vec![stop];
            let (said, left) = tokens.split_at(at.index(tokens.len() + 1));
            let mut whole = TextStream::new(stops.clone());
            let shown: String = said.iter().map(|token| whole.push(token)).collect();
            let said = said.iter().map(Vec::as_slice);
            let mut elsewhere = TextStream::after(stops, said, &shown).expect("its own tokens");
            for token in left {
                prop_assert_eq!(elsewhere.stopped(), whole.stopped());
                prop_assert_eq!(elsewhere.push(token), whole.push(token));
            }
            prop_assert_eq!(elsewhere.finish(), whole.finish());
        }

        #[test]
        fn text_is_what_precedes_the_first_stop_however_it_is_cut(
            text in "[ab🔥]{0,40}",
            stop in "[ab🔥]{1,4}",
            cuts in prop::collection::vec(0usize..160, 0..20),
        ) {
            let bytes = text.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.push(0);
            cuts.push(bytes.len());
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect();
            let (out, stopped) = stream(&[&stop], &pieces);
            let expected = text.split(&stop).next().unwrap_or_default();
            prop_assert_eq!(out.concat(), expected);
            prop_assert_eq!(stopped, text.contains(&stop));
        }
    }
}
