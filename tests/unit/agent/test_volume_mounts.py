"""A volume for real: a loop device, its file system and its mount, through a machine's replacement and its growth."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent.machine import Failed
from agent.programs import Ended
from agent.system import volume as volumes
from tests.unit.agent.fake_machine import FakeMachine, FakeSystemd
from tests.unit.agent.test_volume import ID, UNIT, VOLUME

pytestmark = pytest.mark.system
WANTED = replace(VOLUME, gib=1, mount_unit="What=/dev/disk/by-uuid/@UUID@\nOptions=noatime,nodev,nosuid,nofail\n")
#: CAP_SYS_RESOURCE: without it a container may not resize what is mounted.
MAY_RESIZE = 24


def system(*words: object) -> str:
    return subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True).stdout.strip()


class Site:
    """A volume of the cloud, and the machines that have it one after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.backing = folder / "volume.img"
        with self.backing.open("wb") as file:
            file.truncate(1 << 30)
        self.loop = Path(system("losetup", "--find", "--show", self.backing))
        self.machines: list[FakeMachine] = []

    def machine(self, name: str) -> FakeMachine:
        """A machine with nothing on its own disk. Its systemd mounts what its unit says."""
        machine = FakeMachine(self.folder / name)
        machine.real("blkid", "mkfs.ext4", "e2fsck", "resize2fs", "systemd-escape", "udevadm")
        systemd = FakeSystemd(machine)
        where = machine.path(VOLUME.path)

        def start() -> int | None:
            lines = machine.path(f"/etc/systemd/system/{UNIT}").read_text().splitlines()
            unit = dict(line.split("=", 1) for line in lines)
            if not os.path.ismount(where):
                uuid = Path(unit["What"]).name
                system("mount", "-t", "ext4", "-o", unit["Options"], f"UUID={uuid}", where)
            return None

        systemd.actions[f"start {UNIT}"] = start
        machine.path("/dev/disk/by-id").mkdir(parents=True)
        machine.path(f"/dev/disk/by-id/virtio-{ID[:20]}").symlink_to(self.loop)
        machine.path("/proc").symlink_to("/proc")
        self.machines.append(machine)
        return machine

    def stop(self, machine: FakeMachine) -> None:
        where = machine.path(VOLUME.path)
        if os.path.ismount(where):
            system("umount", where)

    def end(self) -> None:
        for machine in self.machines:
            self.stop(machine)
        system("losetup", "--detach", self.loop)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    missing = [tool for tool in ("losetup", "mkfs.ext4", "resize2fs") if not shutil.which(tool)]
    assert not missing, f"{', '.join(missing)} missing: `make tools-installed` installs what the tests try"
    assert os.geteuid() == 0, "loop devices need root"
    site = Site(tmp_path)
    yield site
    site.end()


def test_life(site: Site) -> None:
    machine = site.machine("first")
    volumes.attach(machine, WANTED)
    assert f"made a file system on {site.loop}, which was empty" in machine.said
    where = machine.path(VOLUME.path)
    assert system("findmnt", "--noheadings", "--output", "FSTYPE,SOURCE", where).split() == ["ext4", str(site.loop)]
    (where / "member").mkdir()
    (where / "member/wal").write_text("precious")

    volumes.attach(machine, WANTED)
    assert "mounted already" in machine.said and machine.said.count("made a file system") == 1
    site.stop(machine)

    second = site.machine("second")
    volumes.attach(second, WANTED)
    wal = second.path(VOLUME.path) / "member/wal"
    assert wal.read_text() == "precious"
    assert "made a file system" not in second.said

    os.truncate(site.backing, 2 << 30)
    system("losetup", "--set-capacity", site.loop)
    status = Path("/proc/self/status").read_text()
    capabilities = int(status.split("CapEff:")[1].split()[0], 16)
    if not capabilities >> MAY_RESIZE & 1:
        second.answer("resize2fs", Ended(0))
    before = os.statvfs(wal.parent).f_blocks
    volumes.attach(second, replace(WANTED, gib=2))
    assert second.called("resize2fs")[-1] == f"resize2fs {site.loop}"
    if capabilities >> MAY_RESIZE & 1:
        assert "the file system has grown to 2048 MiB" in second.said
        assert os.statvfs(wal.parent).f_blocks > before * 3 / 2
    assert wal.read_text() == "precious"


def test_something_else_is_mounted_there(site: Site) -> None:
    machine = site.machine("first")
    where = machine.path(VOLUME.path)
    where.mkdir(parents=True)
    system("mount", "-t", "tmpfs", "tmpfs", where)
    with pytest.raises(Failed, match="tmpfs is mounted on /var/lib/etcd, and not the volume"):
        volumes.attach(machine, WANTED)
    assert machine.called("mkfs.ext4") == []
