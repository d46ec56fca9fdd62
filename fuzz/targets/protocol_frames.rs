//! Frames between hub and nodes: whatever comes is refused or understood, and what was understood
//! says the same when it is passed on.
#![no_main]

use std::fmt::Debug;

use libfuzzer_sys::fuzz_target;
use protocol::{HubMessage, NodeMessage};
use serde::{Serialize, de::DeserializeOwned};

fuzz_target!(|frame: &str| {
    passes_on::<NodeMessage>(frame);
    passes_on::<HubMessage>(frame);
    hub::fuzzing::hello(frame);
});

fn passes_on<Message: DeserializeOwned + Serialize + Debug>(frame: &str) {
    let Ok(message) = serde_json::from_str::<Message>(frame) else {
        return;
    };
    let written = serde_json::to_string(&message).expect("what was read can be written");
    let again: Message = serde_json::from_str(&written)
        .unwrap_or_else(|error| panic!("{written} can't be read again: {error}"));
    let written_again = serde_json::to_string(&again).expect("it can be written again");
    assert_eq!(written, written_again, "{message:?}");
}
