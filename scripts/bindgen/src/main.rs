//! `bindgen WASM FOLDER`: writes `NAME.js` and `NAME_bg.wasm` of `NAME.wasm`, for a worker that is an ES module.
//!
//! The same as `wasm-bindgen --target web`, from the library under that command: it is locked with the
//! workspace, so it always fits the crate, and needs nothing of what the command's test runner needs.

use std::path::Path;

use anyhow::Context;
use wasm_bindgen_cli_support::Bindgen;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(wasm), Some(folder), None) = (arguments.next(), arguments.next(), arguments.next())
    else {
        anyhow::bail!("usage: bindgen WASM FOLDER");
    };
    let name = Path::new(&wasm).file_stem().and_then(|name| name.to_str());
    let name = name.context("WASM has no name")?;
    Bindgen::new()
        .input_path(&wasm)
        .out_name(name)
        .web(true)?
        .typescript(false)
        .generate(&folder)
        .with_context(|| format!("{} can't be bound", wasm.display()))
}
