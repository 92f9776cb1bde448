"""What `down` takes for the lab's own, from samples of what a busy host has."""

import os
import shutil
from pathlib import Path

import pytest

from dev.errors import DevError
from dev.lab import places, processes, teardown
from dev.lab.driver.virt.openstack_paas_lab import cgroups

MOUNTS = """\
/dev/vda / ext4 rw 0 0
tmpfs /run tmpfs rw 0 0
lxcfs {state}/lxcfs fuse.lxcfs rw 0 0
nsfs /run/netns/lab-host-1 nsfs rw 0 0
overlay {state}/images/x/rootfs/proc overlay rw 0 0
overlay {state}-other/x overlay rw 0 0
"""


def test_namespaces() -> None:
    names = ["lab-host-1", "lab-host-9", "lab-network", "qdhcp-1", "qrouter-2", "vpn", "laboratory"]
    assert teardown.lab_namespaces(names) == ["lab-host-1", "lab-network", "qdhcp-1", "qrouter-2"]


def test_links() -> None:
    links: dict[str, dict[str, object]] = {
        "lo": {},
        "eth0": {},
        "docker0": {},
        "veth77": {"master": "docker0"},
        "lab-external": {},
        "lab-underlay": {},
        "lab-host-1-u": {"master": "lab-underlay"},
        "lab-host-3-u": {},
        "lab-network-e": {"master": "lab-external"},
        "lab-coat": {},
    }
    found = teardown.lab_links(links)
    assert set(found) == {"lab-host-1-u", "lab-host-3-u", "lab-network-e", "lab-external", "lab-underlay"}
    assert found[-2:] == ["lab-external", "lab-underlay"]


def test_mounts_the_deepest_first() -> None:
    state = Path("/var/lib/some-lab")
    assert teardown.mounts_below(state, MOUNTS.format(state=state)) == [
        f"{state}/lxcfs",
        f"{state}/images/x/rootfs/proc",
    ]


def test_cgroups_of_the_labs_machines_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, other = "1d169bfc-d543-4c03-be6a-a580a3915f07", "900fbb9a-8181-4559-9081-db4b071676d6"
    for path in (
        f"memory/lxc.payload.{ours}/system.slice",
        f"cpu/user/lxc.monitor.{ours}-1",
        f"cpu/lxc.payload.{other}",
    ):
        (tmp_path / path).mkdir(parents=True)
    (tmp_path / f"memory/lxc.payload.{ours}/system.slice/cgroup.procs").write_text("11\n12\n")
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    found = cgroups.of_containers([ours])
    assert {path.relative_to(tmp_path).as_posix() for path in found} == {
        f"memory/lxc.payload.{ours}",
        f"cpu/user/lxc.monitor.{ours}-1",
    }
    assert processes.in_groups(found) == {11, 12}


def test_processes_without_the_marker_are_not_the_labs() -> None:
    assert os.getpid() not in processes.marked()
    assert places.MARKER not in os.environ


def test_a_folder_into_which_something_still_writes_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, remove, turns = tmp_path / "state", shutil.rmtree, iter((True, True, False))
    (folder / "logs").mkdir(parents=True)

    def beside_a_writer(path: Path, ignore_errors: bool = False) -> None:
        remove(path, ignore_errors=ignore_errors)
        if next(turns):
            folder.mkdir(exist_ok=True)
            if not ignore_errors:
                folder.rmdir()
                raise OSError("Directory not empty")

    monkeypatch.setattr(shutil, "rmtree", beside_a_writer)
    teardown.delete(folder)
    assert not folder.exists()
    assert next(turns, None) is None


def test_a_folder_that_stays_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "rmtree", lambda path, ignore_errors: None)
    with pytest.raises(DevError, match="something writes there"):
        teardown.delete(tmp_path, limit=0)
