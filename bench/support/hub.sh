# shellcheck shell=bash
# What the measurements of the hub have in common. To be sourced after messages.sh and setup.sh:
#   build_programs    the hub, the node, and what measures them
#   open_many_files
#   today

build_programs() {
  need cc build-essential
  need_rust
  install_what_is_missing
  cargo_offline_if_possible
  cargo build --release --locked -p hub -p native-node -p hub-bench --bins
}

# Thousands of connections, on both sides.
open_many_files() {
  ulimit -n "$(ulimit -Hn)"
}

today() { date -u +%Y-%m-%d; }
