# shellcheck shell=bash
# What building needs: finds it, installs what is missing, or says the one command that does.
#
# Used from the repository's root, after messages.sh:
#   need COMMAND PACKAGE    notes that a command is needed and which Debian package has it
#   need_rust               notes that a compiler of the workspace's version is needed
#   need_node               notes that Node.js is needed; install_what_is_missing sees to its version
#   need_vulkan             notes that a GPU's driver is needed which runs on any processor
#   install_what_is_missing
#   find_wasm_compiler      puts the command of a cargo that can build for browsers into wasm_cargo
#   install_packages FOLDER what package-lock.json there asks for, into its node_modules

# rustup installs there, and a shell that was open before does not know it yet.
PATH="$PATH:$HOME/.cargo/bin"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$HOME/.cache/kipina/target}"

rust_version="$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)"
missing_packages=""
rust_is_missing=""
node_is_needed=""
# What the pages' tools ask for, and what is fetched where the system's is older.
node_minimum=20.19
node_major=22

need() { # COMMAND PACKAGE
  command -v "$1" >/dev/null 2>&1 || missing_packages="$missing_packages $2"
}

need_pip() {
  python3 -m pip --version >/dev/null 2>&1 || missing_packages="$missing_packages python3 python3-pip"
}

# Shaders are tested where no GPU is: llvmpipe is a driver that lets the processor play one.
need_vulkan() {
  local driver
  for driver in /usr/share/vulkan/icd.d/lvp_icd*.json; do
    [ -e "$driver" ] || missing_packages="$missing_packages mesa-vulkan-drivers"
  done
}

need_rust() { rust_is_there || rust_is_missing=yes; }

need_node() {
  node_is_needed=yes
  need node nodejs
  need npm npm
}

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
    rust_is_there || fail install_failed "Rust $rust_version"
  else
    install_rust_with_rustup
  fi
}

install_rust_with_rustup() {
  say installing "Rust (rustup)"
  curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs |
    sh -s -- -y --no-modify-path --profile minimal --component clippy,rustfmt >&2 || fail install_failed Rust
  PATH="$HOME/.cargo/bin:$PATH"
  rust_is_there || fail install_failed "Rust $rust_version"
}

install_what_is_missing() {
  install_from_system
  if [ -n "$node_is_needed" ]; then require_node_version; fi
}

install_from_system() {
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

# --- Node.js -----------------------------------------------------------------------------------------

node_is_new_enough() { is_at_least "$(node --version 2>/dev/null | tr -d v)" "$node_minimum"; }

# Debian's may be older than what the pages' tools run on; npm has the program itself as a package.
require_node_version() {
  local folder="$HOME/.cache/kipina/tools/node-$node_major" system processor
  if node_is_new_enough; then return; fi
  system="$(uname -s | tr '[:upper:]' '[:lower:]')"
  case "$(uname -m)" in
    x86_64 | amd64) processor=x64 ;;
    aarch64 | arm64) processor=arm64 ;;
    *) fail old_node "$(node --version)" "$node_minimum" ;;
  esac
  PATH="$folder/node_modules/node-$system-$processor/bin:$PATH"
  if node_is_new_enough; then return; fi
  say installing "Node.js $node_major"
  npm install --prefix "$folder" --no-fund --no-audit --silent "node-$system-$processor@$node_major" >&2 ||
    fail old_node "$(node --version)" "$node_minimum"
  hash -r
  node_is_new_enough || fail old_node "$(node --version)" "$node_minimum"
}

install_packages() { # FOLDER
  local lock="$1/package-lock.json" stamp="$1/node_modules/.package-lock.kipina"
  if cmp -s "$lock" "$stamp"; then return; fi
  npm --prefix "$1" ci --no-fund --no-audit --prefer-offline >&2
  cp "$lock" "$stamp"
}

# --- the compiler for browsers -----------------------------------------------------------------------

has_library_source() { # RUSTC
  [ -f "$("$1" --print sysroot 2>/dev/null)/lib/rustlib/src/rust/library/Cargo.lock" ]
}

# It needs the standard library's source: of rustup, where that can fetch it, else of Debian.
# shellcheck disable=SC2034 # used by those who call it
find_wasm_compiler() {
  wasm_cargo=(cargo)
  # Debian's compiler lies in /usr, and needs more than its library's source: see below.
  if [ "$(rustc --print sysroot)" != /usr ]; then
    if has_library_source rustc; then return; fi
    if command -v rustup >/dev/null 2>&1 && rustup component add rust-src >&2; then return; fi
  fi
  if ! /usr/bin/cargo --version >/dev/null 2>&1 || ! has_library_source /usr/bin/rustc || [ ! -x /usr/bin/wasm-ld-19 ]; then
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then fail no_wasm_compiler; fi
    apt-get update -qq >&2 || true
    apt_install rustc-web cargo-web rust-web-src lld-19
  fi
  # Debian's cargo would find rustup's compiler first, and Debian's compiler has no linker for wasm.
  wasm_cargo=(env RUSTC=/usr/bin/rustc RUSTDOC=/usr/bin/rustdoc
    CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=/usr/bin/wasm-ld-19 /usr/bin/cargo)
}
