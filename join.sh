#!/usr/bin/env bash
# Joins this machine to a Kipinä hub from a source checkout: builds the node where it is missing, and runs it.
set -euo pipefail

hub="${KIPINA_HUB:-@KIPINA_HUB@}"
case "$hub" in
  @*) hub=https://kipina.studio ;;
esac
if [ ! -f "$(dirname "${BASH_SOURCE[0]:-$0}")/native-node/Cargo.toml" ]; then
  echo "join.sh: this is no checkout of Kipinä; run: curl -sSL $hub/kipina-node | bash" >&2
  exit 1
fi
cd "$(dirname "${BASH_SOURCE[0]:-$0}")"
HUB_URL="ws${hub#http}/ws" exec cargo run --release --locked -p native-node -- "$@"
