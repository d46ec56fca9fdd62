#!/usr/bin/env bash
# Measures a computing tab of a real Chromium, in front and out of sight: time to the first token, speed, memory.
# Appends the result to RESULTS.md.
#
# The browser has a window (on a virtual screen) and no test harness in it: harnesses keep every page in sight.
# Leave the machine alone while it runs.
# KIPINA_MODEL (qwen2.5-coder:0.5b), RUNS (5)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# shellcheck source=scripts/lib/messages.sh
. scripts/lib/messages.sh
# shellcheck source=scripts/lib/setup.sh
. scripts/lib/setup.sh

need cc build-essential
need chromium chromium
need Xvfb xvfb
need_rust
need_node
install_what_is_missing

model="${KIPINA_MODEL:-qwen2.5-coder:0.5b}"
cargo_offline_if_possible
cargo build --release --locked -p hub --bins
scripts/fetch-model.sh "$model" >&2
STATIC_DIR="$(scripts/build-site.sh)"
export STATIC_DIR
# Node.js has had WebSocket for longer than it has had it switched on.
NODE_OPTIONS="$(node --experimental-websocket -e '' 2>/dev/null && echo --experimental-websocket)" \
  node bench/tab/measure.mjs "$CARGO_TARGET_DIR/release/kipina-hub" bench/RESULTS.md "$model" "${RUNS:-5}" || fail measuring_failed tab
