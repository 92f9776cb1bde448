"""A volume: found by its serial number, nothing on it overwritten, nothing hidden by it, and every failure is one.

blkid, mkfs.ext4 and e2fsck are the real ones, on an image in the place of a disk; what mounts is a fake. A disk of the
kernel's and real mounts are in test_volume_mounts.py.
"""

import hashlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent.machine import Failed
from agent.programs import TIMED_OUT, Ended
from agent.system import volume as volumes
from agent.system.volume import Volume
from tests.unit.agent.fake_machine import FakeMachine, FakeSystemd

ID = "0b4f7ad8-5c1e-4a8e-9d3c-2f1a6b7c8d9e"
UNIT = "var-lib-etcd.mount"
VOLUME = Volume(
    id=ID,
    gib=0,
    path="/var/lib/etcd",
    service="etcd.service",
    mount_unit="[Mount]\nWhat=/dev/disk/by-uuid/@UUID@\n",
    service_drop_in="[Unit]\nRequiresMountsFor=/var/lib/etcd\n",
)
MIB = 1 << 20


class VolumeMachine(FakeMachine):
    """A machine with a volume of 16 MiB, which is blank."""

    def __init__(self, root: Path, disk: Path) -> None:
        super().__init__(root)
        self.disk = disk
        self.real("blkid", "mkfs.ext4", "e2fsck", "systemd-escape")
        self.answer("udevadm")
        self.answer("resize2fs")
        self.systemd = FakeSystemd(self)
        self.systemd.actions[f"start {UNIT}"] = self.mount
        self.name_disk(f"virtio-{ID[:20]}")
        self.mounts()

    def name_disk(self, name: str, disk: Path | None = None) -> None:
        link = self.path("/dev/disk/by-id") / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(disk or self.disk)

    def mounts(self, *lines: str) -> None:
        self.write(
            "/proc/self/mountinfo", "".join(f"{line}\n" for line in ("22 1 8:1 / / rw - ext4 /dev/sda1 rw", *lines))
        )

    def mount(self, device: str = "0:0", name: str = "/dev/vdb") -> None:
        # An image's number as a device is 0.
        self.mounts(f"40 22 {device} / {self.path(VOLUME.path)} rw,noatime shared:1 - ext4 {name} rw")


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(Path, "is_block_device", Path.is_file)
    disk = tmp_path / "disk"
    with disk.open("wb") as file:
        file.truncate(16 * MIB)
    return disk


@pytest.fixture
def machine(tmp_path: Path, disk: Path) -> VolumeMachine:
    return VolumeMachine(tmp_path / "machine", disk)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def refused(machine: VolumeMachine, match: str, volume: Volume = VOLUME) -> None:
    """It fails, the disk is as it was, byte for byte, and nothing was mounted."""
    before = digest(machine.disk)
    with pytest.raises(Failed, match=match):
        volumes.attach(machine, volume)
    assert digest(machine.disk) == before
    assert f"start {UNIT}" not in machine.systemd.calls


def system(*words: object, given: str = "") -> None:
    subprocess.run([str(word) for word in words], input=given, text=True, check=True, capture_output=True)


def test_first_use_and_again(machine: VolumeMachine, disk: Path) -> None:
    volumes.attach(machine, VOLUME)
    assert ("file system", f"made a file system on {disk}, which was empty") in machine.logged
    assert machine.steps == ["disk", "mount point", "file system", "check", "mount unit", "mount", "size"]
    uuid = machine.path(f"/etc/systemd/system/{UNIT}").read_text().split("by-uuid/")[1].strip()
    assert uuid in subprocess.run(["blkid", "-p", disk], capture_output=True, text=True, check=True).stdout
    drop_in = machine.path("/etc/systemd/system/etcd.service.d/50-openstack-paas-volume.conf")
    assert drop_in.read_text() == VOLUME.service_drop_in
    assert machine.systemd.calls == ["daemon-reload", f"enable {UNIT}", f"start {UNIT}"]
    assert machine.called("mkfs.ext4") == [
        f"mkfs.ext4 -q -m 0 -L openstack-paas -E lazy_itable_init=1,lazy_journal_init=1 -- {disk}"
    ]
    # The second run.
    machine.logged.clear()
    (machine.path(VOLUME.path) / "member").mkdir()
    before = digest(disk)
    volumes.attach(machine, VOLUME)
    assert ("mount", "mounted already") in machine.logged
    assert len(machine.called("mkfs.ext4")) == len(machine.called("e2fsck")) == 1
    assert digest(disk) == before


def test_a_replaced_machine_finds_its_data(machine: VolumeMachine, disk: Path, tmp_path: Path) -> None:
    volumes.attach(machine, VOLUME)
    second = VolumeMachine(tmp_path / "second", disk)
    volumes.attach(second, VOLUME)
    assert second.called("mkfs.ext4") == []
    assert len(second.called("e2fsck -p")) == 1


@pytest.mark.parametrize(
    "name",
    [
        f"virtio-{ID[:20]}",
        f"scsi-0QEMU_QEMU_HARDDISK_{ID}",
        f"scsi-0QEMU_QEMU_HARDDISK_{ID[:20]}",
        f"scsi-SQEMU_QEMU_HARDDISK_{ID}",
        f"ata-QEMU_HARDDISK_{ID}",
    ],
)
def test_the_disk_has_a_name_of_its_bus(machine: VolumeMachine, disk: Path, name: str) -> None:
    machine.path(f"/dev/disk/by-id/virtio-{ID[:20]}").unlink()
    machine.name_disk(name)
    assert volumes.find_disk(machine, ID) == disk


def test_a_disk_with_two_names_is_one(machine: VolumeMachine, disk: Path) -> None:
    machine.name_disk(f"scsi-0QEMU_QEMU_HARDDISK_{ID}")
    assert volumes.find_disk(machine, ID) == disk


def test_a_partition_is_not_its_disk(machine: VolumeMachine, tmp_path: Path) -> None:
    part = tmp_path / "part"
    part.write_bytes(b"")
    machine.path(f"/dev/disk/by-id/virtio-{ID[:20]}").unlink()
    machine.name_disk(f"scsi-0QEMU_QEMU_HARDDISK_{ID}-part1", part)
    refused(machine, "no disk has the serial number")


def test_two_disks_with_the_same_number(machine: VolumeMachine, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(bytes(MIB))
    machine.name_disk(f"scsi-0QEMU_QEMU_HARDDISK_{ID}", other)
    refused(machine, "more than one disk has the serial number of the volume")


def test_a_disk_that_does_not_come(machine: VolumeMachine) -> None:
    machine.path(f"/dev/disk/by-id/virtio-{ID[:20]}").rename(machine.path("/dev/disk/by-id/virtio-another"))
    refused(machine, f"waited 90 s for the disk of the volume {ID}; .*there are: virtio-another")


def test_a_disk_that_comes_late(machine: VolumeMachine, disk: Path) -> None:
    machine.path("/dev/disk/by-id").rename(machine.path("/dev/disk/later"))
    machine.clock.after(40, lambda: machine.path("/dev/disk/later").rename(machine.path("/dev/disk/by-id")))
    assert volumes.wait_for_disk(machine, VOLUME) == disk


def test_a_name_that_leads_to_no_disk(machine: VolumeMachine, tmp_path: Path) -> None:
    link = machine.path(f"/dev/disk/by-id/virtio-{ID[:20]}")
    link.unlink()
    link.symlink_to(tmp_path / "gone")
    refused(machine, "no disk has the serial number")


def test_a_foreign_signature_stays(machine: VolumeMachine, disk: Path) -> None:
    system("mkswap", disk)
    refused(machine, r"holds something else \(.*TYPE=swap.*\): it stays as it is")


def test_a_partition_table_stays(machine: VolumeMachine, disk: Path) -> None:
    system("sfdisk", "--quiet", disk, given="label: gpt\n")
    refused(machine, r"PTTYPE=gpt")


def test_another_file_systems_label_is_not_its_type(machine: VolumeMachine, disk: Path) -> None:
    # Its label reads like the line that says that it is ours.
    system("mkswap", "--label", "TYPE=ext4", disk)
    refused(machine, r"holds something else")


@pytest.mark.parametrize("offset", [2560, 16 * MIB - 512])
def test_data_without_a_signature_stays(machine: VolumeMachine, disk: Path, offset: int) -> None:
    with disk.open("r+b") as file:
        file.seek(offset)
        file.write(b"encrypted, say")
    refused(machine, "has no file system and is not empty: it stays as it is")


def test_a_disk_without_a_size_is_not_blank(machine: VolumeMachine, disk: Path) -> None:
    disk.write_bytes(b"")
    machine.answer("blkid", 2)
    refused(machine, "is not empty")


def test_a_small_disk(machine: VolumeMachine, disk: Path) -> None:
    disk.write_bytes(bytes(4096))
    assert volumes.is_blank(disk)


@pytest.mark.parametrize("status", [1, 4, 8, TIMED_OUT, 127, 137])
def test_when_nobody_knows_what_is_on_a_disk_it_stays(machine: VolumeMachine, status: int) -> None:
    machine.answer("blkid", Ended(status, "", "ambivalent result"))
    refused(machine, f"cannot find out what is on .*: blkid ended with status {status}: ambivalent result")


def test_a_contradiction_of_blkid_is_not_an_answer(machine: VolumeMachine) -> None:
    machine.answer("blkid", Ended(2, "TYPE=xfs\n", ""))
    refused(machine, "cannot find out")


def test_signatures_without_a_known_name_are_signatures(machine: VolumeMachine) -> None:
    machine.answer("blkid", "DEVNAME=/dev/vdb\nSOMETHING_NEW=1\n")
    refused(machine, r"holds something else \(SOMETHING_NEW\)")


def test_a_disk_that_cannot_be_read_stays(machine: VolumeMachine, disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(disk: Path) -> int:
        raise OSError(5, "Input/output error")

    # Where blkid could read nothing, it ends as if nothing was there.
    monkeypatch.setattr(volumes, "size_of", fail)
    refused(machine, "cannot read .*: Input/output error: it stays as it is")


def test_a_file_system_that_cannot_be_made(machine: VolumeMachine) -> None:
    machine.answer("mkfs.ext4", Ended(1, "", "No space left on device"))
    refused(machine, "mkfs.ext4 .* failed: No space left on device")


def test_data_below_the_mount_point_is_not_hidden(machine: VolumeMachine) -> None:
    machine.path("/var/lib/etcd/member").mkdir(parents=True)
    refused(machine, r"/var/lib/etcd on the machine's own disk holds data \(member\), which the volume would hide")


def test_a_mount_point_that_is_a_link(machine: VolumeMachine) -> None:
    machine.path("/data/member").mkdir(parents=True)
    machine.path("/var/lib").mkdir(parents=True)
    machine.path("/var/lib/etcd").symlink_to(machine.path("/data"))
    refused(machine, "is a symbolic link to .*/data")


def test_a_mount_point_that_cannot_be_read(machine: VolumeMachine) -> None:
    machine.write("/var/lib/etcd", "a file")
    refused(machine, "cannot find out what is below /var/lib/etcd: Not a directory")


def test_data_that_appears_while_the_file_system_is_checked(machine: VolumeMachine) -> None:
    """The service has started on the machine's own disk in the meantime."""

    def check(words: tuple[str, ...], given: str) -> Ended:
        machine.path("/var/lib/etcd/member").mkdir(parents=True)
        return Ended(0)

    machine.answer("e2fsck", check)
    with pytest.raises(Failed, match="which the volume would hide"):
        volumes.attach(machine, VOLUME)
    assert f"start {UNIT}" not in machine.systemd.calls


def test_something_else_is_mounted_there(machine: VolumeMachine) -> None:
    machine.mount("8:17", "/dev/sdb1")
    refused(machine, "/dev/sdb1 is mounted on /var/lib/etcd, and not the volume")


def test_what_is_mounted_last_counts(machine: VolumeMachine, disk: Path) -> None:
    where = machine.path(VOLUME.path)
    machine.mounts(
        f"40 22 0:0 / {where} rw - ext4 /dev/vdb rw",
        f"41 40 0:55 / {where} rw - tmpfs tmpfs rw",
        "42 22 8:2 / /x rw - a b rw",
    )
    assert volumes.mounted_on(machine, where) == ("0:55", "tmpfs")
    refused(machine, "tmpfs is mounted on /var/lib/etcd")


def test_a_folder_of_the_disk_is_not_the_disk(machine: VolumeMachine) -> None:
    machine.mounts(f"40 22 0:0 /folder {machine.path(VOLUME.path)} rw - ext4 /dev/vdb rw")
    refused(machine, "/folder of /dev/vdb is mounted on /var/lib/etcd, and not the volume")


def test_mount_points_with_spaces(machine: VolumeMachine) -> None:
    machine.mounts(r"40 22 8:5 / /a\040b rw - ext4 /dev/vdb rw")
    assert volumes.mounted_on(machine, Path("/a b")) == ("8:5", "/dev/vdb")


@pytest.mark.parametrize("status", [4, 8, 32, TIMED_OUT, 127, 137])
def test_a_file_system_beyond_repair_stays_unmounted(machine: VolumeMachine, status: int) -> None:
    machine.answer("e2fsck", Ended(status, "UNEXPECTED INCONSISTENCY\n", ""))
    with pytest.raises(Failed, match=r"e2fsck does not repair .* by itself: UNEXPECTED INCONSISTENCY\. Look at it"):
        volumes.attach(machine, VOLUME)
    assert f"start {UNIT}" not in machine.systemd.calls


def test_a_damaged_file_system_for_real(machine: VolumeMachine, disk: Path) -> None:
    system("mkfs.ext4", "-q", disk)
    # Without its root directory, and marked as damaged.
    system("debugfs", "-w", disk, given="clri <2>\nssv state 2\n")
    with pytest.raises(Failed, match="e2fsck does not repair"):
        volumes.attach(machine, VOLUME)


@pytest.mark.parametrize("status", [1, 2, 3])
def test_what_was_repaired_goes_on(machine: VolumeMachine, status: int) -> None:
    machine.answer("e2fsck", status)
    volumes.attach(machine, VOLUME)


def test_a_file_system_without_a_uuid(machine: VolumeMachine) -> None:
    machine.answer("blkid", "TYPE=ext4\n")
    machine.answer("e2fsck")
    with pytest.raises(Failed, match="has no UUID"):
        volumes.attach(machine, VOLUME)


def test_systemd_mounts_nothing(machine: VolumeMachine) -> None:
    machine.systemd.actions[f"start {UNIT}"] = lambda: 0
    with pytest.raises(Failed, match=f"systemd started {UNIT} and nothing is mounted on /var/lib/etcd"):
        volumes.attach(machine, VOLUME)


def test_systemd_mounts_a_copy_with_the_same_uuid(machine: VolumeMachine) -> None:
    machine.systemd.actions[f"start {UNIT}"] = lambda: machine.mount("252:32", "/dev/vdc")
    with pytest.raises(Failed, match="/dev/vdc is mounted on /var/lib/etcd, and not the volume"):
        volumes.attach(machine, VOLUME)


def test_systemd_cannot_mount(machine: VolumeMachine) -> None:
    machine.systemd.actions[f"start {UNIT}"] = lambda: Ended(1, "", "dependency failed")
    with pytest.raises(Failed, match="dependency failed"):
        volumes.attach(machine, VOLUME)
    assert machine.unit == UNIT


@pytest.fixture
def blocks(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many blocks the mounted file system has, one look after the other."""
    left: list[int] = []
    real = os.statvfs

    def statvfs(path: Path) -> os.statvfs_result:
        return os.statvfs_result((*real(path)[:2], left.pop(0), *real(path)[3:]))

    monkeypatch.setattr(os, "statvfs", statvfs)
    yield left


def test_a_volume_that_has_grown(machine: VolumeMachine, disk: Path, blocks: list[int]) -> None:
    machine.path(VOLUME.path).mkdir(parents=True)
    machine.clock.after(5, lambda: os.truncate(disk, 1 << 30))
    blocks[:] = [4096, 262144]
    volumes.grow(machine, replace(VOLUME, gib=1), disk)
    assert machine.called("resize2fs") == [f"resize2fs {disk}"]
    assert machine.lines == ["the file system has grown to 1024 MiB"]
    assert 5 <= machine.elapsed <= 6


def test_a_disk_that_the_machine_does_not_see_grow_is_reported(machine: VolumeMachine) -> None:
    volumes.attach(machine, replace(VOLUME, gib=3))
    assert "the volume has 3 GiB and this machine sees 16 MiB of it" in machine.said
    assert 30 <= machine.elapsed < 31


def test_a_file_system_that_cannot_grow(machine: VolumeMachine) -> None:
    machine.answer("resize2fs", Ended(1, "", "Permission denied to resize filesystem"))
    with pytest.raises(Failed, match="Permission denied to resize"):
        volumes.attach(machine, VOLUME)
