"""`paas etcd ...` from its words to its exit status, on machines that answer from a table."""

import json
from typing import Any, Self

import pytest

from ops import __main__ as ops
from ops.etcd import cli
from ops.shared.outputs import Machine, Outputs
from ops.shared.ssh import SshError

NOW = 1_800_000_000


def _outputs() -> Outputs:
    machines = tuple(Machine(f"etcd-{number}", "etcd", "192.0.2.1", "", "") for number in range(3))
    return Outputs("https://192.0.2.9:6443", "", "", "debian", machines, None, {})


class FakeSsh:
    """Answers by machine and script; what is not in the table cannot be reached."""

    def __init__(self, answers: dict[tuple[str, str], Any]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, str]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def client(self, machine: Machine) -> None:
        if not any(machine.name == name for name, _ in self.answers):
            raise SshError(f"{machine.name}: no SSH")

    def run(self, machine: Machine, command: str, script: str = "", seconds: float = 30) -> str:
        name, _, _, *options = command.partition("python3 -I /opt/openstack-paas/agent.pyz ")[2].split()
        key = machine.name, " ".join([name, *options])
        self.asked.append(key)
        if key not in self.answers:
            raise SshError(f"{machine.name}: no SSH")
        answer = self.answers[key]
        return answer if isinstance(answer, str) else json.dumps(answer)


def _run(monkeypatch: pytest.MonkeyPatch, answers: dict[tuple[str, str], Any], *words: str) -> tuple[int, FakeSsh]:
    ssh = FakeSsh(answers)
    monkeypatch.setattr(cli, "Ssh", lambda outputs: ssh)
    monkeypatch.setattr("ops.shared.outputs.load", lambda *_: _outputs())
    return ops.main(["etcd", *words]), ssh


def _listing(member: str, age: int) -> dict[str, Any]:
    one = {"name": f"{member}-new", "member": member, "time": NOW - age, "revision": 7, "keys": 3, "size": 2**20}
    return {
        "member": member,
        "now": NOW,
        "interval": 900,
        "status": {},
        "snapshots": [one | {"verified": True}],
        "places": {},
    }


def test_backups_lists_every_member_and_names_what_was_not_reached(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = {("etcd-0", "backups here=no"): _listing("etcd-0", 600)}
    status, ssh = _run(monkeypatch, answers | {("etcd-2", "backups here=yes"): _listing("etcd-2", 60)}, "backups")
    assert status == 0
    shown = capsys.readouterr().out
    assert [line.split()[:4] for line in shown.splitlines()[1:3]] == [
        ["etcd-2", "etcd-2-new", "60", "s"],
        ["etcd-0", "etcd-0-new", "10", "min"],
    ]
    assert "problem: etcd-1: no SSH" in shown
    # Only one member looks into the places off the machines.
    assert [words for _, words in ssh.asked] == ["backups here=no", "backups here=yes", "backups here=yes"]


def test_backups_that_are_late_are_a_failure_also_as_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _ = _run(monkeypatch, {("etcd-0", "backups here=no"): _listing("etcd-0", 7200)}, "backups", "--json")
    assert status == 1
    document = json.loads(capsys.readouterr().out)
    assert (document["ageSeconds"], document["newest"]["name"]) == (7200, "etcd-0-new")
    assert document["late"].startswith("the newest verified snapshot is 2 h 0 min old")


def test_a_snapshot_is_taken_by_the_first_member_that_can(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    word = "snapshot"
    answers = {
        ("etcd-1", word): "[ 0.1 s] member: the member is a learner, which has not caught up: no snapshot\n",
        ("etcd-2", word): "[ 2.0 s] copies: done in 0.1 s\n[ 2.0 s] backup: name: revision 7, 3 keys, verified\n",
    }
    assert _run(monkeypatch, answers, "snapshot")[0] == 0
    assert capsys.readouterr().out == "etcd-2: [ 2.0 s] backup: name: revision 7, 3 keys, verified\n"
    del answers["etcd-2", word]
    assert _run(monkeypatch, answers, "snapshot")[0] == 1
    assert "etcd-1: [ 0.1 s] member: the member is a learner" in capsys.readouterr().err


def _look(member: str, **more: Any) -> dict[str, Any]:
    look = {"member": member, "etcd": "inactive", "healthy": False, "data": False, "revision": None, "stage": ""}
    return look | {"plan": None, "aside": []} | more


def test_a_restore_explains_and_touches_nothing_unasked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers: dict[tuple[str, str], Any] = {
        (f"etcd-{number}", "restore step=look"): _look(f"etcd-{number}") for number in range(3)
    }
    answers["etcd-0", "backups here=no"] = _listing("etcd-0", 600)
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    status, ssh = _run(monkeypatch, answers, "restore")
    assert status == 2
    said = capsys.readouterr().err
    assert "To be restored: the snapshot etcd-0-new in etcd-0, 10 min old, revision 7" in said
    assert "This loses: everything written in the 10 min since the snapshot" in said
    assert "give --yes" in said
    assert {words for _, words in ssh.asked} == {"restore step=look", "backups here=no", "backups here=yes"}


def test_a_restore_of_an_etcd_that_works_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    healthy = {"etcd": "active", "healthy": True, "data": True, "revision": 9}
    answers: dict[tuple[str, str], Any] = {
        (f"etcd-{number}", "restore step=look"): _look(f"etcd-{number}", **healthy) for number in range(3)
    }
    assert _run(monkeypatch, answers, "restore", "--yes")[0] == 2
    assert "nothing is lost" in capsys.readouterr().err


def test_the_first_member_that_is_reached_defragments_all(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = {("etcd-1", "defragment force=yes"): "etcd-0 defragmented\n"}
    status, ssh = _run(monkeypatch, answers, "defragment")
    assert (status, capsys.readouterr().out) == (0, "etcd-0 defragmented\n")
    assert [name for name, _ in ssh.asked] == ["etcd-1"]
    assert _run(monkeypatch, {}, "defragment")[0] == 2
    assert "no member can be reached" in capsys.readouterr().err
