#!/usr/bin/env bash
# Measures the engine in a page of Chromium, beside wllama (llama.cpp for browsers) in another such page and llama.cpp
# natively, by turns, and appends the result to RESULTS.md.
#
# Leave the machine alone while it runs: all of them wait for their slowest thread.
# KIPINA_MODELS ("qwen2.5-coder:0.5b qwen2.5-coder:1.5b"; what has no peer is measured of the first only),
# THREADS (2), RUNS (5), PROMPT_TOKENS (512)
# CHROMIUM_FLAGS (""): for all pages alike, such as --js-flags=--wasm-revectorize
# PARTS ("beside native single long turns memory"): prompt and decode beside wllama; decode beside native llama.cpp;
# one thread beside wllama's; decode in long context; a second turn; memory. Two minutes are enough for
# RUNS=1 KIPINA_MODELS=qwen2.5-coder:0.5b PARTS="beside native"
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# shellcheck source=scripts/lib/messages.sh
. scripts/lib/messages.sh
# shellcheck source=scripts/lib/setup.sh
. scripts/lib/setup.sh
# shellcheck source=bench/support/tools.sh
. bench/support/tools.sh

need cc build-essential
need chromium chromium
need_rust
need_node
install_what_is_missing

read -r -a models <<<"${KIPINA_MODELS:-${KIPINA_MODEL:-qwen2.5-coder:0.5b qwen2.5-coder:1.5b}}"
export THREADS="${THREADS:-2}" RUNS="${RUNS:-5}" PROMPT_TOKENS="${PROMPT_TOKENS:-512}"
export CHROMIUM_FLAGS="${CHROMIUM_FLAGS:-}" PARTS="${PARTS:-beside native single long turns memory}"

install_peer native
cp bench/native/llama.mjs "$peer/"
llama="$peer/llama.mjs"
install_peer browser
cargo_offline_if_possible
wasm="$(scripts/build-wasm.sh)"
files=()
for model in "${models[@]}"; do
  files+=("$model" "$(scripts/fetch-model.sh "$model")")
done

# Node.js has had WebSocket for longer than it has had it switched on.
NODE_OPTIONS="$(node --experimental-websocket -e '' 2>/dev/null && echo --experimental-websocket)" \
  node bench/browser/measure.mjs "$wasm" "$peer" "$llama" bench/RESULTS.md "${files[@]}" || fail measuring_failed wllama
