#!/usr/bin/env bash
# Rewrites the engine's golden files with llama.cpp, from the test models.
#
#   scripts/make-golden.sh                   all of them
#   scripts/make-golden.sh answers           token ids and greedy answers
#   scripts/make-golden.sh perplexity [ID…]  how likely each token of a text is; of all three models, or these
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
tools="$HOME/.cache/kipina/tools/golden"
golden="$here/../engine/tests/golden"

install_tools() {
  mkdir -p "$tools"
  cp "$here"/golden/* "$tools/"
  if ! cmp -s "$tools/package-lock.json" "$tools/node_modules/.installed-lock"; then
    # Not `npm ci`: it wants the binaries of every platform in the lock file, and no registry has them all.
    npm install --prefix "$tools" --no-save --ignore-scripts --no-fund --no-audit
    cp "$tools/package-lock.json" "$tools/node_modules/.installed-lock"
  fi
}

install_python_tools() {
  if cmp -s "$tools/requirements.txt" "$tools/python/.installed"; then return; fi
  python3 -m venv --clear "$tools/python"
  "$tools/python/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary=:all: \
    --requirement "$tools/requirements.txt"
  cp "$tools/requirements.txt" "$tools/python/.installed"
}

# The name of a model's golden files.
name_of() { printf '%s\n' "${1/:/-}"; } # ID

make_answers() { # ID
  local model
  model="$("$here/fetch-model.sh" "$1")"
  node "$tools/make-golden.mjs" "$model" "$golden/$(name_of "$1")"
}

# The weights in f32 are several times the file: they are here only while this runs.
make_perplexity() { # ID
  local model exact="$scratch/f32.gguf"
  model="$("$here/fetch-model.sh" "$1")"
  "$tools/python/bin/python" "$tools/dequantise.py" "$model" "$exact"
  node "$tools/perplexity.mjs" "$model" "$exact" "$golden/perplexity/text.txt" "$golden/perplexity/$(name_of "$1").json"
  rm "$exact"
}

part="${1:-all}"
if [ "$#" -gt 0 ]; then shift; fi
if [ "$#" -eq 0 ]; then set -- smollm2:135m qwen2.5-coder:0.5b qwen2.5-coder:1.5b; fi
case "$part" in
  all | answers | perplexity) ;;
  *)
    sed -n '2,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac

install_tools
if [ "$part" != perplexity ]; then
  make_answers qwen2.5-coder:0.5b
  make_answers smollm2:135m
fi
if [ "$part" != answers ]; then
  install_python_tools
  scratch="$(mktemp -d "$tools/scratch.XXXXXX")"
  trap 'rm -rf "$scratch"' EXIT
  for id in "$@"; do make_perplexity "$id"; done
fi
