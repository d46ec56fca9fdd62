#!/usr/bin/env bash
# Builds the engine's unit tests for browsers, unless these sources were built before, and prints the folder:
# plain/ and relaxed/, each with tests.js and tests_bg.wasm. e2e/kernels.test.ts runs them.
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
  local name binary
  say building_wasm
  for name in plain relaxed; do
    # Tests unwind in the compiler's eyes, which the profile for browsers does not.
    binary="$(cargo_for_browsers "$name" test --no-run --release --package engine --lib --message-format json |
      sed -n 's/.*"executable":"\([^"]*\.wasm\)".*/\1/p')"
    bind_for_browsers "$binary" "$1/$name" tests
  done
}

need_rust
need cc build-essential
install_what_is_missing
find_wasm_compiler
key="$("${wasm_cargo[@]}" --version |
  key_of Cargo.toml Cargo.lock engine/Cargo.toml engine/src scripts/bindgen scripts/build-wasm-tests.sh scripts/lib/wasm.sh)"
build_once wasm-tests "$key" build || fail build_failed
printf '%s\n' "$built"
