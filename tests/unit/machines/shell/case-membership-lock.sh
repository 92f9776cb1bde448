#!/bin/bash
# shellcheck disable=SC2034,SC2154,SC2317
# The lock for changes of the membership: held while the run lasts, asked for again where a member could not give it, and
# refused with etcd's own words otherwise.
set -Eeuo pipefail
# shellcheck source=/dev/null
. "$(dirname "$0")/prelude.sh"
cp "$SCRIPTS"/{common/lib,etcd/membership-changes}.sh "$folder"
PKI=$ROOT/pki LOCK_SECONDS=3
# shellcheck source=/dev/null
for part in lib membership-changes; do . "$folder/$part.sh"; done
other_endpoints() { echo https://192.0.2.1:2379; }

# Says each line of the file `answers` once, the first of them first; then it gives the lock, as etcdctl does.
fake etcdctl <<'END'
while [ "$1" != -- ]; do shift; done
echo asked >>"$ROOT/asked"
if [ -s "$ROOT/answers" ]; then
    sed -n 1p "$ROOT/answers" >&2
    sed -i 1d "$ROOT/answers"
    exit 1
fi
[ ! -e "$ROOT/warns" ] || echo '{"level":"warn","msg":"retrying of unary invoker failed"}' >&2
[ ! -e "$ROOT/busy" ] || exec sleep 60
shift 2
"$@"
END
export ROOT

# have ANSWER...: holds the lock and gives it back.
have() {
    printf '%s\n' "$@" >"$ROOT/answers"
    [ "$#" -gt 0 ] || : >"$ROOT/answers"
    : >"$ROOT/asked"
    hold_membership "$(other_endpoints)"
    [[ $lock_holder =~ ^[0-9]+$ ]]
    kill -0 "$lock_holder"
    release_membership
    ! kill -0 "$lock_holder" 2>/dev/null
}
asked() { wc -l <"$ROOT/asked"; }

have
expect "asked once" "$(asked)" 1
touch "$ROOT/warns"
have
expect "a warning before" "$(asked)" 1
rm "$ROOT/warns"
have "Error: etcdserver: rpc not supported for learner" "Error: etcdserver: leader changed"
expect "a learner, then an election" "$(asked)" 3

outcome have "Error: permission denied"
expect "another reason" "$status" 70
expect_contains "another reason" "$output" "openstack-paas/membership in etcd was not to be had within 0 s: Error: permission denied"
touch "$ROOT/busy"
outcome have
expect "others change the membership" "$status" 70
expect_contains "others change the membership" "$output" " s: another change of the membership is running"
