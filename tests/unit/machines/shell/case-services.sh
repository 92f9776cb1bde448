#!/bin/bash
# apply_service starts what does not run, leaves alone what runs with the same files, and makes good what an interrupted
# run left: files in place, service not reloaded.
# shellcheck source=/dev/null disable=SC2317,SC2034,SC2154
. "$(dirname "$0")/prelude.sh"
. "$SCRIPTS/common/lib.sh"
. "$SCRIPTS/common/services.sh"

fake systemctl <<'FAKE'
case "$*" in
    *NeedDaemonReload*) echo no ;;
    *ActiveState*) cat "$ROOT/state" ;;
    *MainPID*) cat "$ROOT/process" ;;
    is-active*) [ "$(cat "$ROOT/state")" = active ] ;;
    is-enabled*) [ -e "$ROOT/enabled" ] ;;
    *) echo "$*" >>"$ROOT/calls" ;;
esac
FAKE
export ROOT
calls() { [ ! -e "$ROOT/calls" ] || tr "\n" ";" <"$ROOT/calls"; rm -f "$ROOT/calls"; }

echo inactive >"$ROOT/state"
echo 0 >"$ROOT/process"
echo one >"$ROOT/conf"
apply_service some.service reload "$ROOT/conf" >/dev/null
expect "start" "$(calls)" "--quiet enable some.service;reset-failed some.service;start some.service;"
echo active >"$ROOT/state"
: >"$ROOT/enabled"
apply_service some.service reload "$ROOT/conf" >/dev/null
expect "nothing to do" "$(calls)" ""
echo two >"$ROOT/conf"
apply_service some.service reload "$ROOT/conf" >/dev/null
expect "reload" "$(calls)" "reload-or-restart some.service;"
echo three >"$ROOT/conf"
# The run ended here; the next one finds the file as it must be.
apply_service --no-block some.service restart "$ROOT/conf" >/dev/null
expect "restart" "$(calls)" "--no-block restart some.service;"

# A package brought another program: what runs is the old one, and a reload would not change that.
cp "$(command -v sleep)" "$ROOT/daemon"
"$ROOT/daemon" 60 &
echo "$!" >"$ROOT/process"
trap 'kill "$(cat "$ROOT/process")"' EXIT
apply_service some.service reload "$ROOT/conf" >/dev/null
expect "the same program" "$(calls)" ""
! is_outdated some.service "$ROOT/conf" || expect "the same program" outdated "up to date"
cp "$ROOT/daemon" "$ROOT/new"
mv "$ROOT/new" "$ROOT/daemon"
is_outdated some.service "$ROOT/conf" || expect "another program" "up to date" outdated
apply_service some.service reload "$ROOT/conf" >/dev/null
expect "another program" "$(calls)" "restart some.service;"
