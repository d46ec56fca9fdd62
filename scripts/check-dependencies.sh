#!/usr/bin/env bash
# Checks everything that is built into Kipinä by deny.toml: licences, bans, sources, known vulnerabilities.
#
# The database of vulnerabilities is fetched from GitHub; where that can't be reached, the one fetched before is
# used, and without one a line that begins with `skipped:` says so.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# shellcheck source=scripts/lib/messages.sh
. scripts/lib/messages.sh
# shellcheck source=scripts/lib/setup.sh
. scripts/lib/setup.sh
# shellcheck source=scripts/lib/cargo_tools.sh
. scripts/lib/cargo_tools.sh

need_rust
need_pip
install_what_is_missing
deny="$(cargo_tool deny 0.20.2)"
databases="${CARGO_HOME:-$HOME/.cargo}/advisory-dbs"
log="$(mktemp)"
trap 'rm -f "$log"' EXIT

"$deny" --locked check --hide-inclusion-graph licenses bans sources

if CARGO_NET_OFFLINE=false "$deny" fetch db >"$log" 2>&1; then
  "$deny" --offline --locked check advisories
elif fetched="$(find "$databases" -name FETCH_HEAD -path '*/.git/*' 2>/dev/null | head -n 1)" && [ -n "$fetched" ]; then
  say old_advisories "$(date -r "$fetched" +%F)"
  "$deny" --offline --locked check advisories
else
  say advisories_skipped "$(grep -m 1 -E 'fatal|error' "$log" | cut -c 1-200)"
fi
