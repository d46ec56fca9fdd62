#!/usr/bin/env bash
# Measures the engine on WebGPU in a page of Chromium, beside wllama (llama.cpp for browsers) with its WebGPU in another
# such page, by turns, and natively on a GPU, and appends the result to RESULTS.md.
#
# Takes whatever GPU there is; where Chromium or Vulkan finds none, a processor plays one, which is slow.
# KIPINA_MODEL (qwen2.5-coder:0.5b), RUNS (3), PROMPT_TOKENS (512), CONTEXT_TOKENS (128; where decoding begins),
# DECODE_TOKENS (64); where a processor plays the page's GPU: smollm2:135m, 1, 32, 32 and 4, of a minute or more
# THREADS (2): wllama's, which computes on the processor where it can't use the GPU
# PARTS ("page native"): in the page beside wllama; natively
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
need_vulkan
need_rust
need_node
install_what_is_missing

export THREADS="${THREADS:-2}" PARTS="${PARTS:-page native}"

install_peer browser
cargo_offline_if_possible
wasm="$(scripts/build-wasm.sh)"
cargo build --release --locked -p engine --example speed

# Node.js has had WebSocket for longer than it has had it switched on.
NODE_OPTIONS="$(node --experimental-websocket -e '' 2>/dev/null && echo --experimental-websocket)" \
  node bench/webgpu/measure.mjs "$wasm" "$peer" "$CARGO_TARGET_DIR/release/examples/speed" bench/RESULTS.md ||
  fail measuring_failed WebGPU
