#!/bin/bash
# Log lines name the step; a failure names step, script, line and command once, with status 70.
# shellcheck source=/dev/null disable=SC2317,SC2034,SC2154
. "$(dirname "$0")/prelude.sh"

body() {
    . "$SCRIPTS/common/lib.sh"
    say() { log "hello"; }
    break_down() {
        # In a subshell, as most are made.
        [ -f "$(temporary)" ] && [ -d "$(temporary --directory)" ]
        log "temporary: $(stat -c %a "$run_folder") $(find "$run_folder" | wc -l)"
        false
    }
    step "greeting" say
    step "breaking" break_down
    echo "not reached"
}
export -f body
export SCRIPTS folder
outcome bash -c body
expect "status" "$status" 70
expect_contains "log line" "$output" "s] greeting: hello"
expect_contains "end of a step" "$output" "greeting: done in 0."
expect_contains "failure" "$output" "FAILED at step 'breaking'"
expect_contains "failed command" "$output" "'false' ended with status 1"
expect_contains "temporary files, for its user alone" "$output" "breaking: temporary: 700 3"
expect "none is left" "$(ls -A "$ROOT/run")" ""
expect "one message" "$(grep -c FAILED <<<"$output")" 1
[[ $output != *"not reached"* ]] || { echo "went on after a failure" >&2; exit 1; }
