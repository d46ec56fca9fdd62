# shellcheck shell=bash
# What building needs: finds it, installs what is missing, or says the one command that does.
#
# Used from the repository's root, after messages.sh:
#   need COMMAND PACKAGE    notes that a command is needed and which Debian package has it
#   need_rust               notes that a compiler of the workspace's version is needed
#   install_what_is_missing

# rustup installs there, and a shell that was open before does not know it yet.
PATH="$PATH:$HOME/.cargo/bin"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$HOME/.cache/kipina/target}"

rust_version="$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)"
missing_packages=""
rust_is_missing=""

need() { # COMMAND PACKAGE
  command -v "$1" >/dev/null 2>&1 || missing_packages="$missing_packages $2"
}

need_pip() {
  python3 -m pip --version >/dev/null 2>&1 || missing_packages="$missing_packages python3 python3-pip"
}

need_rust() { rust_is_there || rust_is_missing=yes; }

is_at_least() { # VERSION MINIMUM
  awk -v version="$1" -v minimum="$2" 'BEGIN {
    split(version, have, "."); split(minimum, need, ".")
    exit !(have[1] + 0 > need[1] + 0 || (have[1] + 0 == need[1] + 0 && have[2] + 0 >= need[2] + 0))
  }'
}

rust_is_there() {
  command -v cargo >/dev/null 2>&1 &&
    is_at_least "$(rustc --version 2>/dev/null | awk '{ print $2 }')" "$rust_version"
}

apt_install() { # PACKAGES...
  say installing "$*"
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" </dev/null >&2 ||
    fail install_failed "$*"
}

apt_version() { # PACKAGE: the version that apt would install
  apt-cache policy "$1" 2>/dev/null | awk '/Candidate:/ { print $2 }'
}

install_rust() {
  if is_at_least "$(apt_version cargo-web)" "$rust_version"; then
    apt_install rustc-web cargo-web
    PATH="/usr/bin:$PATH"
  else
    say installing "Rust (rustup)"
    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs |
      sh -s -- -y --no-modify-path --profile minimal --component clippy,rustfmt >&2 || fail install_failed Rust
    PATH="$HOME/.cargo/bin:$PATH"
  fi
  rust_is_there || fail install_failed "Rust $rust_version"
}

install_what_is_missing() {
  local missing command=""
  if [ -z "$missing_packages$rust_is_missing" ]; then return; fi
  if [ -n "$rust_is_missing" ]; then need curl "curl ca-certificates"; fi
  missing="$missing_packages${rust_is_missing:+ Rust $rust_version}"
  missing="${missing# }"

  if ! command -v apt-get >/dev/null 2>&1; then
    fail no_apt "$missing"
  fi
  if [ "$(id -u)" -ne 0 ]; then
    if [ -n "$missing_packages" ]; then command="sudo apt-get install -y$missing_packages"; fi
    if [ -n "$rust_is_missing" ]; then
      command="${command:+$command && }curl -sSf https://sh.rustup.rs | sh -s -- -y"
    fi
    say run_this "$missing"
    printf '  %s\n' "$command" >&2
    exit 1
  fi
  apt-get update -qq >&2 || true
  # shellcheck disable=SC2086 # a list of packages
  if [ -n "$missing_packages" ]; then apt_install $missing_packages; fi
  if [ -n "$rust_is_missing" ]; then install_rust; fi
}

# Builds without the network when the registry's crates are already here.
cargo_offline_if_possible() {
  if cargo fetch --locked --offline >/dev/null 2>&1; then export CARGO_NET_OFFLINE=true; fi
}
