#!/usr/bin/env bash
# Builds the pages with the engine beside them, unless these sources were built before, and prints the folder
# for a hub's STATIC_DIR.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# shellcheck source=scripts/lib/messages.sh
. scripts/lib/messages.sh
# shellcheck source=scripts/lib/setup.sh
. scripts/lib/setup.sh
# shellcheck source=scripts/lib/built.sh
. scripts/lib/built.sh

build() { # FOLDER
  say building_site
  install_packages frontend
  npm --prefix frontend run build >&2
  cp -R frontend/dist/. "$1"
  cp -R "$wasm" "$1/wasm"
  # Whoever takes them compressed gets them so, compressed once and well.
  node scripts/compress.mjs "$1" >&2
}

wasm="$(scripts/build-wasm.sh)"
need_node
install_what_is_missing
key="$(echo "$wasm" | key_of frontend pipeline/default-team.json scripts/build-site.sh scripts/compress.mjs)"
build_once site "$key" build || fail build_failed
printf '%s\n' "$built"
