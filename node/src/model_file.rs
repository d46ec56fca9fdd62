//! The page's model file as Rust's `Read` and `Seek`.

use std::io::{self, Read, Seek, SeekFrom};

use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// A file that the page reads synchronously: `ModelFile` of `wasm.ts`.
    #[derive(Clone, Debug)]
    pub type ModelFile;

    #[wasm_bindgen(method, catch)]
    fn read(this: &ModelFile, offset: f64, into: &mut [u8]) -> Result<f64, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn size(this: &ModelFile) -> Result<f64, JsValue>;
}

#[derive(Debug)]
pub(crate) struct Reader {
    file: ModelFile,
    position: u64,
    bytes: u64,
}

impl Reader {
    pub(crate) fn new(file: ModelFile) -> Result<Self, JsValue> {
        let bytes = file.size()? as u64;
        Ok(Self {
            file,
            position: 0,
            bytes,
        })
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Read for Reader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self
            .file
            .read(self.position as f64, into)
            .map_err(|error| io::Error::other(describe(&error)))?;
        // The page is not trusted to count: a slice's length is what bounds it.
        let read = (read as usize).min(into.len());
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for Reader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
            SeekFrom::End(offset) => self.bytes.checked_add_signed(offset),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

/// An exception's own words.
pub(crate) fn describe(error: &JsValue) -> String {
    let message = error
        .dyn_ref::<js_sys::Error>()
        .map(|error| String::from(error.message()));
    message.unwrap_or_else(|| format!("{error:?}"))
}
