#!/bin/bash
# Nothing is overwritten, nothing hidden, and a disk that does not come has a time limit.
# shellcheck source=/dev/null disable=SC2154
. "$(dirname "$0")/library.sh"

# refused WHAT WORDS: and the disk is as it was, byte for byte.
refused() {
    local before
    before=$(sha256sum <"$BACKING")
    converge
    expect "$1: status" "$status" 70
    expect_contains "$1" "$output" "$2"
    [[ $output != *"the role runs"* ]] || { echo "$1: went on" >&2; exit 1; }
    expect "$1: the disk" "$(sha256sum <"$BACKING")" "$before"
    ! mountpoint --quiet "$ROOT/var/lib/etcd" || { echo "$1: mounted" >&2; exit 1; }
}

make_disk 64
machine first
mkswap --quiet "$loop" 2>/dev/null || mkswap "$loop" >/dev/null
refused "a foreign signature" "holds something else (UUID="
expect_contains "it says which" "$output" "TYPE=swap"

wipefs --all --quiet "$loop"
echo 'label: gpt' | sfdisk --quiet "$loop"
refused "a partition table" "PTTYPE=gpt"

wipefs --all --quiet "$loop"
dd if=/dev/zero of="$loop" bs=1M count=64 status=none
echo "encrypted, say" | dd of="$loop" seek=5 status=none
refused "data without a signature" "has no file system and is not empty"

dd if=/dev/zero of="$loop" bs=1M count=64 status=none
mkdir -p "$ROOT/var/lib/etcd/member"
refused "data below the mount point" "/var/lib/etcd on the machine's own disk holds data (member), which the volume would hide"

machine second
mv "$DISKS/virtio-${VOLUME_ID:0:20}" "$DISKS/virtio-another"
refused "no such disk" "waited 2 s for the disk of the volume $VOLUME_ID"
expect_contains "it says which there are" "$output" "there are: virtio-another"

mv "$DISKS/virtio-another" "$DISKS/virtio-${VOLUME_ID:0:20}"
mkfs.ext4 -q "$loop" 2>/dev/null
# Without its root directory, and marked as damaged.
debugfs -w "$loop" >/dev/null 2>&1 <<'DEBUGFS'
clri <2>
ssv state 2
DEBUGFS
converge
expect "a file system beyond repair: status" "$status" 70
expect_contains "a file system beyond repair" "$output" "e2fsck does not repair $loop by itself"
