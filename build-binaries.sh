#!/usr/bin/env bash
# Builds the programs that a hub hands out, for every system that this machine can build for, into dist/.
#
#   ./build-binaries.sh                        all of them
#   ./build-binaries.sh linux-arm64 …          linux-x86_64 linux-arm64 linux_gpu-x86_64 linux_gpu-arm64 macos-arm64
#                                              macos-x86_64 windows-x86_64
#
# What can't be built here is skipped with a line that begins with `skipped:`. The same sources and the same compiler give the
# same bytes, wherever they lie. Ends with scripts/pack-downloads.sh, which lists and signs what is in dist/.
# A hub serves it from there: DOWNLOADS_DIR="$PWD/dist" kipina-hub
#
# DIST                where to, instead of dist/
# KIPINA_RELEASE_KEY  see scripts/pack-downloads.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# shellcheck source=scripts/lib/messages.sh
. scripts/lib/messages.sh
# shellcheck source=scripts/lib/setup.sh
. scripts/lib/setup.sh
# shellcheck source=scripts/lib/release.sh
. scripts/lib/release.sh

everything=(linux-x86_64 linux-arm64 linux_gpu-x86_64 linux_gpu-arm64 macos-arm64 macos-x86_64 windows-x86_64)
if [ "$#" -eq 0 ]; then set -- "${everything[@]}"; fi
for wanted in "$@"; do
  case " ${everything[*]} " in
    *" $wanted "*) ;;
    *) fail usage_build "$0" "${everything[*]}" ;;
  esac
done

dist="${DIST:-dist}"
mkdir -p "$dist" || fail cannot_write "$dist"
dist="$(cd "$dist" && pwd)"

need cc build-essential
need openssl openssl
need_pip
need_rust
install_what_is_missing
cargo fetch --locked >&2

failed=""
for wanted in "$@"; do
  build_release "$wanted" "$dist" || failed="$failed $wanted"
done
pack_source "$dist"
scripts/pack-downloads.sh "$dist"
[ -z "$failed" ] || fail not_built "$failed"
