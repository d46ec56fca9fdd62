//! A model's tokenizer for the page: from the header of its file, without the weights.

use std::io::BufReader;

use serde::Serialize;
use wasm_bindgen::prelude::*;

use crate::model_file::{ModelFile, Reader};

/// Bytes read at a time: a header has a hundred thousand short strings.
const READ_AHEAD: usize = 1 << 16;

/// `Tokenizer` of `wasm.ts`.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Tokenizer {
    inner: engine::Tokenizer,
}

/// `Token` of `wasm.ts`.
#[derive(Debug, Serialize)]
struct Token {
    id: u32,
    text: String,
}

#[wasm_bindgen]
impl Tokenizer {
    /// Reads no further than the header's end.
    ///
    /// # Errors
    /// Where the file can't be read, is no model, or has a tokenizer of a kind that the engine does not
    /// know.
    pub fn load(file: ModelFile) -> Result<Tokenizer, JsValue> {
        let mut reader = BufReader::with_capacity(READ_AHEAD, Reader::new(file)?);
        let inner = engine::Tokenizer::load(&mut reader).map_err(|error| fail(&error))?;
        Ok(Self { inner })
    }

    /// How many tokens a text has.
    ///
    /// # Errors
    /// Where the tokenizer fails.
    pub fn count(&self, text: &str) -> Result<usize, JsValue> {
        let ids = self.inner.encode(text).map_err(|error| fail(&error))?;
        Ok(ids.len())
    }

    /// The tokens of a text, each with its part of it.
    ///
    /// # Errors
    /// Where the tokenizer fails.
    pub fn tokenize(&self, text: &str) -> Result<JsValue, JsValue> {
        let ids = self.inner.encode(text).map_err(|error| fail(&error))?;
        let token = |id| Token {
            id,
            text: String::from_utf8_lossy(self.inner.bytes(id)).into_owned(),
        };
        let tokens: Vec<Token> = ids.into_iter().map(token).collect();
        Ok(serde_wasm_bindgen::to_value(&tokens)?)
    }
}

fn fail(error: &engine::EngineError) -> JsValue {
    js_sys::Error::new(&error.to_string()).into()
}
