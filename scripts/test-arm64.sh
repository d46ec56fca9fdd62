#!/usr/bin/env bash
# Runs the tests of the engine's kernels on 64-bit ARM, emulated by qemu: as a processor that has everything, and
# as one of 2015 without the dot product, where an instruction that it lacks ends the program.
#
# Where the compiler has no library for ARM (Debian's package has none), a line that begins with `skipped:` says so.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# shellcheck source=scripts/lib/messages.sh
. scripts/lib/messages.sh
# shellcheck source=scripts/lib/setup.sh
. scripts/lib/setup.sh

# musl's programs are whole in themselves, and the compiler brings all that linking them takes: no second C
# compiler and no second C library. To the kernels it is the same.
target=aarch64-unknown-linux-musl

need cc build-essential
need_rust
case "$(uname -m)" in
  aarch64 | arm64)
    install_what_is_missing
    exec cargo test --locked -p engine --lib -- kernels
    ;;
esac
need qemu-aarch64 qemu-user
install_what_is_missing

if [ ! -d "$(rustc --print target-libdir --target "$target")" ] &&
  ! { command -v rustup >/dev/null 2>&1 && rustup target add "$target" >&2; }; then
  say arm_skipped "$(rustc --version)" "$target"
  exit 0
fi
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER=rust-lld
# musl has in libc.a what loads drivers at run time; its libdl.a is empty, and the compiler does not bring it.
libraries="$CARGO_TARGET_DIR/$target/libraries"
mkdir -p "$libraries"
printf '!<arch>\n' >"$libraries/libdl.a"
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_RUSTFLAGS="-L native=$libraries"
for processor in max cortex-a72; do
  say testing_on_arm "$processor"
  CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_RUNNER="qemu-aarch64 -cpu $processor" \
    cargo test --locked -p engine --lib --target "$target" -- kernels
done
