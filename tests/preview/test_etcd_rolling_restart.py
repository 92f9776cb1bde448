"""Running members of a real etcd are changed and restarted one after another, and what stops that."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.preview.etcd_machine import members
from tests.preview.etcd_machine.members import Machine
from tests.preview.etcd_machine.rolling_restart import Debian, good, option, restarts, started, want, watching


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[list[Machine], list[Debian]]]:
    """Three running members, and their packages."""
    monkeypatch.setattr("agent.etcd.rolling_restart.STAYING_SECONDS", 30)
    monkeypatch.setattr("agent.etcd.rolling_restart.WELL_SECONDS", 15)
    yield from started(tmp_path)


@pytest.fixture
def three(platform: tuple[list[Machine], list[Debian]]) -> list[Machine]:
    """The members alone."""
    return platform[0]


def test_an_option_changes_one_member_at_a_time_and_the_leader_hands_over(three: list[Machine]) -> None:
    said = good(three)
    assert restarts(said) == [False] * 3, said[0]
    three[0].etcdctl("put", "before", "1")
    option(three, "ETCD_HEARTBEAT_INTERVAL", "120")
    with watching(three) as answering:
        said = good(three)
    assert restarts(said) == [True] * 3
    assert min(answering) == 2, answering
    assert sum("gave the lead to" in text for text in said) >= 1
    assert not any("the lead was not to be given away" in text for text in said)
    assert three[2].etcdctl("get", "before", "--print-value-only").strip() == "1"
    assert restarts(good(three)) == [False] * 3


def test_an_upgrade_comes_after_one_snapshot_of_each_member(platform: tuple[list[Machine], list[Debian]]) -> None:
    three, debian = platform
    assert not three[0].backups.exists(), "a new cluster needs no snapshot"
    want(three, etcd="3.6.15")
    with watching(three) as answering:
        said = good(three)
    assert restarts(said) == [True] * 3
    assert min(answering) == 2, answering
    for machine, packages, text in zip(three, debian, said, strict=True):
        # The package is downloaded before anything stops, and the snapshot is taken before that.
        fetched, installed = [call for call in packages.calls if "etcd=3.6.15" in call]
        assert "--download-only" in fetched
        assert "--download-only" not in installed
        assert text.index("a snapshot before") < text.index("installing etcd=3.6.15")
        assert [(one["reason"], one["verified"]) for one in machine.snapshots()] == [("upgrade", True)]
    # Nothing is repeated. A new version of only Kubernetes causes one more snapshot and no restart.
    assert restarts(good(three)) == [False] * 3
    assert len(three[0].snapshots()) == 1
    want(three, kubernetes="1.35.0")
    time.sleep(1.1)
    assert restarts(good(three)) == [False] * 3
    assert len(three[0].snapshots()) == 2


def test_no_upgrade_without_a_snapshot(
    platform: tuple[list[Machine], list[Debian]], monkeypatch: pytest.MonkeyPatch
) -> None:
    three, debian = platform
    want(three, etcd="3.6.15")
    for part in ("snapshot_proof", "backup_record"):
        monkeypatch.setattr(f"agent.etcd.{part}.free_bytes", lambda folder: 1_000_000)
    for refused in members.converge(three):
        assert refused.status != 0
        assert "nothing is upgraded without a snapshot" in refused.output
    assert {packages.etcd for packages in debian} == {f"{members.ETCD}-1"}


@pytest.mark.parametrize(
    ("wanted", "message"), [("3.6.4", "etcd does not go back here"), ("3.8.0", "Bring up the newest 3.7")]
)
def test_neither_a_downgrade_nor_a_skipped_minor_version(three: list[Machine], wanted: str, message: str) -> None:
    want(three[:1], etcd=wanted)
    (refused,) = members.converge(three[:1])
    assert refused.status != 0
    assert message in refused.output


def test_no_member_changes_while_another_is_down(three: list[Machine], monkeypatch: pytest.MonkeyPatch) -> None:
    three[1].kill()
    option(three, "ETCD_HEARTBEAT_INTERVAL", "120")
    monkeypatch.setattr("agent.etcd.rolling_restart.STAYING_SECONDS", 2)
    (refused,) = members.converge(three[:1])
    assert refused.status != 0
    assert "etcd-0 healthy, etcd-1 not healthy, etcd-2 healthy" in refused.output
    monkeypatch.setattr("agent.etcd.rolling_restart.STAYING_SECONDS", 30)
    # The same `up` starts it again and changes all members.
    assert restarts(good(three)) == [True, False, True]


def test_a_change_that_breaks_a_member_stops_there_and_can_be_fixed(
    three: list[Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    option(three, "ETCD_HEARTBEAT_INTERVAL", "nonsense")
    with watching(three) as answering:
        done = members.converge(three)
    assert [each.status != 0 for each in done] == [True] * 3
    said = [each.output for each in done]
    assert sum("this member to be well after its change" in text for text in said) == 1, said
    assert sum("none is changed before" in text and "not healthy" in text for text in said) == 2, said
    assert min(answering) == 2, answering
    option(three, "ETCD_HEARTBEAT_INTERVAL", "100")
    good(three)
    assert restarts(good(three)) == [False] * 3
