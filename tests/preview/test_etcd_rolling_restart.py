"""Running members of a real etcd are changed and restarted one after another, and what stops that."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.preview.etcd_machine import members
from tests.preview.etcd_machine.members import Machine
from tests.preview.etcd_machine.rolling_restart import good, restarts, setting, started, up, watching


@pytest.fixture
def three(tmp_path: Path) -> Iterator[list[Machine]]:
    """Three running members."""
    yield from started(tmp_path)


def test_an_option_changes_one_member_at_a_time_and_the_leader_hands_over(three: list[Machine]) -> None:
    said = good(three)
    assert restarts(said) == [False] * 3, said[0]
    three[0].etcdctl("put", "before", "1")
    setting(three, "ETCD_HEARTBEAT_INTERVAL", "120")
    with watching(three) as answering:
        said = good(three)
    assert restarts(said) == [True] * 3
    assert min(answering) == 2, answering
    assert sum("gave the lead to" in text for text in said) >= 1
    assert not any("the lead was not to be given away" in text for text in said)
    assert three[2].etcdctl("get", "before", "--print-value-only").strip() == "1"
    assert restarts(good(three)) == [False] * 3


def test_an_upgrade_comes_after_one_snapshot_of_each_member(three: list[Machine]) -> None:
    assert not three[0].backups.exists(), "a new cluster needs no snapshot"
    setting(three, "ETCD_VERSION", "3.6.15")
    with watching(three) as answering:
        said = good(three)
    assert restarts(said) == [True] * 3
    assert min(answering) == 2, answering
    for machine, text in zip(three, said, strict=True):
        # The package is downloaded before anything stops, and the snapshot is taken before that.
        fetched, installed = [line for line in (machine.root / "apt").read_text().splitlines() if "etcd=3.6.15" in line]
        assert "--download-only" in fetched
        assert "--download-only" not in installed
        assert text.index("a snapshot before") < text.index("installing etcd=3.6.15")
        assert [(one["reason"], one["verified"]) for one in machine.listing("--here")["snapshots"]] == [
            ("upgrade", True)
        ]
    # Nothing is repeated. A new version of only Kubernetes causes one more snapshot and no restart.
    assert restarts(good(three)) == [False] * 3
    assert len(three[0].listing("--here")["snapshots"]) == 1
    setting(three, "KUBERNETES_VERSION", "1.35.0")
    time.sleep(1.1)
    assert restarts(good(three)) == [False] * 3
    assert len(three[0].listing("--here")["snapshots"]) == 2


def test_no_upgrade_without_a_snapshot(three: list[Machine]) -> None:
    setting(three, "ETCD_VERSION", "3.6.15")
    for machine in three:
        (machine.fakes / "df").write_text("#!/bin/sh\necho Avail\necho 1000000\n")
        (machine.fakes / "df").chmod(0o755)
    for refused in up(three):
        assert refused.status != 0
        assert "nothing is upgraded without a snapshot" in refused.output
    assert {(machine.root / "package").read_text() for machine in three} == {f"{members.ETCD}-1\n"}


@pytest.mark.parametrize(
    ("wanted", "message"), [("3.6.4", "etcd does not go back here"), ("3.8.0", "Bring up the newest 3.7")]
)
def test_neither_a_downgrade_nor_a_skipped_minor_version(three: list[Machine], wanted: str, message: str) -> None:
    setting(three[:1], "ETCD_VERSION", wanted)
    (refused,) = up(three[:1])
    assert refused.status != 0
    assert message in refused.output


def test_no_member_changes_while_another_is_down(three: list[Machine]) -> None:
    three[1].kill()
    setting(three, "ETCD_HEARTBEAT_INTERVAL", "120")
    with (three[0].root / "bundle/settings.sh").open("a") as settings:
        settings.write("STAYING_SECONDS=2\n")
    (refused,) = up(three[:1])
    assert refused.status != 0
    assert "etcd-0 healthy, etcd-1 not healthy, etcd-2 healthy" in refused.output
    # The same `up` starts it again and changes all members.
    assert restarts(good(three)) == [True, False, True]


def test_a_change_that_breaks_a_member_stops_there_and_can_be_fixed(three: list[Machine]) -> None:
    (three[0].root / "bundle/settings.sh").open("a").write("STAYING_SECONDS=2\n")
    setting(three, "ETCD_HEARTBEAT_INTERVAL", "nonsense")
    with watching(three) as answering:
        done = up(three)
    assert [each.status != 0 for each in done] == [True] * 3
    said = [each.output for each in done]
    assert sum("this member to be well after its change" in text for text in said) == 1, said
    assert sum("none is changed before" in text and "not healthy" in text for text in said) == 2, said
    assert min(answering) == 2, answering
    setting(three, "ETCD_HEARTBEAT_INTERVAL", "100")
    good(three)
    assert restarts(good(three)) == [False] * 3
