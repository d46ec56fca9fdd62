#!/usr/bin/env bash
# Gives the hub a day's traffic of every kind in some minutes, and watches its memory, its file descriptors and its
# database. Appends the result to RESULTS.md; fails where something grows that should not.
#
# PROMPTS (100000: what is asked of the hub), VISITS (3000: nodes that come and go), SECONDS_LONG (720), SEED (a number; at
# random), RESULTS (bench/RESULTS.md)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# shellcheck source=scripts/lib/messages.sh
. scripts/lib/messages.sh
# shellcheck source=scripts/lib/setup.sh
. scripts/lib/setup.sh
# shellcheck source=bench/support/hub.sh
. bench/support/hub.sh

build_programs
open_many_files
"$CARGO_TARGET_DIR/release/day" hub="$CARGO_TARGET_DIR/release/kipina-hub" prompts="${PROMPTS:-100000}" \
  visits="${VISITS:-3000}" seconds="${SECONDS_LONG:-720}" seed="${SEED:-$RANDOM}" \
  results="${RESULTS:-bench/RESULTS.md}" date="$(today)"
