//! Bodies of `POST /v1/chat/completions`: refused with a reason, or a prompt that fits a frame to a
//! node and is read there as it was meant.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| hub::fuzzing::chat_completion(body));
