#!/bin/bash
# shellcheck disable=SC2154
# An API server goes aside and comes back, however often it is asked to.
set -Eeuo pipefail
# shellcheck source=/dev/null
. "$(dirname "$0")/prelude.sh"
cp "$SCRIPTS/common/lib.sh" "$folder/lib.sh"
cp "$SCRIPTS/kubernetes/api-server.sh" "$folder/api-server.sh"
# A port that nobody listens at, as where the process has ended.
printf 'ADDRESS=127.0.0.1\nAPI_PORT=1\n' >"$folder/settings.sh"
manifests=$ROOT/etc/kubernetes/manifests

api_server() { bash "$folder/api-server.sh" "$@"; }

expect "state before" "$(api_server state)" none
mkdir -p "$manifests"
echo manifest >"$manifests/kube-apiserver.yaml"
expect "state" "$(api_server state)" wanted
api_server stop >/dev/null
api_server stop >/dev/null
expect "state" "$(api_server state)" stopped
expect "what the kubelet reads" "$(ls "$manifests")" ""
api_server start >/dev/null
api_server start >/dev/null
expect "state" "$(api_server state)" wanted
expect "manifest" "$(cat "$manifests/kube-apiserver.yaml")" manifest
expect "aside" "$(ls "$ROOT/etc/kubernetes/aside")" ""

# One that still answers is waited for, killed after a while, and named when it does not end even so.
printf 'ADDRESS=127.0.0.1\nAPI_PORT=%s\n' "$((20000 + $$ % 10000))" >"$folder/settings.sh"
fake pkill <<'END'
echo "$*" >>"$ROOT/killed"
[ ! -e "$ROOT/listener" ] || kill "$(cat "$ROOT/listener")"
END
sed -i -e 's/retry_until 120/retry_until 1/' -e 's/PATIENCE=3/PATIENCE=0/' "$folder/api-server.sh"
socat "TCP-LISTEN:$((20000 + $$ % 10000)),fork,reuseaddr" /dev/null &
listener=$!
trap 'kill "$listener"' EXIT
for _ in $(seq 50); do
    if (: <"/dev/tcp/127.0.0.1/$((20000 + $$ % 10000))") 2>/dev/null; then break; fi
    sleep 0.1
done
outcome api_server stop
expect "status while it answers" "$status" 70
expect_contains "message" "$output" "waited 1 s for the API server to end"
expect_contains "what was killed" "$(cat "$ROOT/killed")" "--signal KILL --exact kube-apiserver"
echo "$listener" >"$ROOT/listener"
outcome api_server stop
expect "status after the kill" "$status" 0
trap - EXIT
