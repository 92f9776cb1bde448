#!/bin/bash
# install_file writes when content, mode or owner differ, keeps the old file when the check fails; blocks are replaced.
# shellcheck source=/dev/null disable=SC2317,SC2034,SC2154
. "$(dirname "$0")/prelude.sh"
. "$SCRIPTS/common/lib.sh"

owner=$(id -un):$(id -gn)
target=$ROOT/etc/sub/target
echo one >"$ROOT/source"
install_file -o "$owner" "$ROOT/source" "$target" >/dev/null
expect "first" "$file_changed $(cat "$target")" "true one"
install_file -o "$owner" "$ROOT/source" "$target" >/dev/null
expect "again" "$file_changed" false
install_file -o "$owner" -m 0600 "$ROOT/source" "$target" >/dev/null
expect "mode" "$file_changed $(stat -c %a "$target")" "true 600"

refuse() { echo "line 3 is wrong"; return 1; }
echo two >"$ROOT/source"
status=0
message=$(install_file -o "$owner" -c refuse "$ROOT/source" "$target" 2>&1) || status=$?
expect "status" "$status" 70
expect_contains "refusal" "$message" "would not be valid, the old one stays: line 3 is wrong"
expect "the old one stays" "$(cat "$target")" one
expect "nothing left behind" "$(ls -A "$ROOT/etc/sub")" target

printf '127.0.0.1 localhost\n' >"$ROOT/hosts"
chmod 0644 "$ROOT/hosts"
for line in "10.0.0.1 a" "10.0.0.2 b"; do
    echo "$line" >"$ROOT/block"
    replace_block "$ROOT/block" "$ROOT/hosts" >/dev/null
done
expect "block" "$(grep -c openstack-paas "$ROOT/hosts")" 2
expect "lines" "$(grep -v '^#' "$ROOT/hosts" | tr '\n' ';')" "127.0.0.1 localhost;10.0.0.2 b;"
: >"$ROOT/block"
replace_block "$ROOT/block" "$ROOT/hosts" >/dev/null
expect "no block" "$(cat "$ROOT/hosts")" "127.0.0.1 localhost"
