#!/usr/bin/env bash
# Asks a running Kipinä the README's questions with curl. KIPINA_URL, KIPINA_MODEL.
set -euo pipefail

url="${KIPINA_URL:-http://127.0.0.1:3000}"
model="${KIPINA_MODEL:-qwen2.5-coder:0.5b}"
passed=0
failed=0

check() { # NAME COMMAND...
  local name="$1"
  shift
  if "$@"; then
    passed=$((passed + 1))
    printf 'ok      %s\n' "$name"
  else
    failed=$((failed + 1))
    printf 'FAILED  %s\n' "$name"
  fi
}

contains() { # TEXT PATTERN
  printf '%s\n' "$1" | grep -qE "$2" || {
    printf '%s\n  has no match for: %s\n' "$1" "$2"
    return 1
  }
}

ask() { # MODEL FIELDS
  curl --noproxy '*' -sSN --max-time 120 "$url/v1/chat/completions" -H 'content-type: application/json' \
    -d "{\"model\":\"$1\",$2,\"messages\":[{\"role\":\"user\",\"content\":\"Write fibonacci in Rust\"}]}"
}

# Milliseconds from the request to the first text of the answer.
time_to_first_text() {
  local start line
  start="$(date +%s%N)"
  ask "$model" '"stream":true,"max_tokens":4' | while IFS= read -r line; do
    case "$line" in
      *'"content":""'*) ;;
      *'"content":"'*)
        echo $((($(date +%s%N) - start) / 1000000))
        cat >/dev/null
        break
        ;;
    esac
  done
}

is_quick() {
  local took
  took="$(time_to_first_text)"
  printf '        first text after %s ms\n' "${took:-no}"
  [ -n "$took" ] && [ "$took" -lt 2000 ]
}

check 'the hub is well' curl --noproxy '*' -fsS -o /dev/null "$url/healthz"
check 'the model is listed' contains "$(curl --noproxy '*' -sS "$url/v1/models")" "\"$model\""
check 'the first text comes within 2 s' is_quick

stream="$(ask "$model" '"stream":true,"max_tokens":60,"temperature":0')"
check 'a stream begins with the role' contains "$(printf '%s\n' "$stream" | grep -m 1 '^data:')" '"role":"assistant"'
check 'a stream carries code' contains "$stream" '"content":".*(fn|rust|Rust)'
check 'a stream says why it ended' contains "$stream" '"finish_reason":"length"'
check 'a stream ends with [DONE]' contains "$(printf '%s\n' "$stream" | grep '^data:' | tail -n 1)" '^data: \[DONE\]'

plain="$(ask "$model" '"max_tokens":8')"
check 'a plain answer has text' contains "$plain" '"content":"[^"]'
check 'a plain answer counts its tokens' contains "$plain" '"completion_tokens":8'
check 'an unknown model is refused' contains "$(ask no-such-model '"max_tokens":8')" '"code":"model_not_found"'

printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
