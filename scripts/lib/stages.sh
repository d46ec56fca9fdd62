# shellcheck shell=bash
# What test.sh is made of: stages, what they printed, and the sum of it. To be sourced.
#
#   logs=FOLDER          where a stage's output lies while it runs
#   stage NAME COMMAND   runs it, to its first failure, and counts its tests
#   summarise            prints what came of all, and fails where a test did

summary="${logs:?}/summary"
passed=0
failed=0

# Runs one stage. Its tests are counted from what the runners print; a stage without such lines is one test, or
# none if it says that it was skipped.
stage() { # NAME COMMAND...
  local name="$1" log="$logs/stage" start="$SECONDS" status=0 good bad
  shift
  printf '\n=== %s\n' "$name"
  # In a shell of its own, and in no condition: within one, bash lets a function go on after a command that failed, and
  # only its last command would count.
  set +e
  (
    set -e
    "$@"
  ) 2>&1 | tee "$log"
  status="${PIPESTATUS[0]}"
  set -e
  read -r good bad < <(count_tests "$log")
  if [ "$((good + bad))" -eq 0 ] && [ "$status" -eq 0 ] && ! grep -qE "$skip_lines" "$log"; then good=1; fi
  if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
  passed=$((passed + good))
  failed=$((failed + bad))
  printf -- '--- %s: %s passed, %s failed, %s s\n' "$name" "$good" "$bad" "$((SECONDS - start))"
  {
    printf '%s (%s s)\n' "$name" "$((SECONDS - start))"
    grep -E "$summary_lines|$skip_lines" "$log" | grep -v ' 0 passed; 0 failed' | sed 's/^/    /' || true
    if [ "$bad" -gt 0 ]; then tell_failures "$log"; fi
  } >>"$summary"
}

# Which tests failed, and what Vitest says of each: whoever sees only the end of a long output needs no other.
failing_lines='^test .* \.\.\. FAILED$|^(FAIL|ERROR): |^ FAIL  |^FAILED [^(]|^not ok |^✖ '

tell_failures() { # LOG
  grep -E -A 2 --no-group-separator "$failing_lines" "$1" | head -60 | sed 's/^/    /' || true
}

# Rust's, Python's (unittest and pytest), Node's, Vitest's, and our own shell tests' last lines.
summary_lines='^test result: |^(=+ )?([0-9]+ [a-z]+, )*[0-9]+ [a-z]+ in [0-9.]+s|^Ran [0-9]+ tests? in|^(OK|FAILED)( \(.*\))?$|^(# |ℹ )(pass|fail) [0-9]+$|^ +Tests  .*[0-9]+ (passed|failed)|^[0-9]+ passed, [0-9]+ failed$'
skip_lines='^(skipped|ohitettu): '

count_tests() { # LOG
  grep -E "$summary_lines" "$1" | awk '
    /^test result:/ { sub(/^test result: [^.]*\. /, ""); good += $1; sub(/^[0-9]+ passed; /, ""); bad += $1 }
    /^Ran / { ran = $2 }
    /^OK/ { good += ran; ran = 0 }
    /^FAILED/ {
      wrong = 0
      while (match($0, /(failures|errors)=[0-9]+/)) {
        found = substr($0, RSTART, RLENGTH)
        sub(/.*=/, "", found)
        wrong += found
        $0 = substr($0, RSTART + RLENGTH)
      }
      bad += wrong; good += ran - wrong; ran = 0
    }
    /^(# |ℹ )pass / { good += $3 }
    /^(# |ℹ )fail / { bad += $3 }
    / in [0-9.]+s/ && !/^(test result|Ran)/ {
      for (i = 2; i <= NF; i++) {
        if ($i ~ /^passed/) good += $(i - 1)
        if ($i ~ /^(failed|errors?),?$/) bad += $(i - 1)
      }
      next
    }
    /^ +Tests  / {
      for (i = 2; i <= NF; i++) {
        if ($i == "passed") good += $(i - 1)
        if ($i == "failed") bad += $(i - 1)
      }
    }
    /^[0-9]+ passed, / { good += $1; bad += $3 }
    END { print good + 0, bad + 0 }'
}

summarise() {
  printf '\n=== Summary\n'
  cat "$summary"
  printf '\n%s passed, %s failed\n' "$passed" "$failed"
  [ "$failed" -eq 0 ]
}
