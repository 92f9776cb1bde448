#!/bin/bash
# The disk is found by its serial number under each bus's name for it, and never by another's.
# shellcheck source=/dev/null disable=SC2154
. "$(dirname "$0")/library.sh"
make_disk 64
for name in "virtio-${VOLUME_ID:0:20}" "scsi-0QEMU_QEMU_HARDDISK_$VOLUME_ID" "scsi-SQEMU_QEMU_HARDDISK_$VOLUME_ID" \
    "ata-QEMU_HARDDISK_$VOLUME_ID"; do
    rm -f "$DISKS"/*
    ln -s "$loop" "$DISKS/$name"
    machine "${name%%-*}-${#name}"
    converge
    expect "$name" "$status" 0
    expect_contains "$name" "$output" "the volume $VOLUME_ID is $loop"
    stop_machine
done
