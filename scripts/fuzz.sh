#!/usr/bin/env bash
# Throws what nobody sends at everything that reads what others sent: scripts/fuzz.sh [SECONDS] [TARGET…]
#
# Each target of fuzz/ runs for so long (60 seconds where nothing is said), with what was found interesting before:
# that is kept below ~/.cache/kipina/fuzz. An input that breaks something is kept there too, in TARGET/findings.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# shellcheck source=scripts/lib/messages.sh
. scripts/lib/messages.sh
# shellcheck source=scripts/lib/setup.sh
. scripts/lib/setup.sh
# shellcheck source=scripts/lib/cargo_tools.sh
. scripts/lib/cargo_tools.sh

seconds="${1:-60}"
shift || true
targets=("$@")
if [ "${#targets[@]}" -eq 0 ]; then
  for file in fuzz/targets/*.rs; do
    targets+=("$(basename "$file" .rs)")
  done
fi

need c++ build-essential
need_rust
need_pip
install_what_is_missing
fuzz="$(cargo_tool fuzz 0.13.2)"
corpus="$HOME/.cache/kipina/fuzz"
scripts/fuzz_seeds.py "$corpus/seeds"

# Coverage and sanitizers are the compiler's own, but it calls none of their options stable.
export RUSTC_BOOTSTRAP=1
# A file may claim anything; what is asked of memory must be refused and not tried.
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1
cd fuzz
# The same versions as everywhere else, and the fuzzer's own.
cp ../Cargo.lock Cargo.lock
for target in "${targets[@]}"; do
  say fuzzing "$target" "$seconds"
  mkdir -p "$corpus/$target/inputs" "$corpus/$target/findings"
  "$fuzz" run --fuzz-dir . --target-dir "$CARGO_TARGET_DIR/fuzz" "$target" \
    "$corpus/$target/inputs" "$corpus/seeds/$target" -- \
    -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=10 -max_len=65536 -print_final_stats=1 \
    -artifact_prefix="$corpus/$target/findings/" || fail fuzz_finding "$target" "$corpus/$target/findings"
done
