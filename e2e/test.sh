#!/usr/bin/env bash
# Tries the whole product: the built programs, the real models, a real browser.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# shellcheck source=scripts/lib/messages.sh
. scripts/lib/messages.sh
# shellcheck source=scripts/lib/setup.sh
. scripts/lib/setup.sh

need cc build-essential
need chromium chromium
need caddy caddy
need_rust
need_node
install_what_is_missing

cargo_offline_if_possible
cargo build --release --locked --quiet -p hub -p native-node --bins
for model in qwen2.5-coder:0.5b smollm2:135m; do scripts/fetch-model.sh "$model" >&2; done
STATIC_DIR="$(scripts/build-site.sh)"
WASM_TESTS="$(scripts/build-wasm-tests.sh)"
export STATIC_DIR WASM_TESTS

# The browser's part is shared with the pages' own tests.
install_packages frontend
install_packages e2e
npm --prefix e2e run lint
npm --prefix e2e run check
NO_COLOR=1 npm --prefix e2e test
