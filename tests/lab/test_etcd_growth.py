"""etcd grows and shrinks by a change of the stack file while clients write. No write waits longer than an election."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from ops.drill.probes.http import ApiWrite
from tests.lab import watch
from tests.lab.machines import Machines
from tests.lab.platform import PROJECT, Platform, run
from tests.lab.report import record

pytestmark = pytest.mark.long

#: Seconds that an election takes on this host, until the API servers write again.
LONGEST = 5.0
COMMITTED = PROJECT / "Pulumi.lab.yaml"


@pytest.fixture(scope="module")
def writer(platform: Platform) -> Iterator[ApiWrite]:
    """Writes from before the first change until after the last. Afterwards the platform has its usual size again."""
    try:
        with watch.writing(platform, "etcd 3, 5, 1, 3") as probe:
            yield probe
    finally:
        if len(platform.outputs.role("etcd")) != 3:
            platform.up()


def resize(platform: Platform, folder: Path, count: int) -> None:
    """Run `up` with another number of members, with a copy of the committed stack file."""
    document = yaml.safe_load(COMMITTED.read_text())
    document["config"]["openstack-paas:etcd"]["count"] = count
    file = folder / COMMITTED.name
    file.write_text(yaml.safe_dump(document))
    done = platform.up("--config-file", str(file))
    assert done.status == 0, done.text
    record(f"etcd with {count} members: up with its proof", f"{done.seconds:.0f} s")


def check(platform: Platform, machines: Machines, writer: ApiWrite, count: int, began: float) -> None:
    """Check that members match the stack file, each API server knows exactly these, and writes continued."""
    names = [f"lab-etcd-{number}" for number in range(count)]
    assert sorted(watch.member_ids(platform)) == names
    assert sorted(name for name in machines.names() if name.startswith("lab-etcd-")) == names
    endpoints = ",".join(f"https://{platform.outputs.machine(name).address}:2379" for name in names)
    for number in range(3):
        known = platform.on(
            f"control-plane-{number}", "tr '\\0' '\\n' </proc/$(pgrep -x kube-apiserver)/cmdline | grep etcd-servers"
        )
        assert known.strip() == f"--etcd-servers={endpoints}"
    gap = writer.answers.longest_gap(began)
    record(f"etcd with {count} members: longest time without a write", f"{gap:.1f} s")
    assert gap <= LONGEST, writer.answers.last_error


def snapshots_before_changes(platform: Platform, name: str) -> int:
    """How many verified snapshots from before a membership change a member keeps."""
    listed = platform.snapshots(name)
    return sum(each["reason"] == "membership" and each["verified"] for each in listed)


def test_three_become_five(platform: Platform, machines: Machines, writer: ApiWrite, tmp_path: Path) -> None:
    began, kept = time.monotonic(), watch.identity(platform)
    resize(platform, tmp_path, 5)
    check(platform, machines, writer, 5, began)
    now = watch.identity(platform)
    assert {name: now.members[name] for name in kept.members} == kept.members
    # No other service restarted. API servers restart too, but they are not systemd units.
    assert {name: now.starts[name] for name in kept.starts} == kept.starts
    assert all(snapshots_before_changes(platform, name) for name in ("etcd-3", "etcd-4"))


def test_five_become_one(platform: Platform, machines: Machines, writer: ApiWrite, tmp_path: Path) -> None:
    began, kept = time.monotonic(), watch.member_ids(platform)
    before = snapshots_before_changes(platform, "etcd-0")
    resize(platform, tmp_path, 1)
    check(platform, machines, writer, 1, began)
    assert watch.member_ids(platform)["lab-etcd-0"] == kept["lab-etcd-0"]
    assert snapshots_before_changes(platform, "etcd-0") > before or before == 3


def test_one_becomes_three_again(platform: Platform, machines: Machines, writer: ApiWrite, tmp_path: Path) -> None:
    began = time.monotonic()
    resize(platform, tmp_path, 3)
    check(platform, machines, writer, 3, began)


def test_no_acknowledged_write_is_lost(writer: ApiWrite) -> None:
    lost = writer.acknowledged() - writer.kept()
    assert not lost, f"acknowledged writes that are lost: {sorted(lost)}"


def test_nothing_has_changed_for_pulumi(platform: Platform) -> None:
    done = run("pulumi", "preview", "--refresh", "--expect-no-changes", "--non-interactive")
    assert done.status == 0, done.text
