#!/usr/bin/env bash
# Joins this machine to a Kipinä hub as kipina-node does, and builds the program where the hub has none for it.
#
#   curl -fsSL https://kipina.studio/join.sh | bash     fetches the source where that is needed
#   ./join.sh [--build] [FLAGS…]                        in a checkout; --build: builds in any case
#
# KIPINA_HUB           another hub
# KIPINA_BUILD         `always`: as --build
# KIPINA_INSTALL_RUST  `yes`: installs a compiler without asking
# The rest is scripts/join/kipina-node.sh, and docs/JOIN.md describes both.

if [ -z "${BASH_VERSION:-}" ]; then
  echo "Tämä tarvitsee bashin: curl … | bash. This needs bash: curl … | bash." >&2
  exit 1
fi

# --- piped, outside of a checkout --------------------------------------------------------------------

# The hub's other script does the work; what it runs from source is signed like its programs.
run_from_hub() { # FLAGS...
  local hub="@KIPINA_HUB@" script
  case "$hub" in @*) hub="${KIPINA_HUB:-https://kipina.studio}" ;; esac
  case "$hub" in *://*) ;; *) hub="https://$hub" ;; esac
  hub="${hub%/}"
  if command -v curl >/dev/null 2>&1; then
    script="$(curl -fsSL "$hub/kipina-node" </dev/null)" || script=""
  elif command -v wget >/dev/null 2>&1; then
    script="$(wget -q -O - "$hub/kipina-node" </dev/null)" || script=""
  else
    tell 'curl puuttuu: asenna se ja aja tämä uudelleen.' 'curl is missing: install it and run this again.'
    exit 1
  fi
  # Its first line and its last, so that neither a page nor half a script is run.
  case "$script" in
    '#!/usr/bin/env bash'*'{ main "$@"; exit "$?"; }') ;;
    *)
      tell "Osoitteesta $hub ei saatu liittymisskriptiä: tarkista verkkoyhteys ja osoite (KIPINA_HUB)." \
        "$hub did not give the script that joins: check the network, and the address (KIPINA_HUB)."
      exit 1
      ;;
  esac
  export KIPINA_SOURCE=fetch
  exec "${BASH:-bash}" -c "$script" kipina-node "$@"
}

tell() { # FINNISH ENGLISH
  case "${LC_ALL:-${LC_MESSAGES:-${LANG:-}}}" in
    fi*) printf '%s\n' "$1" >&2 ;;
    *) printf '%s\n' "$2" >&2 ;;
  esac
}

# --- in a checkout -----------------------------------------------------------------------------------

run_from_checkout() { # FOLDER FLAGS...
  local folder="$1"
  shift
  if [ "${KIPINA_BUILD:-}" = always ]; then
    KIPINA_BINARY="$(cd "$folder" && build)" || exit 1
    export KIPINA_BINARY
    unset KIPINA_BUILD
  else
    export KIPINA_SOURCE="$folder"
  fi
  exec "${BASH:-bash}" "$folder/scripts/join/kipina-node.sh" "$@"
}

# Prints where the program lies.
build() {
  # shellcheck source=scripts/lib/messages.sh
  . scripts/lib/messages.sh
  # shellcheck source=scripts/lib/setup.sh
  . scripts/lib/setup.sh
  if [ "$(uname -s)" = Darwin ]; then need cc "cc (xcode-select --install)"; else need cc build-essential; fi
  need_rust
  if [ -n "$rust_is_missing" ]; then
    if ! may_install_rust; then fail no_rust "$rust_version"; fi
    # Without the right to install packages, rustup's compiler is the one that needs none.
    if [ -z "$missing_packages" ] && [ "$(id -u)" -ne 0 ]; then
      need_curl_for_rustup
      install_rust_with_rustup
      rust_is_missing=""
    fi
  fi
  install_what_is_missing
  say building_node
  cargo_offline_if_possible
  cargo build --release --locked -p native-node --bins </dev/null >&2 || fail build_failed
  printf '%s\n' "$CARGO_TARGET_DIR/release/kipina-node"
}

need_curl_for_rustup() {
  if ! command -v curl >/dev/null 2>&1; then fail no_curl; fi
}

may_install_rust() {
  local reply=""
  if [ "${KIPINA_INSTALL_RUST:-}" = yes ]; then return; fi
  if [ -n "${CI:-}" ] || ! { : </dev/tty; } 2>/dev/null; then return 1; fi
  printf '%s ' "$(message may_install_rust "$rust_version")" >/dev/tty
  IFS= read -r reply </dev/tty || return 1
  case "$reply" in
    '' | [yYkKjJ]*) ;;
    *) return 1 ;;
  esac
}

main() {
  set -euo pipefail
  local folder=""
  if [ -f "${BASH_SOURCE[0]:-}" ]; then folder="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)"; fi
  if [ "${1:-}" = --build ]; then
    export KIPINA_BUILD=always
    shift
  fi
  if [ -n "$folder" ] && [ -f "$folder/Cargo.toml" ] && [ -f "$folder/scripts/join/kipina-node.sh" ]; then
    run_from_checkout "$folder" "$@"
  else
    run_from_hub "$@"
  fi
}

{ main "$@"; exit "$?"; }
