#!/usr/bin/env bash
# Sets everything up and runs Kipinä here: one hub with its pages, and one node with the built-in engine.
#
# PORT           the hub's port (3000)
# KIPINA_MODEL   which model of models.toml answers (qwen2.5-coder:0.5b)
# MODELS_DIR     where models are kept (~/.cache/kipina/models)
# MODELS_TOML    another catalogue of models, for fetching them
# STATIC_DIR     pages that are built already
# DOWNLOADS_DIR  programs for machines that join (~/.local/share/kipina/downloads, else the one that was built here)
# The hub's other settings (kipina-hub --help) are passed on.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# shellcheck source=scripts/lib/messages.sh
. scripts/lib/messages.sh
# shellcheck source=scripts/lib/setup.sh
. scripts/lib/setup.sh

export PORT="${PORT:-3000}"
export MODELS_DIR="${MODELS_DIR:-$HOME/.cache/kipina/models}"
model="${KIPINA_MODEL:-qwen2.5-coder:0.5b}"
logs="$HOME/.cache/kipina/log"
hub_log="$logs/hub-$PORT.log"
node_log="$logs/node-$PORT.log"
seconds_to_get_ready=120

# --- what this script started, and how it ends -------------------------------------------------------

step="" hub="" node="" started=""

# Starts a process group of its own: Ctrl+C reaches this script alone, which ends the others in good order.
start() { # COMMAND...
  set -m
  "$@" </dev/null &
  started=$!
  set +m
}

is_running() { [ -n "$1" ] && kill -0 "$1" 2>/dev/null; }

# shellcheck disable=SC2317 # called by the trap
stop_everything() {
  local process
  trap '' EXIT
  # A second Ctrl+C does not wait for answers that are under way.
  trap 'kill_everything' INT TERM HUP
  for process in "$step" "$node" "$hub"; do
    if is_running "$process"; then kill -TERM -- "-$process" 2>/dev/null || true; fi
  done
  for process in "$step" "$node" "$hub"; do
    while is_running "$process"; do wait "$process" 2>/dev/null || true; done
  done
}

# shellcheck disable=SC2317 # called by the trap
kill_everything() {
  local process
  for process in "$step" "$node" "$hub"; do
    if is_running "$process"; then kill -KILL -- "-$process" 2>/dev/null || true; fi
  done
}

trap stop_everything EXIT
trap 'say stopping; exit 130' INT
trap 'say stopping; exit 143' TERM HUP

# Waits in a way that lets a signal in at once.
run_step() { # COMMAND...
  local status=0
  start "$@"
  step="$started"
  wait "$step" || status=$?
  step=""
  return "$status"
}

# Ends this script with the code of a process that has died.
report_death() { # NAME PROCESS LOG
  local code=0
  wait "$2" 2>/dev/null || code=$?
  say died "$1" "$code" "$3"
  tail -n 15 "$3" >&2
  if [ "$code" -eq 0 ]; then code=1; fi
  exit "$code"
}

exit_if_one_died() {
  is_running "$hub" || report_death kipina-hub "$hub" "$hub_log"
  is_running "$node" || report_death kipina-node "$node" "$node_log"
}

# --- the run -----------------------------------------------------------------------------------------

case "$PORT" in
  '' | *[!0-9]* | 0* | ??????*) fail wrong_port "$PORT" ;;
esac
[ "$PORT" -le 65535 ] || fail wrong_port "$PORT"
if (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; then fail port_in_use "$PORT" "$((PORT % 65535 + 1))"; fi

entry="$(awk -v wanted="$model" -f scripts/lib/catalogue.awk "${MODELS_TOML:-models.toml}")"
if [ -z "$entry" ]; then exec scripts/fetch-model.sh "$model"; fi # says which models there are
model_id="$(printf '%s\n' "$entry" | sed -n 's/^id|//p')"
model_file="$MODELS_DIR/$(printf '%s\n' "$entry" | sed -n 's/^file|//p')"

need cc build-essential
need curl "curl ca-certificates"
need openssl openssl
# Models come from mirrors where Hugging Face cannot be reached; those need pip.
if [ "$(id -u)" -eq 0 ] && [ ! -f "$model_file" ]; then need_pip; fi
need_rust
[ -n "${STATIC_DIR:-}" ] || need_node
install_what_is_missing
mkdir -p "$logs"

say building
cargo_offline_if_possible
run_step cargo build --release --locked -p hub -p native-node --bins || fail build_failed
if [ -z "${STATIC_DIR:-}" ]; then
  run_step scripts/build-site.sh >"$logs/site-$PORT" || fail build_failed
  STATIC_DIR="$(cat "$logs/site-$PORT")"
fi
export STATIC_DIR
run_step scripts/fetch-model.sh "$model_id" >/dev/null || exit 1
# Where no release lies ready, machines that join get what was built here.
if [ -z "${DOWNLOADS_DIR:-}" ] && [ ! -d "$HOME/.local/share/kipina/downloads" ]; then
  export DOWNLOADS_DIR="$HOME/.cache/kipina/downloads"
  run_step scripts/offer-own-program.sh "$DOWNLOADS_DIR" 2>"$logs/downloads-$PORT.log" ||
    say nothing_offered "$logs/downloads-$PORT.log"
fi

case "${BIND:-}" in
  '' | 0.0.0.0 | ::) address="127.0.0.1:$PORT" ;;
  *:*) address="[$BIND]:$PORT" ;;
  *) address="$BIND:$PORT" ;;
esac
say starting "$hub_log" "$node_log"
start "$CARGO_TARGET_DIR/release/kipina-hub" >"$hub_log" 2>&1
hub="$started"
export HUB_URL="ws://$address/ws"
start "$CARGO_TARGET_DIR/release/kipina-node" --engine --model "$model_id" >"$node_log" 2>&1
node="$started"

has_model() {
  curl --noproxy '*' -fsS --max-time 5 "http://$address/v1/models" 2>/dev/null | grep -qF "\"$model_id\""
}

answers_a_prompt() {
  curl --noproxy '*' -fsS --max-time 60 "http://$address/v1/chat/completions" -H 'content-type: application/json' \
    -d "{\"model\":\"$model_id\",\"max_tokens\":1,\"messages\":[{\"role\":\"user\",\"content\":\"Hei\"}]}" \
    >/dev/null 2>&1
}

deadline=$((SECONDS + seconds_to_get_ready))
until has_model && answers_a_prompt; do
  exit_if_one_died
  [ "$SECONDS" -lt "$deadline" ] || fail not_ready "$model_id" "$seconds_to_get_ready" "$hub_log" "$node_log"
  sleep 0.1
done
message ready "http://$address"

while true; do
  exit_if_one_died
  sleep 0.5 &
  wait $! || true
done
