#!/usr/bin/env bash
# Measures what the hub adds and how much it carries, with nodes that answer by a timetable, beside LiteLLM's proxy on the
# same timetable, and appends the result to RESULTS.md. Fails where a promise is not kept.
#
# Leave the machine alone while it runs.
# PARTS ("single streams short beside idle growth queue history"), STREAMS (1000), NODES (10000: those that are idle),
# SECONDS_EACH (5: of each rate of short answers), ROWS (1000000: of history), RESULTS (bench/RESULTS.md)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# shellcheck source=scripts/lib/messages.sh
. scripts/lib/messages.sh
# shellcheck source=scripts/lib/setup.sh
. scripts/lib/setup.sh
# shellcheck source=bench/support/hub.sh
. bench/support/hub.sh

parts="${PARTS:-single streams short beside idle growth queue history}"
litellm="$HOME/.cache/kipina/tools/litellm"

install_litellm() {
  if [ -x "$litellm/bin/litellm" ]; then return; fi
  need_pip
  python3 -c 'import ensurepip' 2>/dev/null || missing_packages="$missing_packages python3-venv"
  install_what_is_missing
  say installing LiteLLM
  if ! python3 -m venv "$litellm" || ! "$litellm/bin/pip" install --quiet 'litellm[proxy]' >&2; then
    fail install_failed LiteLLM
  fi
}

case " $parts " in
  *" beside "*) install_litellm ;;
esac
build_programs
open_many_files
"$CARGO_TARGET_DIR/release/load" hub="$CARGO_TARGET_DIR/release/kipina-hub" litellm="$litellm" parts="$parts" \
  streams="${STREAMS:-1000}" nodes="${NODES:-10000}" seconds="${SECONDS_EACH:-5}" rows="${ROWS:-1000000}" \
  results="${RESULTS:-bench/RESULTS.md}" date="$(today)"
