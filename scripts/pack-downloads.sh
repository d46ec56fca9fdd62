#!/usr/bin/env bash
# Makes a folder of binaries one that a hub can serve: lists their checksums, and signs the list.
#
#   scripts/pack-downloads.sh FOLDER
#
# KIPINA_RELEASE_KEY   the file with the private key (~/.config/kipina/release.key); made where there is none
#
# Writes SHA256SUMS, SHA256SUMS.sig (base64 of an ECDSA signature over P-256 and SHA-256) and kipina.pub beside the
# binaries. What nodes and scripts check is the list; the hub never sees the private key.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

# shellcheck source=scripts/lib/messages.sh
. "$here/lib/messages.sh"
# shellcheck source=scripts/lib/built.sh
. "$here/lib/built.sh"

release_name='^(kipina-node|kpn)-[0-9]+(\.[0-9]+)*-((linux|linux_gpu|macos)-(x86_64|arm64)|windows-(x86_64|arm64)\.exe)$'
source_name='^kipina-[0-9]+(\.[0-9]+)*-source\.tar\.gz$'

[ "$#" -eq 1 ] || fail usage_pack "$0"
[ -d "$1" ] || fail no_folder "$1"
command -v openssl >/dev/null 2>&1 || fail no_openssl
key="${KIPINA_RELEASE_KEY:-$HOME/.config/kipina/release.key}"
case "$key" in
  /*) ;;
  *) key="$PWD/$key" ;;
esac
cd "$1"

fresh="$(mktemp -d .pack.XXXXXX)" || fail cannot_write "$1"
new_key=""
trap 'rm -rf "$fresh"; if [ -n "$new_key" ]; then rm -f "$new_key"; fi' EXIT

# Made beside its place and linked to it: of two runs that make one at once, both use the same.
make_key() {
  local folder
  folder="$(dirname "$key")"
  mkdir -p "$folder" || fail cannot_write "$folder"
  new_key="$(mktemp "$folder/.release.XXXXXX")" || fail cannot_write "$folder"
  (umask 077 && openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$new_key") 2>/dev/null ||
    fail cannot_make_key "$key"
  chmod 600 "$new_key"
  if ln "$new_key" "$key" 2>/dev/null; then say made_key "$key"; fi
  rm -f "$new_key"
  new_key=""
}

# The names of what a hub may serve, sorted; anything else here is a mistake that would be served by nobody.
binaries() {
  local name
  for name in *; do
    case "$name" in
      SHA256SUMS | SHA256SUMS.sig | kipina.pub) continue ;;
    esac
    if [ -L "$name" ] || [ ! -f "$name" ] || ! { [[ $name =~ $release_name ]] || [[ $name =~ $source_name ]]; }; then
      fail not_a_release "$1/$name"
    fi
    printf '%s\n' "$name"
  done
}

# A folder without anything has a `*` of its own.
shopt -s nullglob
binaries "$1" >"$fresh/names" || exit 1
[ -s "$fresh/names" ] || fail nothing_to_pack "$1"
LC_ALL=C sort "$fresh/names" | while IFS= read -r name; do sha256_of "$name"; done >"$fresh/SHA256SUMS"

[ -e "$key" ] || make_key
openssl pkey -in "$key" -pubout -out "$fresh/kipina.pub" </dev/null 2>/dev/null || fail bad_key "$key"
openssl pkey -pubin -in "$fresh/kipina.pub" -noout -text 2>/dev/null | grep -q prime256v1 || fail bad_key "$key"
openssl dgst -sha256 -sign "$key" -out "$fresh/signature" "$fresh/SHA256SUMS" || fail bad_key "$key"
openssl base64 -A -in "$fresh/signature" -out "$fresh/SHA256SUMS.sig"
printf '\n' >>"$fresh/SHA256SUMS.sig"
openssl dgst -sha256 -verify "$fresh/kipina.pub" -signature "$fresh/signature" "$fresh/SHA256SUMS" >/dev/null ||
  fail bad_key "$key"

chmod 644 "$fresh/SHA256SUMS" "$fresh/SHA256SUMS.sig" "$fresh/kipina.pub"
mv -f "$fresh/kipina.pub" "$fresh/SHA256SUMS.sig" "$fresh/SHA256SUMS" .
say packed "$(wc -l <SHA256SUMS | tr -d ' ')" "$1" "$key"
