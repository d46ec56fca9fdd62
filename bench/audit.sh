#!/usr/bin/env bash
# Measures how well audits tell honest nodes from frauds, and appends the result to RESULTS.md: scheduler/src/audit/
# thresholds.rs is made from it.
#
# Honest: the native engine, the engine in a tab of Chromium, llama.cpp. Frauds: a smaller model in disguise, the same
# weights in two kinds of quantisation lower, half of the prompt left out, canned text. All are judged by kipina-node, and
# all but llama.cpp twice: as one that tells its tokens, and draws them with the hub's seed, and by its text alone.
# PROMPTS (60 for each model), SAMPLINGS ("greedy nucleus open"), KIPINA_MODELS ("smollm2:135m qwen2.5-coder:0.5b", the smaller first), THREADS (2),
# QUANTISATIONS (Q3_K_M Q2_K), PROFILE (release; dev is built sooner). FOLDER keeps what was answered and judged: what is there is not done again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# shellcheck source=scripts/lib/messages.sh
. scripts/lib/messages.sh
# shellcheck source=scripts/lib/setup.sh
. scripts/lib/setup.sh
# shellcheck source=bench/support/tools.sh
. bench/support/tools.sh

need cc build-essential
need chromium chromium
need python3 python3
need_rust
need_node
install_what_is_missing

read -r -a models <<<"${KIPINA_MODELS:-smollm2:135m qwen2.5-coder:0.5b}"
prompts="${PROMPTS:-60}"
threads="${THREADS:-2}"
quantisations="${QUANTISATIONS-Q3_K_M Q2_K}"
profile="${PROFILE:-release}"
export SAMPLINGS="${SAMPLINGS:-greedy nucleus open}"
folder="${FOLDER:-$HOME/.cache/kipina/audits}"
mkdir -p "$folder/answers" "$folder/margins"

install_peer native
cp bench/audit/llama.mjs "$peer/"
cargo_offline_if_possible
cargo build --profile "$profile" --locked -p native-node --bins --example ask_node
built="$CARGO_TARGET_DIR/${profile/dev/debug}"
wasm="${WASM:-$(scripts/build-wasm.sh)}"
# Node.js has had WebSocket for longer than it has had it switched on.
NODE_OPTIONS="$(node --experimental-websocket -e '' 2>/dev/null && echo --experimental-websocket)"
export NODE_OPTIONS

joined=""
trap '[ -z "$joined" ] || kill "$joined" 2>/dev/null || true' EXIT

# Puts what a node makes of FROM into TO; the command that starts the node gets the hub's address in HUB_URL.
ask() { # FROM TO COMMAND...
  local from="$1" to="$2" address asking
  shift 2
  [ -s "$to" ] && return
  printf '%s\n' "$to" >&2
  address="$(mktemp)"
  "$built/examples/ask_node" "$address" <"$from" >"$to.part" &
  asking=$!
  until [ -s "$address" ]; do
    kill -0 "$asking" 2>/dev/null || fail measuring_failed "$1"
    sleep 0.1
  done
  HUB_URL="$(cat "$address")" "$@" >>"$folder/nodes.log" 2>&1 </dev/null &
  joined=$!
  wait "$asking" || fail measuring_failed "$1"
  kill "$joined" 2>/dev/null || true
  wait "$joined" 2>/dev/null || true
  joined=""
  rm -f "$address"
  mv "$to.part" "$to"
}

engine() { # MODEL_ID
  exec "$built/kipina-node" --engine --model "$1" --threads "$threads"
}

tab() { # MODEL_ID FILE
  exec node bench/audit/tab.mjs "$wasm" "$2" "$1" "$threads" "$HUB_URL"
}

llama() { # FILE FROM TO
  [ -s "$3" ] && return
  printf '%s\n' "$3" >&2
  node "$peer/llama.mjs" "$1" "$threads" <"$2" >"$3.part" || fail measuring_failed llama.cpp
  mv "$3.part" "$3"
}

requantised() { # FILE TYPE: prints where the model is
  local to libraries
  to="$folder/$(basename "$1" .gguf).$2.gguf"
  if [ ! -s "$to" ]; then
    libraries="$(node -p 'process.platform + "-" + process.arch')"
    libraries="$peer/node_modules/@node-llama-cpp/$libraries/bins/$libraries"
    LD_LIBRARY_PATH="$libraries" python3 bench/audit/quantise.py "$libraries" "$1" "$to.part" "$2" >>"$folder/nodes.log" 2>&1 ||
      fail measuring_failed quantise.py
    mv "$to.part" "$to"
  fi
  printf '%s\n' "$to"
}

judge() { # MODEL CLAIM NAME EDIT
  local edited
  edited="$(mktemp)"
  sed -E "$4" "$2" >"$edited"
  ask "$edited" "$folder/margins/$3.jsonl" engine "$1"
  rm -f "$edited"
}
told='s/"type":"audit_prompt",/&"seeded":true,/'
# What is drawn from everything can't be judged so.
untold='s/"answer_token_ids":\[[0-9,]*\],?//; /"open-/d'

smaller=""
for model in "${models[@]}"; do
  file="$(scripts/fetch-model.sh "$model")"
  answers="$folder/answers/$model"
  # From pieces of this repository, which may have changed since.
  if [ ! -s "$answers.prompts" ]; then
    node bench/audit/prompts.mjs "$model" "$prompts" >"$answers.prompts"
    node bench/audit/prompts.mjs "$model" "$prompts" cut >"$answers.cut-prompts"
  fi

  ask "$answers.prompts" "$answers+honest+engine" engine "$model"
  ask "$answers.cut-prompts" "$answers.cut" engine "$model"
  ask "$answers.prompts" "$answers+honest+tab" tab "$model" "$file"
  # No other program's draws can be known.
  sed '/"open-/d' "$answers.prompts" >"$answers.others-prompts"
  llama "$file" "$answers.others-prompts" "$answers+honest+llama.cpp"
  node bench/audit/claim.mjs "$answers.prompts" "$answers.cut" >"$answers+fraud+half of the prompt"
  node bench/audit/claim.mjs "$answers.prompts" canned >"$answers+fraud+canned text"
  for type in $quantisations; do
    # The engine reads no such types, so it gets these very weights in one that it reads.
    ask "$answers.prompts" "$answers+fraud+$type" tab "$model" "$(requantised "$(requantised "$file" "$type")" Q8_0)"
  done
  if [ -n "$smaller" ]; then
    node bench/audit/claim.mjs "$answers.prompts" "$folder/answers/$smaller+honest+engine" >"$answers+fraud+$smaller"
  fi
  smaller="$model"

  for claim in "$answers"+*+*; do
    case "$claim" in *.part) continue ;; esac
    name="$(basename "$claim")"
    judge "$model" "$claim" "$name, untold" "$untold"
    case "$claim" in *+llama.cpp) ;; *) judge "$model" "$claim" "$name" "$told" ;; esac
  done
done
node bench/audit/report.mjs "$folder/margins" bench/RESULTS.md
