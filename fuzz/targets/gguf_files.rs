//! Files of models: refused, or loaded within the memory that their own size allows.
#![no_main]

use std::io::Cursor;

use engine::{Engine, EngineOptions, Tokenizer, spawn_thread};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    let _ = Engine::inspect(&mut Cursor::new(file));
    if let Ok(tokenizer) = Tokenizer::load(&mut Cursor::new(file)) {
        let _ = tokenizer.encode("Hei maailma! <|im_start|> 1234\n\n\tfn main() {}");
    }
    let options = EngineOptions {
        threads: 1,
        spawn: spawn_thread,
        context_length: Some(64),
        cache_tokens: None,
        gpu: None,
    };
    let _ = Engine::load(&mut Cursor::new(file), &options, &mut |_| {});
});
