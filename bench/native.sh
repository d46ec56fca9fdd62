#!/usr/bin/env bash
# Measures the native engine and llama.cpp by turns on the same model, and appends the result to RESULTS.md.
#
# Leave the machine alone while it runs: both wait for their slowest thread.
# KIPINA_MODEL (qwen2.5-coder:0.5b), THREADS (2), RUNS (5), PROMPT_TOKENS (512), DECODE_TOKENS (128)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# shellcheck source=scripts/lib/messages.sh
. scripts/lib/messages.sh
# shellcheck source=scripts/lib/setup.sh
. scripts/lib/setup.sh

model="${KIPINA_MODEL:-qwen2.5-coder:0.5b}"
threads="${THREADS:-2}"
runs="${RUNS:-5}"
prompt_tokens="${PROMPT_TOKENS:-512}"
decode_tokens="${DECODE_TOKENS:-128}"

need cc build-essential
need node nodejs
need npm npm
need_rust
install_what_is_missing

tools="$HOME/.cache/kipina/tools/bench-native"
mkdir -p "$tools"
cp bench/native/* "$tools/"
if ! cmp -s "$tools/package-lock.json" "$tools/node_modules/.installed-lock"; then
  # Not `npm ci`: it wants the binaries of every platform in the lock file, and no registry has them all.
  npm install --prefix "$tools" --no-save --ignore-scripts --no-fund --no-audit >&2
  cp "$tools/package-lock.json" "$tools/node_modules/.installed-lock"
fi
cargo_offline_if_possible
cargo build --release --locked -p engine --example speed
model_file="$(scripts/fetch-model.sh "$model")"

LOAD_AT_START="$(uptime | sed 's/.*load average[s]*: *//')"
export LOAD_AT_START

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
for run in $(seq 1 "$runs"); do
  printf 'run %s of %s\n' "$run" "$runs" >&2
  "$CARGO_TARGET_DIR/release/examples/speed" "$model_file" "$threads" "$prompt_tokens" "$decode_tokens" |
    tee -a "$folder/kipina" >&2 || fail measuring_failed Kipinä
  node "$tools/llama.mjs" "$model_file" "$threads" "$prompt_tokens" "$decode_tokens" |
    tee -a "$folder/llama" >&2 || fail measuring_failed llama.cpp
done
node "$tools/report.mjs" "$folder/kipina" "$folder/llama" bench/RESULTS.md "$model"
