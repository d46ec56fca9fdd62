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
# shellcheck source=bench/support/tools.sh
. bench/support/tools.sh

model="${KIPINA_MODEL:-qwen2.5-coder:0.5b}"
threads="${THREADS:-2}"
runs="${RUNS:-5}"
# What is asked for; decode in short and in long context; a second turn. See engine/examples/speed.rs.
measurements=("${PROMPT_TOKENS:-512}+${DECODE_TOKENS:-128}" 128+64 2000+64 800+64+20)

need cc build-essential
need node nodejs
need npm npm
need_rust
install_what_is_missing

install_peer native
cp bench/native/llama.mjs "$peer/"
cargo_offline_if_possible
cargo build --release --locked -p engine --example speed
model_file="$(scripts/fetch-model.sh "$model")"

LOAD_AT_START="$(uptime | sed 's/.*load average[s]*: *//')"
export LOAD_AT_START

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
for run in $(seq 1 "$runs"); do
  printf 'run %s of %s\n' "$run" "$runs" >&2
  "$CARGO_TARGET_DIR/release/examples/speed" "$model_file" "$threads" "${measurements[@]}" |
    tee -a "$folder/kipina" >&2 || fail measuring_failed Kipinä
  node "$peer/llama.mjs" "$model_file" "$threads" "${measurements[@]}" |
    tee -a "$folder/llama" >&2 || fail measuring_failed llama.cpp
done
node bench/native/report.mjs "$folder/kipina" "$folder/llama" bench/RESULTS.md "$model" "${measurements[@]}"
