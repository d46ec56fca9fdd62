#!/usr/bin/env bash
# Builds the engine and the team's work for browsers, unless these sources were built before, and prints the folder:
#   threads/    the engine: shared memory, relaxed SIMD
#   plain/      the engine: SIMD only, one thread
#   pipeline/   the team's work, for whatever runs WebAssembly
# each with the files that a worker imports: node.js and node_bg.wasm, pipeline.js and pipeline_bg.wasm.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# shellcheck source=scripts/lib/messages.sh
. scripts/lib/messages.sh
# shellcheck source=scripts/lib/setup.sh
. scripts/lib/setup.sh
# shellcheck source=scripts/lib/wasm.sh
. scripts/lib/wasm.sh
# shellcheck source=scripts/lib/built.sh
. scripts/lib/built.sh

build() { # FOLDER
  local name
  say building_wasm
  for name in plain threads; do
    cargo_for_browsers "$name" build --profile wasm --package node --lib >&2
    bind_for_browsers "$CARGO_TARGET_DIR/wasm-$name/$wasm_target/wasm/node.wasm" "$1/$name" node
  done
  # As a library for the page only here: the command that uses the crate natively needs none.
  cargo_for_browsers any rustc --profile wasm-small --package pipeline --lib --crate-type cdylib >&2
  bind_for_browsers "$CARGO_TARGET_DIR/wasm-any/$wasm_target/wasm-small/pipeline.wasm" "$1/pipeline" pipeline nameless
}

need_rust
need cc build-essential
install_what_is_missing
find_wasm_compiler
key="$("${wasm_cargo[@]}" --version |
  key_of Cargo.toml Cargo.lock engine/Cargo.toml engine/src node node-core protocol pipeline scripts/bindgen scripts/build-wasm.sh scripts/lib/wasm.sh)"
build_once wasm "$key" build || fail build_failed
printf '%s\n' "$built"
