#!/usr/bin/env bash
# Builds the engine for browsers, unless these sources were built before, and prints the folder:
#   threads/   shared memory, relaxed SIMD
#   plain/     SIMD only, one thread
# each with the files that a worker imports: node.js and node_bg.wasm.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# shellcheck source=scripts/lib/messages.sh
. scripts/lib/messages.sh
# shellcheck source=scripts/lib/setup.sh
. scripts/lib/setup.sh
# shellcheck source=scripts/lib/built.sh
. scripts/lib/built.sh

target=wasm32-unknown-unknown
# The most that wasm's 32-bit addresses reach.
most_memory=4294967296

compile() { # NAME FEATURES LINKER-ARGUMENTS...
  local name="$1" flags="-C target-feature=$2" argument
  shift 2
  for argument in --max-memory="$most_memory" "$@"; do flags="$flags -C link-arg=$argument"; done
  # The standard library is built too: it must have the same features, atomics above all. Both builds, so
  # that they need the same of the machine.
  # Its crates are not in our lock file, so being offline here is no use.
  CARGO_NET_OFFLINE=false RUSTC_BOOTSTRAP=1 RUSTFLAGS="$flags --cfg getrandom_backend=\"wasm_js\"" \
    "${wasm_cargo[@]}" build --locked --package node --lib --profile wasm --target "$target" \
    -Z build-std=std,panic_abort --target-dir "$CARGO_TARGET_DIR/wasm-$name" >&2
}

build() { # FOLDER
  local name
  say building_wasm
  cargo build --release --locked --package bindgen >&2
  compile plain +simd128
  compile threads +simd128,+relaxed-simd,+atomics,+bulk-memory,+mutable-globals \
    --shared-memory --import-memory --export=__wasm_init_tls --export=__tls_size --export=__tls_align \
    --export=__tls_base --export=__heap_base
  for name in plain threads; do
    "$CARGO_TARGET_DIR/release/bindgen" "$CARGO_TARGET_DIR/wasm-$name/$target/wasm/node.wasm" "$1/$name" >&2
  done
}

need_rust
need cc build-essential
install_what_is_missing
find_wasm_compiler
key="$("${wasm_cargo[@]}" --version | key_of Cargo.toml Cargo.lock engine node node-core protocol scripts/bindgen scripts/build-wasm.sh)"
build_once wasm "$key" build || fail build_failed
printf '%s\n' "$built"
