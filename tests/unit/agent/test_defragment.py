"""Room in etcd is given back one member after another, and the alarm NOSPACE ends."""

from dataclasses import replace
from pathlib import Path

import pytest

from agent.etcd.defragment import defragment, end_alarm_where_it_fits
from agent.etcd_api import EtcdError, NoAnswer
from agent.machine import Failed
from tests.unit.agent import etcd_samples as samples
from tests.unit.agent.fake_etcd import MIB, FakeEtcd, FakeNetwork
from tests.unit.agent.fake_machine import FakeMachine

ADDRESSES = ("10.0.0.4", "10.0.0.5", "10.0.0.6")
SETTINGS = samples.SETTINGS
LOCK = "lock openstack-paas/membership"


class Cluster:
    """Three members; the first one leads. They are said to do everything in one list."""

    def __init__(self, machine: FakeMachine) -> None:
        self.machine = machine
        self.members = [FakeEtcd(number + 1, f"etcd-{number}", address) for number, address in enumerate(ADDRESSES)]
        self.said = self.members[0].said
        self.alarms: list[tuple[int, str]] = []
        for one in self.members:
            one.said, one.cluster, one.alarm_list = self.said, self.members, self.alarms
            one.set(db_size=2000 * MIB, db_in_use=300 * MIB)

    def fill(self) -> None:
        """Puts the alarm on; then etcd refuses leases, and so locks."""
        self.alarms.append((2, "NOSPACE"))
        for one in self.members:
            one.refuses["lock"] = EtcdError("etcdserver: mvcc: database space exceeded", 8)

    def run(self, **more: object) -> None:
        defragment(self.machine, SETTINGS, network=FakeNetwork(self.members), **more)  # type: ignore[arg-type]


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    machine = FakeMachine(tmp_path)
    machine.path("/var/lib/etcd").mkdir(parents=True)
    return Cluster(machine)


def _refused(cluster: Cluster, **more: object) -> str:
    with pytest.raises(Failed) as refused:
        cluster.run(**more)
    return str(refused.value)


def test_one_member_after_another_under_the_lock_and_the_leader_last(cluster: Cluster) -> None:
    cluster.run()
    assert cluster.said == [
        LOCK, "defragment etcd-1", "defragment etcd-2", "lead to 2", "defragment etcd-0", "unlock"
    ]  # fmt: skip
    assert "etcd-1 defragmented in 0.0 s: 2000 MiB became 300 MiB" in cluster.machine.said
    assert "etcd-0 gave the lead to etcd-1" in cluster.machine.said


def test_the_timer_leaves_small_or_full_databases_alone(cluster: Cluster) -> None:
    for one in cluster.members:
        one.set(db_size=1024 * MIB)
    cluster.members[1].set(db_size=2000 * MIB, db_in_use=1000 * MIB)
    cluster.run(only_where_needed=True)
    assert cluster.said == []
    cluster.members[1].set(db_in_use=999 * MIB)
    cluster.run(only_where_needed=True)
    assert cluster.said == [LOCK, "defragment etcd-1", "unlock"]


def test_with_the_alarm_everything_goes_without_the_lock(cluster: Cluster) -> None:
    """The shell had no command for it, and a person's way by `up` or a snapshot ended at the lock or at the health."""
    cluster.fill()
    cluster.members[0].set(revision=90)

    def snapshot() -> str:
        cluster.said.append("snapshot")
        return ""

    cluster.run(snapshot=snapshot)
    assert cluster.said == [
        "snapshot", "compact 90", "defragment etcd-1", "defragment etcd-2", "lead to 2", "defragment etcd-0", "disarm"
    ]  # fmt: skip
    assert cluster.machine.lines[-1] == "the alarm NOSPACE is off: etcd takes writes again"


def test_a_snapshot_that_fails_does_not_keep_etcd_full(cluster: Cluster) -> None:
    cluster.fill()
    cluster.run(snapshot=lambda: "the disk is full")
    assert "the history is dropped without one: the disk is full" in cluster.machine.said
    assert cluster.alarms == []


def test_the_timer_does_nothing_about_the_alarm(cluster: Cluster) -> None:
    cluster.fill()
    cluster.run(only_where_needed=True)
    assert cluster.said == []
    assert "the alarm NOSPACE is on: `paas etcd defragment`" in cluster.machine.said


def test_data_that_fills_the_quota_keeps_the_alarm(cluster: Cluster) -> None:
    cluster.fill()
    cluster.members[2].set(db_in_use=1900 * MIB)
    refused = _refused(cluster)
    assert "what etcd-2 holds needs 1900 MiB of its quota of 2048 MiB" in refused
    assert "raise etcd.quota and run `pulumi up`" in refused
    assert "disarm" not in cluster.said


def test_an_alarm_that_comes_back(cluster: Cluster) -> None:
    cluster.fill()
    for one in cluster.members:
        one.disarm = lambda: None  # type: ignore[method-assign]
    assert "is still on, or is on again" in _refused(cluster)


def test_damaged_data_is_not_touched(cluster: Cluster) -> None:
    cluster.alarms.append((2, "CORRUPT"))
    assert "CORRUPT" in _refused(cluster)
    assert cluster.said == []


def test_no_member_is_defragmented_while_another_one_is_away(cluster: Cluster) -> None:
    cluster.members[2].stop()
    assert "not healthy: etcd-2 (timed out)" in _refused(cluster)
    assert cluster.said == [LOCK, "unlock"]
    cluster.members[2].refuses.clear()
    away = cluster.members[2]
    cluster.members[1].defragmented = away.stop
    assert "not healthy: etcd-2" in _refused(cluster)
    assert cluster.said[2:] == [LOCK, "defragment etcd-1", "unlock"]


def test_with_the_alarm_a_member_that_is_away_does_not_keep_the_others_full(cluster: Cluster) -> None:
    cluster.fill()
    cluster.members[2].stop()
    cluster.run()
    assert "without those that are not healthy: etcd-2 (timed out)" in cluster.machine.said
    assert cluster.said == ["compact 7", "defragment etcd-1", "lead to 2", "defragment etcd-0", "disarm"]


def test_nobody_with_a_majority(cluster: Cluster) -> None:
    cluster.fill()
    for one in cluster.members:
        one.refuses["check_health"] = NoAnswer("timed out")
    assert "no member answers with a majority" in _refused(cluster)


def test_learners_and_members_that_never_started_are_left_alone(cluster: Cluster) -> None:
    learner = FakeEtcd(9, "etcd-9", "10.0.0.9")
    object.__setattr__(learner.member, "is_learner", True)
    cluster.members.append(learner)
    cluster.run()
    assert "defragment etcd-9" not in cluster.said
    object.__setattr__(learner.member, "is_learner", False)
    object.__setattr__(learner.member, "client_urls", ())
    assert "etcd-9 (it has never started)" in _refused(cluster)


def test_a_lock_that_is_lost_ends_it(cluster: Cluster) -> None:
    first = cluster.members[0]
    cluster.members[1].defragmented = lambda: first.refuses.update(check=EtcdError("another holder"))
    assert "this may run again: another holder" in _refused(cluster)
    assert cluster.said == [LOCK, "defragment etcd-1", "unlock"]


def test_a_member_that_is_away_for_long_is_waited_for(cluster: Cluster) -> None:
    one = cluster.members[1]
    one.refuses["defragment"] = NoAnswer("timed out")

    def slow(name: str) -> None:
        if name == "defragment":
            one.stop()
            cluster.machine.clock.after(300, one.refuses.clear)
        if error := one.refuses.get(name):
            raise error

    one._ask = slow  # type: ignore[method-assign]
    cluster.run()
    assert "etcd-1 has not said that it is defragmented: timed out" in cluster.machine.said
    assert "etcd-1 defragmented in 300." in cluster.machine.said
    assert "defragment etcd-0" in cluster.said


def test_a_member_that_does_not_come_back(cluster: Cluster) -> None:
    cluster.members[1].defragmented = cluster.members[1].stop
    assert "waited 600 s for etcd-1 to answer after it was defragmented" in _refused(cluster)


def test_a_full_disk_is_noticed_before(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.etcd.defragment.free_bytes", lambda folder: 100 * MIB)
    assert "has 100 MiB free, and defragmenting needs 364 MiB" in _refused(cluster)


def test_a_compaction_that_does_not_settle_is_not_waited_for_long(cluster: Cluster) -> None:
    cluster.fill()
    one = cluster.members[1]
    status = one.status

    def shrinking() -> object:
        one.set(db_in_use=one.state.db_in_use - 1)
        return status()

    one.status = shrinking  # type: ignore[method-assign, assignment]
    cluster.run()
    assert "waited 300 s for the end of the compaction; last seen: in use: " in cluster.machine.said
    assert cluster.alarms == []


def test_a_single_member(tmp_path: Path) -> None:
    machine = FakeMachine(tmp_path)
    machine.path("/var/lib/etcd").mkdir(parents=True)
    one = FakeEtcd()
    defragment(machine, replace(SETTINGS, members=SETTINGS.members[:1]), network=FakeNetwork([one]))
    assert one.said == [LOCK, "defragment etcd-0", "unlock"]


def test_a_quota_that_was_raised_ends_the_alarm(cluster: Cluster) -> None:
    cluster.fill()
    raised = replace(SETTINGS, quota_bytes=4096 * MIB)
    end_alarm_where_it_fits(cluster.machine, raised, FakeNetwork(cluster.members))
    assert cluster.said == ["disarm"], "no lock, and nothing is dropped"


def test_without_the_alarm_nothing_is_said(cluster: Cluster) -> None:
    end_alarm_where_it_fits(cluster.machine, SETTINGS, FakeNetwork(cluster.members))
    assert (cluster.said, cluster.machine.said) == ([], "")


def test_an_alarm_that_has_its_reason_stays_and_does_not_end_the_run(cluster: Cluster) -> None:
    cluster.fill()
    end_alarm_where_it_fits(cluster.machine, SETTINGS, FakeNetwork(cluster.members))
    assert "`paas etcd defragment` does more: what etcd-" in cluster.machine.said
    for one in cluster.members:
        one.stop()
    end_alarm_where_it_fits(cluster.machine, SETTINGS, FakeNetwork(cluster.members))
    assert "no member answers with a majority" in cluster.machine.said
    assert cluster.said == []
