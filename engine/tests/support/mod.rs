//! What tests of a whole engine have in common: real models, as scripts/fetch-model.sh stores them.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use engine::{Engine, EngineOptions};

#[allow(dead_code, reason = "a tokenizer is tested without an engine")]
pub(crate) fn load(model: &str, options: &EngineOptions) -> Engine {
    Engine::load(&mut weights(model), options, &mut |_| ()).unwrap()
}

pub(crate) fn weights(model: &str) -> BufReader<File> {
    let models = std::env::home_dir().unwrap().join(".cache/kipina/models");
    open(&models.join(model), "scripts/fetch-model.sh brings it")
}

pub(crate) fn open(path: &Path, hint: &str) -> BufReader<File> {
    let file = File::open(path);
    BufReader::new(file.unwrap_or_else(|error| panic!("{}: {error}; {hint}", path.display())))
}
