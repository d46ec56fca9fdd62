//! `bindgen WASM FOLDER NAME [nameless]`: writes `NAME.js` and `NAME_bg.wasm` into the folder, for a worker that is an ES
//! module. Nameless, it lacks the names of functions, a third of a small build.
//!
//! The same as `wasm-bindgen --target web`, from the library under that command: it is locked with the
//! workspace, so it always fits the crate, and needs nothing of what the command's test runner needs.

use anyhow::Context;
use wasm_bindgen_cli_support::Bindgen;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [wasm, folder, name, options @ ..] = arguments.as_slice() else {
        anyhow::bail!("usage: bindgen WASM FOLDER NAME [nameless]");
    };
    Bindgen::new()
        .input_path(wasm)
        .out_name(name)
        .web(true)?
        .typescript(false)
        .remove_name_section(options == ["nameless"])
        .generate(folder)
        .with_context(|| format!("{wasm} can't be bound"))
}
