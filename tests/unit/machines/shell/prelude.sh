# shellcheck shell=bash disable=SC2034
# For the cases beside this file: the scripts of machines/ with every path below $ROOT, and a few words to check with.
# Expects SCRIPTS (machines/) and ROOT (an empty folder). Commands that a case puts into $FAKE_PATH come before all others.
folder=$ROOT/bundle
export FAKE_PATH=$ROOT/fake
# take_lock makes the last one.
mkdir -p "$folder" "$FAKE_PATH" "$ROOT/var/lib/openstack-paas/applied"

# fake NAME: the command NAME, from standard input.
fake() {
    { echo '#!/bin/bash'; cat; } >"$FAKE_PATH/$1"
    chmod 0755 "$FAKE_PATH/$1"
}

# The journal is not the tests' business.
fake logger </dev/null

# expect WHAT ACTUAL WANTED
expect() {
    if [ "$2" != "$3" ]; then
        echo "$1: got '$2', wanted '$3'" >&2
        exit 1
    fi
}

# expect_contains WHAT TEXT PART
expect_contains() {
    if [[ $2 != *"$3"* ]]; then
        echo "$1: '$3' is not in '$2'" >&2
        exit 1
    fi
}

# outcome COMMAND...: runs it in a shell of its own, whose output and status are left in `output` and `status`.
outcome() {
    status=0
    output=$("$@" 2>&1) || status=$?
}
