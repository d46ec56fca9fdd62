//! What fuzz targets reach into, and what must hold there. In tests too, so that it never rots.

use crate::text::TextStream;

/// # Panics
/// Where the text depends on how its bytes were cut into tokens, or is not what precedes the first
/// stop string.
pub fn text_before_stops(stops: &[String], tokens: &[Vec<u8>]) {
    let mut stream = TextStream::new(stops.to_vec());
    let mut text = String::new();
    for token in tokens {
        text.push_str(&stream.push(token));
        let is_cut = stops
            .iter()
            .any(|stop| !stop.is_empty() && text.contains(stop));
        assert!(!is_cut, "a stop string came out: {text:?}, {stops:?}");
    }
    text.push_str(&stream.finish());

    let whole = String::from_utf8_lossy(&tokens.concat()).into_owned();
    let stops = stops.iter().filter(|stop| !stop.is_empty());
    let met = stops.filter_map(|stop| Some((whole.find(stop.as_str())?, stop.len())));
    let first = met.min_by_key(|(at, length)| (at + length, *at));
    let expected = first.map_or(whole.as_str(), |(at, _)| &whole[..at]);
    assert_eq!(text, expected, "{whole:?}");
    assert_eq!(stream.stopped(), first.is_some(), "{whole:?}");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn text_does_not_depend_on_how_its_bytes_are_cut(
            stops in prop::collection::vec("[ab\u{FFFD}🔥]{0,3}", 0..4),
            tokens in prop::collection::vec(
                prop::collection::vec(prop::sample::select(b"ab\xf0\x9f\x94\xa5".to_vec()), 0..4),
                0..12,
            ),
        ) {
            text_before_stops(&stops, &tokens);
        }
    }
}
