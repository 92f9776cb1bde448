"""The order of a restore over the machines, with machines that only record what they are asked."""

import json
from dataclasses import replace
from datetime import datetime
from threading import Lock
from typing import Any

import pytest

from ops.etcd.plan import Plan, RestoreError
from ops.etcd.restore import Restore, choose, survey
from ops.shared.cluster import ClusterError
from ops.shared.outputs import Machine, Outputs
from ops.shared.ssh import SshError

SOURCE = {"kind": "here", "name": "one", "path": "", "encrypted": False}
PLAN = Plan("20260102T030405Z", "etcd-1", SOURCE, "the snapshot one", "what came after it")


def _outputs() -> Outputs:
    names = [("etcd", f"etcd-{number}") for number in range(3)] + [
        ("control-plane", f"control-plane-{number}") for number in range(2)
    ]
    inventory = tuple(Machine(name, role, "192.0.2.1", "", "") for role, name in names)
    return Outputs("https://192.0.2.9:6443", "", "", "debian", inventory, None, {})


class Machines:
    """Answers `look`, remembers the rest as "machine: script word"; `broken` fails once, `away` always."""

    def __init__(self, looks: dict[str, dict[str, Any]] | None = None, broken: str = "", away: str = "") -> None:
        self.looks, self.broken, self.away = looks or {}, broken, away
        self.done: list[str] = []
        self.given: dict[str, str] = {}
        self.limits: dict[str, float] = {}
        self.lock = Lock()

    def run(self, machine: Machine, command: str, script: str = "", seconds: float = 30) -> str:
        if machine.name == self.away:
            raise SshError(f"{machine.name}: no SSH")
        prefix, _, words = command.partition("python3 -I /opt/openstack-paas/agent.pyz ")
        assert prefix in ("sudo --non-interactive ", "sudo --non-interactive sh -c '")
        name, role, limit, *options = words.split()
        assert seconds > float(limit) and role == machine.role
        word = " ".join([name, *options]).replace(" </opt/openstack-paas/etcd.json'", "")
        if word == "restore step=look":
            look = {"member": machine.name, "etcd": "inactive", "healthy": False, "data": False, "revision": None}
            return json.dumps(look | {"stage": "", "plan": None} | self.looks.get(machine.name, {}))
        if word == "api-server action=status":
            return "wanted"
        entry = f"{machine.name}: {word}"
        with self.lock:
            if entry == self.broken:
                self.broken = ""
                raise SshError(f"{machine.name}: the connection broke off")
            self.done.append(entry)
            self.given[entry], self.limits[entry] = script, seconds
        return ""


class Follower:
    """A cluster that follows, after `late` questions."""

    def __init__(self, late: int = 0) -> None:
        self.late = late
        self.asked: list[str] = []

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if self.late:
            self.late -= 1
            raise ClusterError("not yet")

    def api(self) -> None:
        self._ask("api")

    def nodes(self, since: datetime) -> None:
        self._ask("nodes")

    def controllers(self, since: datetime) -> None:
        self._ask("controllers")

    def write(self) -> None:
        self._ask("write")


def _restore(ssh: Machines, follower: Follower | None = None, identity: str = "") -> Restore:
    outputs = _outputs()
    found = survey(outputs, ssh)
    return Restore(outputs, ssh, follower or Follower(), PLAN, found, lambda text: None, identity)


def test_first_the_data_then_the_api_then_the_others_one_by_one() -> None:
    ssh, follower = Machines(), Follower(late=1)
    restore = _restore(ssh, follower, "an identity")
    restore.run()
    done = ssh.done
    assert sorted(done[:5]) == [
        *(f"control-plane-{number}: api-server action=stop" for number in range(2)),
        *(f"etcd-{number}: restore step=stop" for number in range(3)),
    ]
    assert done[5:8] == [
        "etcd-1: restore step=snapshot",
        "etcd-1: restore step=place",
        "etcd-1: converge",
    ]
    assert sorted(done[8:10]) == [f"control-plane-{number}: api-server action=start" for number in range(2)]
    assert done[10:] == [
        "etcd-0: restore step=empty",
        "etcd-0: converge",
        "etcd-2: restore step=empty",
        "etcd-2: converge",
        "etcd-1: snapshot reason=restore copies=no",
        "etcd-0: restore step=finish",
        "etcd-2: restore step=finish",
        "etcd-1: restore step=finish",
    ]
    assert follower.asked == ["api", "api", "nodes", "controllers", "write"]
    assert json.loads(ssh.given["etcd-0: restore step=stop"]) == PLAN.document
    given = [entry for entry, text in ssh.given.items() if text == "an identity"]
    assert given == ["etcd-1: restore step=snapshot"], "nothing else sees the identity"
    assert {entry.split(": ")[1]: seconds for entry, seconds in ssh.limits.items()} == {
        **{f"api-server action={word}": 220 for word in ("stop", "start")},
        **{f"restore step={word}": 220 for word in ("stop", "empty", "finish")},
        **{f"restore step={word}": 1840 for word in ("snapshot", "place")},
        "converge": 1840,
        "snapshot reason=restore copies=no": 2680,
    }, "a large database needs its time, and nothing waits for ever"
    assert list(restore.seconds)[:2] == ["API servers and etcd stopped", "snapshot at hand"]


def test_a_member_that_works_again_does_not_cost_the_api_another_stop() -> None:
    broken = Machines(broken="etcd-0: converge")
    with pytest.raises(SshError, match="etcd-0"):
        _restore(broken).run()
    assert "etcd-1: restore step=finish" not in broken.done
    begun = {"plan": dict(PLAN.document), "data": True}
    again = Machines(
        {
            "etcd-0": begun | {"stage": "emptied"},
            "etcd-1": begun | {"stage": "placed", "healthy": True, "etcd": "active"},
            "etcd-2": begun | {"stage": "stopped"},
        }
    )
    _restore(again).run()
    assert not [entry for entry in again.done if "api-server action=stop" in entry]
    assert again.done[-1] == "etcd-1: restore step=finish"


def test_machines_that_are_away_are_left_alone() -> None:
    ssh = Machines(away="etcd-2")
    restore = _restore(ssh)
    assert restore.found.away == ["etcd-2"]
    restore.run()
    assert not [entry for entry in ssh.done if entry.startswith("etcd-2")]
    assert ssh.done[-1] == "etcd-1: restore step=finish"


def test_a_restore_that_was_begun_goes_on_only_with_its_first_member() -> None:
    looks = {"etcd-0": {"stage": "stopped", "plan": PLAN.document}}
    for away in ("etcd-2", "etcd-1"):
        ssh, outputs = Machines(looks, away=away), _outputs()
        found = survey(outputs, ssh)
        if away == PLAN.first:
            with pytest.raises(RestoreError, match=f"{PLAN.id} was begun on etcd-1: bring that machine back"):
                choose(outputs, ssh, found, ())
        else:
            assert choose(outputs, ssh, found, ()) == replace(PLAN, resumed=True)
        assert ssh.done == [], "no snapshot is asked for"
