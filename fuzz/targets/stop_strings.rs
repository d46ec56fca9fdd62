//! Tokens' bytes to text: what comes out is what precedes the first stop string, however the bytes
//! are cut into tokens.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (Vec<String>, Vec<Vec<u8>>)| {
    let (stops, tokens) = input;
    engine::fuzzing::text_before_stops(&stops, &tokens);
});
