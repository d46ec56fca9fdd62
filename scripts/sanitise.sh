#!/usr/bin/env bash
# Runs the tests of the engine's kernels under the compiler's sanitizers, and a short answer of a real model:
# memory that is not theirs (AddressSanitizer), then threads that get in each other's way (ThreadSanitizer).
#
# Where the compiler has no sanitizers (Debian's package has none), a line that begins with `skipped:` says so.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# shellcheck source=scripts/lib/messages.sh
. scripts/lib/messages.sh
# shellcheck source=scripts/lib/setup.sh
. scripts/lib/setup.sh

need cc build-essential
need_rust
install_what_is_missing

# Sanitizers are the compiler's own, but it calls none of their options stable.
export RUSTC_BOOTSTRAP=1
# Whether leaks can be looked for depends on the machine (it takes ptrace), and safe code may leak.
export ASAN_OPTIONS=detect_leaks=0
host="$(rustc --version --verbose | sed -n 's/^host: //p')"
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT

# A small program runs under the sanitizer, and is stopped by it once it does what it must not.
can_sanitise() { # SANITIZER
  local program="$scratch/$1" log="$scratch/$1.log"
  if ! rustc -Zsanitizer="$1" -Cunsafe-allow-abi-mismatch=sanitizer --edition 2024 --target "$host" \
    -o "$program" "scripts/sanitise/$1.rs" >"$log" 2>&1 || ! "$program" >"$log" 2>&1; then
    say sanitizer_skipped "$1" "$(rustc --version)" "$host" "$(grep -m 1 '[a-z]' "$log" | cut -c 1-200)"
    return 1
  fi
  if "$program" wrong >"$log" 2>&1; then fail sanitizer_blind "$1"; fi
}

test_kernels() { # SANITIZER CARGO'S ARGUMENTS…
  local sanitizer="$1"
  shift
  say sanitising "$sanitizer"
  # The answer is computed with the shapes of a real model, its prompt in tiles and its tokens one by one.
  RUSTFLAGS="-Zsanitizer=$sanitizer" cargo test --locked -p engine --lib --test session --target "$host" \
    --target-dir "$CARGO_TARGET_DIR/sanitise-$sanitizer" "$@" -- kernels the_answer_ends_where
}

scripts/fetch-model.sh smollm2:135m >&2
if can_sanitise address; then test_kernels address; fi
if can_sanitise thread; then
  # It must see what the standard library synchronises: that is built with it. Its crates are not in our lock file.
  if has_library_source rustc || rustup component add rust-src >&2; then
    CARGO_NET_OFFLINE=false test_kernels thread -Z build-std=std,panic_unwind,test
  else
    say sanitizer_skipped thread "$(rustc --version)" "$host" rust-src
  fi
fi
