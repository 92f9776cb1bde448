#!/bin/bash
# retry_until ends with the first success, and else within its limit, naming what it waited for and what it saw.
# shellcheck source=/dev/null disable=SC2317,SC2034,SC2154
. "$(dirname "$0")/prelude.sh"

succeeds_third() {
    . "$SCRIPTS/common/lib.sh"
    probe() {
        echo x >>"$ROOT/tries"
        [ "$(wc -l <"$ROOT/tries")" -ge 3 ]
    }
    retry_until 20 "the third try" probe
}
never() {
    . "$SCRIPTS/common/lib.sh"
    current_step=waiting
    probe() { echo "connection refused"; return 1; }
    retry_until 1 "a door to open" probe
}
export -f succeeds_third never
export SCRIPTS ROOT folder
outcome bash -c succeeds_third
expect "status" "$status" 0
expect "tries" "$(wc -l <"$ROOT/tries")" 3
begin=$SECONDS
outcome bash -c never
expect "status" "$status" 70
expect_contains "message" "$output" "FAILED at step 'waiting'"
expect_contains "message" "$output" "waited 1 s for a door to open; last seen: connection refused"
((SECONDS - begin < 8)) || { echo "took $((SECONDS - begin)) s for a limit of 1 s" >&2; exit 1; }
