#!/usr/bin/env bash
# Rewrites the engine's golden files with llama.cpp, from the two test models.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
tools="$HOME/.cache/kipina/tools/golden"
golden="$here/../engine/tests/golden"

mkdir -p "$tools"
cp "$here"/golden/* "$tools/"
if ! cmp -s "$tools/package-lock.json" "$tools/node_modules/.installed-lock"; then
  # Not `npm ci`: it wants the binaries of every platform in the lock file, and no registry has them all.
  npm install --prefix "$tools" --no-save --ignore-scripts --no-fund --no-audit
  cp "$tools/package-lock.json" "$tools/node_modules/.installed-lock"
fi

make_golden() { # MODEL_ID FOLDER
  local model
  model="$("$here/fetch-model.sh" "$1")"
  node "$tools/make-golden.mjs" "$model" "$golden/$2"
}

make_golden qwen2.5-coder:0.5b qwen2.5-coder-0.5b
make_golden smollm2:135m smollm2-135m
