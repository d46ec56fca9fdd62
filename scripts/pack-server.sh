#!/usr/bin/env bash
# Packs a hub for a server without Docker: program, pages, systemd unit, Caddyfile, and a node to begin with. It runs where this
# machine's C library, or a newer one, is. docs/OPERATIONS.md tells what to do with it.
#
#   scripts/pack-server.sh [FOLDER]     prints the tarball's path; it lies in FOLDER (dist-server)
#
# PROGRAMS   a folder with kipina-hub and kipina-node, where they are built already
# SITE       pages that are built already
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# shellcheck source=scripts/lib/messages.sh
. scripts/lib/messages.sh
# shellcheck source=scripts/lib/setup.sh
. scripts/lib/setup.sh
# shellcheck source=scripts/lib/release.sh
. scripts/lib/release.sh

target="${1:-dist-server}"
mkdir -p "$target" || fail cannot_write "$target"
target="$(cd "$target" && pwd)"

ready="${PROGRAMS:-}"
if [ -z "$ready" ]; then
  need cc build-essential
  need_rust
  install_what_is_missing
  cargo build --profile dist --locked -p hub -p native-node --bin kipina-hub --bin kipina-node >&2
  ready="$CARGO_TARGET_DIR/dist"
fi
site="${SITE:-$(scripts/build-site.sh)}"

name="kipina-server-$release_version-linux-$(uname -m)"
packed="$(mktemp -d)"
trap 'rm -rf "$packed"' EXIT
mkdir "$packed/$name"
install -m 755 "$ready/kipina-hub" "$ready/kipina-node" "$packed/$name"
install -m 644 scripts/server/kipina-hub.service scripts/server/hub.env Caddyfile LICENSE-APACHE LICENSE-MIT "$packed/$name"
install -m 644 docs/OPERATIONS.md "$packed/$name"
cp -R "$site" "$packed/$name/site"
chmod -R u=rwX,go=rX "$packed/$name"
tar --create --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" --directory="$packed" "$name" |
  gzip -n -6 >"$target/$name.tar.gz"
printf '%s\n' "$target/$name.tar.gz"
