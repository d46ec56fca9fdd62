#!/usr/bin/env bash
# Asks a hub everything that its OpenAPI document allows, and much that it forbids: scripts/test-api.sh [EXAMPLES]
#
# schemathesis makes the requests, so many for each operation and phase (10 where nothing is said), from a seed that it
# prints. The hub is a fresh one with a node that repeats what it is told. Packages lie below ~/.cache/kipina/tools.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# shellcheck source=scripts/lib/messages.sh
. scripts/lib/messages.sh
# shellcheck source=scripts/lib/setup.sh
. scripts/lib/setup.sh

examples="${1:-10}"
schemathesis=4.32.5
model=qwen2.5-coder:0.5b

need_rust
need_pip
python3 -c 'import ensurepip' 2>/dev/null || missing_packages="$missing_packages python3-venv"
install_what_is_missing
tools="$HOME/.cache/kipina/tools/schemathesis-$schemathesis"
if [ ! -e "$tools/.complete" ]; then
  rm -rf "$tools"
  python3 -m venv "$tools"
  "$tools/bin/pip" install --quiet --disable-pip-version-check --only-binary=:all: "schemathesis==$schemathesis" >&2 ||
    fail no_tool schemathesis "$schemathesis"
  touch "$tools/.complete"
fi

scratch="$(mktemp -d)"
hub=""
node=""
clean_up() {
  if [ -n "$node" ]; then kill "$node" 2>/dev/null || true; fi
  if [ -n "$hub" ]; then
    kill "$hub" 2>/dev/null || true
    wait "$hub" 2>/dev/null || true
  fi
  rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

wait_for() { # COMMAND…
  local tries
  for tries in $(seq 1 300); do
    if "$@" >/dev/null 2>&1; then return; fi
    kill -0 "$hub" 2>/dev/null || break
    sleep 0.1
  done
  cat "$scratch"/{hub,log,node} >&2 2>/dev/null || true
  fail api_not_ready "$*" "$((tries / 10))"
}

has_address() { grep -q 'http://' "$scratch/hub"; }
has_model() { curl --noproxy '*' -fsS "$url/v1/models/$model"; }

cargo build --locked --quiet -p hub --bin kipina-hub --example echo_node
env -u ADMIN_PASSWORD -u NODE_API_KEY PORT=0 BIND=127.0.0.1 DATABASE_PATH="$scratch/hub.sqlite" LC_ALL=en_GB.UTF-8 CONNECTIONS_PER_ADDRESS=1000000 \
  MODELS_DIR="$scratch" DOWNLOADS_DIR="$scratch" RUST_LOG=warn \
  "$CARGO_TARGET_DIR/debug/kipina-hub" >"$scratch/hub" 2>"$scratch/log" &
hub=$!
wait_for has_address
url="$(grep -o 'http://[0-9.:]*' "$scratch/hub")"
"$CARGO_TARGET_DIR/debug/examples/echo_node" "${url/http/ws}/ws" "$model" >"$scratch/node" 2>&1 &
node=$!
wait_for has_model

# Names that exist get further than random ones, and short answers leave time for more questions.
curl --noproxy '*' -fsS "$url/api/openapi.json" | python3 -c '
import json, sys
document = json.load(sys.stdin)
fields = document["components"]["schemas"]["ChatCompletionRequest"]["properties"]
fields["model"] = {"enum": [sys.argv[1], "qwen-coder", "nobody"]}
# The one node is native and has no key: nobody else is there to answer.
options = document["components"]["schemas"]["KipinaOptions"]["properties"]
options["nodes"]["enum"] = ["any", "native", None]
del options["ensemble"]
# No schema can say that a key ends in the future, and how many bytes a name has.
for name in ["NewKey", "KeyPatch"]:
    for field in ["expires_at", "models"]:
        del document["components"]["schemas"][name]["properties"][field]
document["paths"].pop("/api/stats/live")  # never ends
document["paths"].pop("/api/admin/log")  # nor does this
# A hub that asks for keys would answer nothing else.
del document["components"]["schemas"]["SettingPatch"]["properties"]["access"]
document["paths"].pop("/ws")  # is no HTTP
# The node is found in lists, and without it nobody would answer.
for decision in ["ban", "drain"]:
    document["paths"].pop("/api/admin/nodes/{id}/" + decision)
json.dump(document, sys.stdout)
' "$model" >"$scratch/openapi.json"

# It remembers failures in the folder that it runs in. A key that was revoked is there to be looked at (use_after_free).
cd "$scratch"
NO_PROXY='*' "$tools/bin/schemathesis" run openapi.json --url "$url" --max-examples "$examples" \
  --checks all --exclude-checks use_after_free --suppress-health-check all --request-timeout 60 \
  --no-color --warnings off
if ! kill -0 "$hub" 2>/dev/null; then
  cat "$scratch/log" >&2
  exit 1
fi
if grep -i panicked "$scratch/log" >&2; then exit 1; fi
