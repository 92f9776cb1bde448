#!/bin/bash
# First use, again, after the machine was replaced, and after the volume has grown.
# shellcheck source=/dev/null disable=SC2154
. "$(dirname "$0")/library.sh"
make_disk 1024
machine first
converge
expect "first use" "$status" 0
expect_contains "first use" "$output" "made a file system on $loop, which was empty"
expect_contains "the role goes on" "$output" "the role runs"
expect "its temporary files are gone" "$(ls -A "$ROOT/run")" ""
expect "mounted" "$(findmnt --noheadings --output FSTYPE,SOURCE "$ROOT/var/lib/etcd" | tr -s ' ')" "ext4 $loop"
expect_contains "by its UUID" "$(cat "$ROOT/etc/systemd/system/var-lib-etcd.mount")" \
    "What=/dev/disk/by-uuid/$(blkid --match-tag UUID --output value "$loop")"
expect_contains "never without it" "$(cat "$ROOT/etc/systemd/system/etcd.service.d/50-openstack-paas-volume.conf")" \
    "RequiresMountsFor=/var/lib/etcd"
mkdir "$ROOT/var/lib/etcd/member"
echo precious >"$ROOT/var/lib/etcd/member/wal"

converge
expect "second run" "$status" 0
expect_contains "second run" "$output" "mounted already"
[[ $output != *"made a file system"* ]] || exit 1
stop_machine

machine second
converge
expect "machine replaced" "$status" 0
expect "its data" "$(cat "$ROOT/var/lib/etcd/member/wal")" precious
[[ $output != *"made a file system"* ]] || exit 1

truncate -s 2048M "$BACKING"
losetup --set-capacity "$loop"
machine second 2
capabilities=$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)
if (((16#$capabilities >> 24) & 1)); then
    before=$(stat --file-system --format %b "$ROOT/var/lib/etcd")
    converge
    expect_contains "grown" "$output" "the file system has grown to 2048 MiB"
    (($(stat --file-system --format %b "$ROOT/var/lib/etcd") > before * 3 / 2)) || exit 1
else
    # A container without CAP_SYS_RESOURCE (bit 24) may not resize what is mounted: that it is tried has to do.
    fake resize2fs <<'FAKE'
echo "resize2fs $*" >>"$ROOT/calls"
FAKE
    converge
    expect "grown" "$(grep -c "resize2fs $loop" "$ROOT/calls")" 1
fi
expect "grown: status" "$status" 0
expect "its data, after that" "$(cat "$ROOT/var/lib/etcd/member/wal")" precious

machine second 3
converge
expect "a disk that the machine does not see grow is not a failure" "$status" 0
expect_contains "but is reported" "$output" "has 3 GiB and this machine sees 2048 MiB"
