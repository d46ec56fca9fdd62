#!/usr/bin/env bash
# Asks for greedy streams while nodes are killed, frozen, cut off and lied for at random, kills the hub under load, and
# compares every answer with the undisturbed one. Appends the result to RESULTS.md; fails where a promise is not kept.
#
# STREAMS (500), CLIENTS (32: at once), NODES (6), KILLS (3: of the hub), SEED (a number; at random), RESULTS (bench/RESULTS.md)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# shellcheck source=scripts/lib/messages.sh
. scripts/lib/messages.sh
# shellcheck source=scripts/lib/setup.sh
. scripts/lib/setup.sh
# shellcheck source=bench/support/hub.sh
. bench/support/hub.sh

build_programs
model="$(scripts/fetch-model.sh smollm2:135m)"
open_many_files
"$CARGO_TARGET_DIR/release/chaos" hub="$CARGO_TARGET_DIR/release/kipina-hub" node="$CARGO_TARGET_DIR/release/kipina-node" \
  model="$model" streams="${STREAMS:-500}" clients="${CLIENTS:-32}" nodes="${NODES:-6}" kills="${KILLS:-3}" \
  seed="${SEED:-$RANDOM}" results="${RESULTS:-bench/RESULTS.md}" date="$(today)"
