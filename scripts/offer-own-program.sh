#!/usr/bin/env bash
# Fills a folder with what a hub on this machine can hand out without any release: the node that was built here, for
# machines like this one, and the source, which other machines build. ./build-binaries.sh makes programs for all systems.
#
#   scripts/offer-own-program.sh FOLDER
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# shellcheck source=scripts/lib/messages.sh
. scripts/lib/messages.sh
# shellcheck source=scripts/lib/setup.sh
. scripts/lib/setup.sh
# shellcheck source=scripts/lib/release.sh
. scripts/lib/release.sh

folder="$1"
mkdir -p "$folder" || fail cannot_write "$folder"
case "$(uname -s) $(uname -m)" in
  'Linux x86_64') machine=linux-x86_64 ;;
  'Linux aarch64') machine=linux-arm64 ;;
  'Darwin arm64') machine=macos-arm64 ;;
  'Darwin x86_64') machine=macos-x86_64 ;;
  *) machine="" ;;
esac
if [ -n "$machine" ]; then
  program="$folder/kipina-node-$release_version-$machine"
  # A hub may be handing out the one before.
  { cp "$CARGO_TARGET_DIR/release/kipina-node" "$program.new" && mv -f "$program.new" "$program"; } ||
    fail cannot_write "$folder"
fi
pack_source "$folder"
exec scripts/pack-downloads.sh "$folder"
