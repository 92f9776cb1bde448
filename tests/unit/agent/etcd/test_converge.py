"""Members converge: together, one after another, again, half-done."""

import getpass
import grp
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from agent.etcd import authorities, configuration, converge
from agent.etcd.configuration import MemberFiles
from agent.etcd.converge import EtcdSettings
from agent.etcd.membership import DATA, UNIT_FILE
from agent.etcd.network import PKI
from agent.etcd.rolling_restart import Versions
from agent.etcd.start import GUARD_FILE, INITIAL, PERMISSION, guard
from agent.machine import Failed, Machine
from agent.programs import Ended
from agent.system import services
from tests.unit.agent.etcd.world import FakeMaintenance, FakeNetwork, Snapshots, make_world, settings_of
from tests.unit.agent.etcd_samples import SETTINGS
from tests.unit.agent.fake_machine import FakeMachine

FILES = MemberFiles(
    "[Service]\nExecStart=etcd\n", "ETCD_NAME=x\n", "ETCDCTL_CACERT=x\n", "ca one", "one", "key", "one", "client key"
)


class FakeGround:
    """What every machine has; notes what is asked of it."""

    def __init__(self, maintenance: FakeMaintenance) -> None:
        self.maintenance = maintenance
        self.calls: list[str] = []

    def installed_etcd(self) -> str:
        return self.maintenance.installed

    def prepare(self, deferred: tuple[str, ...]) -> None:
        self.calls.append(f"prepare {' '.join(deferred)}".strip())

    def apply_firewall(self) -> None:
        self.calls.append("firewall")


class Stack:
    """A world with the machines of its members, and what the program says to them."""

    def __init__(self, folder: Path, names: tuple[str, ...] = ("etcd-0", "etcd-1", "etcd-2")) -> None:
        self.world = make_world(names)
        self.names = names
        self.machines = {name: self.world.machine(folder, name) for name in names}
        self.grounds = {name: FakeGround(FakeMaintenance(self.machines[name], "")) for name in names}
        self.had_cluster = False
        self.start_empty = ""
        self.files = FILES
        self.snapshots = Snapshots(self.world)

    def end_alarm(self) -> None:
        """There is none."""

    def converge(self, name: str, version: str = "3.6.5") -> FakeMachine:
        machine = self.machines[name]
        member = settings_of(self.world, name, had_cluster=self.had_cluster, start_empty=self.start_empty)
        settings = EtcdSettings(member, Versions(version, "1.34.2"), "1", self.files)
        ground = self.grounds[name]
        converge.converge(machine, settings, SETTINGS, FakeNetwork(self.world), ground, self.snapshots, self.end_alarm)
        assert not self.world.lock_holder
        return machine

    def up(self) -> None:
        """All steps, one at a time; machines that are made then found no etcd."""
        for name in self.names:
            self.converge(name)
        self.had_cluster = True

    def replace(self, name: str, folder: Path) -> FakeMachine:
        """A new machine takes the place of one that is lost."""
        self.world.hosts[name].etcd = False
        self.machines[name] = self.world.machine(folder / "new", name)
        self.grounds[name] = FakeGround(FakeMaintenance(self.machines[name], ""))
        return self.machines[name]


@pytest.fixture
def make_stack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Stack]:
    def issuer_first(machine: Machine, leaf: Path, trusted: Path) -> tuple[str, ...]:
        return (leaf.read_text(), *trusted.read_text().split()[2:])

    monkeypatch.setattr(authorities, "issuer_first", issuer_first)
    monkeypatch.setattr(configuration, "USER", f"{getpass.getuser()}:{grp.getgrgid(os.getegid()).gr_name}")
    return lambda *names: Stack(tmp_path, names) if names else Stack(tmp_path)


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    return make_stack()


# --- a new cluster


def test_one_machine_after_another(stack: Stack) -> None:
    """`--parallel 1`: the shell's first step never ended well, for the others begin after it."""
    first = stack.converge("etcd-0")
    assert 120 <= first.elapsed < 122
    assert "etcd has started here, and waits for a majority: 1 of 3 members run" in first.said
    assert first.steps[-3:] == ["health", "snapshot", "backups"]
    assert first.logged[-1] == ("etcd", "ready: a majority is awaited by the members that start after it")
    assert not (first.state / "etcd-sample").exists()

    second = stack.converge("etcd-1")
    # With it there is a majority, and it does not end without.
    assert second.elapsed < 130 and second.logged[-1][0] == "etcd"
    assert second.lines[-1].startswith("ready: https://10.0.0.2:2380")

    stack.converge("etcd-2")
    assert len(stack.world.members) == 3 and not any(member.is_learner for member in stack.world.members)
    for name in stack.names:
        # The unit itself ends the first start of the one that was not awaited, and notes that it was a member.
        assert (stack.machines[name].state / "etcd-sample").exists()
        assert not stack.machines[name].path(PERMISSION).exists()
        assert not stack.machines[name].path(INITIAL).exists()

    # Again it completes the first one, and changes nothing.
    stack.converge("etcd-0")
    assert (first.state / "etcd-sample").exists()
    assert stack.world.keys["openstack-paas/authorities/etcd/etcd-0"] == b"one one"
    assert not first.called("systemctl restart")


def test_five_machines_one_after_another(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack("etcd-0", "etcd-1", "etcd-2", "etcd-3", "etcd-4")
    stack.up()
    ends = [stack.machines[name].lines[-1] for name in stack.names]
    assert ["awaited" in end for end in ends] == [True, True, False, False, False]


def test_all_at_once(stack: Stack) -> None:
    """The others are made while the first waits; then all of them end with a majority."""
    stack.world.clock.after(20, lambda: stack.converge("etcd-1"))
    first = stack.converge("etcd-0")
    assert first.elapsed < 30
    assert first.logged[-1][0] == "etcd" and first.lines[-1].startswith("ready: https://10.0.0.1:2380")


def test_only_member(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack("etcd-0")
    stack.up()
    assert "ready: https://10.0.0.1:2380" in stack.machines["etcd-0"].lines[-1]
    assert stack.machines["etcd-0"].elapsed < 1


def test_majority_runs_and_does_not_agree(stack: Stack) -> None:
    """With a majority of members that listen nobody ends without its health."""
    stack.world.hosts["etcd-1"].etcd = True
    for number, name in enumerate(stack.names):
        stack.world.add_entry(stack.world.hosts[name], 0xB0 + number)
    stack.world.hosts["etcd-0"].cut_off = True
    with pytest.raises(Failed, match=r"waited 240 s for etcd to answer with a majority of its members \(etcd-0,"):
        stack.converge("etcd-0")


def test_etcd_does_not_run_here(stack: Stack) -> None:
    """A member that is not up itself does not leave the wait to others."""
    stack.machines["etcd-0"].answer("systemctl --no-block start", Ended(0))
    with pytest.raises(Failed, match="waited 240 s for etcd to answer"):
        stack.converge("etcd-0")


def test_majority_is_lost_later(stack: Stack) -> None:
    """Where there has been an etcd nobody ends without a majority."""
    stack.up()
    for name in stack.names:
        stack.world.hosts[name].etcd = False
    with pytest.raises(Failed, match="waited 240 s for etcd to answer"):
        stack.converge("etcd-0")
    assert stack.machines["etcd-0"].path(f"{DATA}/member/wal/0.wal").exists()


# --- again


def test_again_changes_nothing(stack: Stack) -> None:
    stack.up()
    stack.converge("etcd-0")
    machine = stack.machines["etcd-0"]
    machine.lines.clear()
    machine.logged.clear()
    machine.calls.clear()
    stack.world.calls.clear()
    stack.converge("etcd-0")
    assert stack.world.calls == []
    assert not any(verb in call for call in machine.calls for verb in ("start", "restart", "stop", "daemon-reload"))
    assert not any("wrote" in line for line in machine.lines)
    assert machine.steps == [
        "version", "unused services", "firewall", "authorities", "configuration", "restore", "membership", "health",
        "leavers", "snapshot", "turn", "room", "record of authorities", "backups",
    ]  # fmt: skip
    assert stack.grounds["etcd-0"].calls[-2:] == ["prepare etcd", "firewall"]


def test_machines_of_the_release_before_the_agent_go_over_without_a_restart(stack: Stack) -> None:
    """Its initial.env is still there, and was among what etcd had read when it started."""
    stack.up()
    for name in stack.names:
        machine = stack.machines[name]
        machine.path(GUARD_FILE).unlink()
        machine.write(INITIAL, "ETCD_INITIAL_CLUSTER_STATE=new\n")
        paths = ("/etc/etcd/etcd.env", INITIAL, UNIT_FILE, f"{PKI}/ca.crt")
        services.remember(machine, "etcd.service", services.fingerprint(machine, paths))
        machine.calls.clear()
    stack.up()
    for name in stack.names:
        machine = stack.machines[name]
        assert not machine.path(INITIAL).exists() and machine.path(GUARD_FILE).exists()
        assert not machine.called("systemctl restart") and not machine.called("systemctl --no-block")


def test_first_run_goes_through_the_epoch_at_once(stack: Stack) -> None:
    stack.up()
    assert stack.grounds["etcd-0"].calls == ["prepare", "firewall"]
    assert stack.grounds["etcd-0"].maintenance.calls == ["renew_new_machine"]


def test_options_change_in_turn(stack: Stack) -> None:
    stack.up()
    stack.files = replace(FILES, environment="ETCD_NAME=y\n")
    stack.world.calls.clear()
    stack.up()
    for name in stack.names:
        assert len(stack.machines[name].called("systemctl restart etcd.service")) == 1
    assert [call for call in stack.world.calls if call.startswith("unlock")] == ["unlock"] * 3


def test_larger_quota_for_an_etcd_that_is_full(stack: Stack) -> None:
    """No lease, so no lock, and no put. The shell's `up` ended at the lock: the quota could not be raised."""
    stack.up()
    stack.files = replace(FILES, environment="ETCD_QUOTA_BACKEND_BYTES=8589934592\n")
    stack.world.calls.clear()
    stack.world.full = True
    stack.up()
    for name in stack.names:
        assert stack.machines[name].called("systemctl restart etcd.service")
        assert "etcd is full and gives no lock" in stack.machines[name].said
        assert "etcd is full and writes nothing down" in stack.machines[name].said


def test_full_etcd_and_a_lost_machine(stack: Stack, tmp_path: Path) -> None:
    stack.up()
    stack.world.full = True
    stack.replace("etcd-1", tmp_path)
    stack.converge("etcd-1")
    assert not any(member.is_learner for member in stack.world.members)


def test_jump_is_refused_first_of_all(stack: Stack) -> None:
    stack.up()
    stack.grounds["etcd-0"].maintenance.installed = "3.4.0"
    stack.grounds["etcd-0"].calls.clear()
    with pytest.raises(Failed, match="skips a minor version"):
        stack.converge("etcd-0")
    assert stack.grounds["etcd-0"].calls == []


def test_election_goes_on(stack: Stack) -> None:
    """A member that is without a leader for a moment is not restarted outside its turn, though its options change."""
    stack.up()
    stack.files = replace(FILES, environment="ETCD_NAME=y\n")
    machine = stack.machines["etcd-0"]
    for name in ("etcd-1", "etcd-2"):
        stack.world.hosts[name].etcd = False
    machine.answer("systemctl is-active --quiet etcd.service", 0)
    stack.world.clock.after(3, lambda: setattr(stack.world.hosts["etcd-1"], "etcd", True))
    stack.world.clock.after(6, lambda: setattr(stack.world.hosts["etcd-2"], "etcd", True))
    stack.converge("etcd-0")
    assert not machine.called("systemctl --no-block restart")
    assert len(machine.called("systemctl restart etcd.service")) == 1


def test_member_without_majority_takes_new_options(stack: Stack) -> None:
    """It may be these options that bring the majority back."""
    stack.up()
    stack.files = replace(FILES, environment="ETCD_NAME=y\n")
    machine = stack.machines["etcd-0"]
    for name in ("etcd-1", "etcd-2"):
        stack.world.hosts[name].etcd = False
    machine.answer("systemctl is-active --quiet etcd.service", 0)
    machine.answer("systemctl show --property=ActiveState", "active")
    with pytest.raises(Failed, match="waited 240 s"):
        stack.converge("etcd-0")
    assert machine.called("systemctl --no-block restart") == ["systemctl --no-block restart etcd.service"]


# --- losses


def test_lost_machine_comes_back(stack: Stack, tmp_path: Path) -> None:
    stack.up()
    new = stack.replace("etcd-1", tmp_path)
    stack.world.lag = 3
    stack.world.calls.clear()
    stack.converge("etcd-1")
    assert len(stack.world.members) == 3 and not any(member.is_learner for member in stack.world.members)
    assert not new.path(PERMISSION).exists() and (new.state / "etcd-sample").exists()
    assert stack.world.calls.count("unlock") == 1


def test_all_machines_are_lost(stack: Stack, tmp_path: Path) -> None:
    """The shell made an empty cluster, and kubelets that came back ended all their pods."""
    stack.up()
    stack.world.members.clear()
    for name in stack.names:
        stack.replace(name, tmp_path)
    with pytest.raises(Failed, match="this stack has had an etcd"):
        stack.converge("etcd-0")
    assert not stack.machines["etcd-0"].called("systemctl --no-block start")
    # What people want after that: an empty one, on this day.
    stack.start_empty = "2026-11-21"
    stack.up()
    assert "ready: https://10.0.0.3:2380" in stack.machines["etcd-2"].lines[-1]


def test_restore_is_half_done(stack: Stack) -> None:
    stack.machines["etcd-0"].write("/var/lib/openstack-paas/etcd-restore/stage", "stopped\n")
    with pytest.raises(Failed, match="a restore of etcd was begun and not ended"):
        stack.converge("etcd-0")
    assert not stack.machines["etcd-0"].called("systemctl --no-block start")
    stack.machines["etcd-0"].write("/var/lib/openstack-paas/etcd-restore/stage", "emptied\n")
    stack.converge("etcd-0")


def test_etcd_goes_while_a_step_asks_it(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    stack.up()
    network = FakeNetwork

    def let_go(*given: object) -> None:
        network(stack.world).api("https://10.0.0.9:2379").members()

    monkeypatch.setattr(converge, "let_leavers_go", let_go)
    with pytest.raises(Failed, match=r"etcd: https://10.0.0.9:2379: nobody answers"):
        stack.converge("etcd-0")


# --- files


def test_files(stack: Stack) -> None:
    stack.up()
    machine = stack.machines["etcd-0"]
    modes = {file.name: oct(file.stat().st_mode & 0o777) for file in machine.path(PKI).iterdir()}
    assert modes == {
        "ca.crt": "0o644", "server.crt": "0o644", "peer.crt": "0o644", "client.crt": "0o644",
        "server.key": "0o400", "peer.key": "0o400", "client.key": "0o400",
    }  # fmt: skip
    assert oct(machine.path(DATA).stat().st_mode & 0o777) == "0o700"
    assert machine.path(UNIT_FILE).read_text() == FILES.unit
    assert machine.path(GUARD_FILE).read_text() == guard("sample")
    assert not machine.called("useradd")


def test_user_is_made(stack: Stack) -> None:
    machine = stack.machines["etcd-0"]
    machine.answer("id etcd", 1)
    machine.answer("useradd")
    configuration.write_configuration(machine, FILES, "sample")
    assert len(machine.called("useradd --system")) == 1


def test_guard_of_a_member_that_runs_is_read_at_once(stack: Stack) -> None:
    """It holds for the next start, and needs no restart for that."""
    stack.up()
    machine = stack.machines["etcd-0"]
    machine.path(GUARD_FILE).unlink()
    machine.answer("systemctl show --property=NeedDaemonReload", "yes")
    machine.calls.clear()
    stack.converge("etcd-0")
    assert machine.called("systemctl daemon-reload") and not machine.called("systemctl restart")
