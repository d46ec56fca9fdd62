# shellcheck shell=bash
# Building for browsers. After messages.sh and setup.sh, and with find_wasm_compiler done:
#   cargo_for_browsers BUILD SUBCOMMAND ARGUMENTS...

wasm_target=wasm32-unknown-unknown
# The most that wasm's 32-bit addresses reach.
most_wasm_memory=4294967296

# BUILD   any: whatever runs WebAssembly; plain: SIMD; relaxed: relaxed SIMD as well; threads: and shared memory
cargo_for_browsers() {
  local build="$1" subcommand="$2" features=+simd128 flags="-C link-arg=--max-memory=$most_wasm_memory" name
  shift 2
  if [ "$build" = any ]; then features=-simd128; fi
  # LLVM would turn loops' pointers into sums that WebAssembly has to compute, where its loads and stores add a constant
  # for nothing. Prompts are 3 % slower so.
  flags="$flags -C llvm-args=-disable-lsr"
  if [ "$build" = relaxed ] || [ "$build" = threads ]; then features="$features,+relaxed-simd"; fi
  if [ "$build" = threads ]; then
    features="$features,+atomics,+bulk-memory,+mutable-globals"
    flags="$flags -C link-arg=--shared-memory -C link-arg=--import-memory"
    for name in __wasm_init_tls __tls_size __tls_align __tls_base __heap_base; do
      flags="$flags -C link-arg=--export=$name"
    done
  fi
  # shellcheck disable=SC2154 # wasm_cargo: see setup.sh
  # The standard library is built too: it must have the same features, atomics above all. All builds do so,
  # and thus need the same of the machine. Its crates are not in our lock file: being offline is no use here.
  CARGO_NET_OFFLINE=false RUSTC_BOOTSTRAP=1 \
    RUSTFLAGS="-C target-feature=$features $flags --cfg getrandom_backend=\"wasm_js\"" \
    "${wasm_cargo[@]}" "$subcommand" --locked --target "$wasm_target" \
    -Z build-std=std,panic_abort,test --target-dir "$CARGO_TARGET_DIR/wasm-$build" "$@"
}

# The JavaScript around a build's wasm file.
bind_for_browsers() { # WASM FOLDER NAME [nameless]
  cargo build --release --locked --quiet --package bindgen >&2
  "$CARGO_TARGET_DIR/release/bindgen" "$@" >&2
}
