"""Which platforms may be drilled with what, who must say yes, what falls, and how machines come back."""

import argparse
import json
import sys
import time
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from ops.drill import cli, drills, report
from ops.drill.drills.gateways import GatewaysLoss, InsideWriter
from ops.drill.drills.one_machine import WorkerLoss
from ops.drill.probes.database import NumbersTable
from ops.drill.probes.http import ApiRead
from ops.drill.probes.probe import Outage, Probe
from ops.drill.report import Report
from ops.drill.state_files import one_at_a_time
from ops.drill.target import UP_SECONDS
from tests.unit.ops.drill_samples import LARGE, FakePower, FakeTarget, target

KNOWN = drills.known()


def refusal(name: str, platform: FakeTarget) -> str:
    return "; ".join(KNOWN[name](platform).refusals())


class LabHost:
    """A compute host with some of the machines."""

    def __init__(self, *names: str) -> None:
        self.names = list(names)

    def machines(self) -> list[str]:
        return self.names

    def off(self) -> None: ...

    def on(self) -> None: ...


def test_every_drill_has_a_name_a_word_about_it_and_a_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeTarget, "primary_node", lambda _: "paas-worker-0")
    monkeypatch.setattr(FakeTarget, "run", lambda _, machine, command: str(2**40 if "df" in command else 2**31))
    for name, kind in KNOWN.items():
        platform = target(host=LabHost("paas-etcd-0", "paas-worker-1"))
        drill = kind(platform)
        assert kind.about and not list(drill.refusals()), name
        drill.choose()
        plan = drill.plan()
        assert len(plan) >= 3 and all(line.endswith(".") for line in plan), f"{name}: {plan}"
        platform.delete = True
        assert len(drill.plan()) >= 3
        assert drill.inspect() and not any("{" in command or "  " in command for command in drill.inspect()), name


@pytest.mark.parametrize(
    ("name", "fewer", "words"),
    [
        ("gateway", {"gateway": 1}, "1 of at least 2 machines with the role gateway"),
        ("gateways", {"gateway": 0}, "there is no gateway"),
        ("etcd-follower", {"etcd": 1}, "no majority"),
        ("etcd-leader", {"etcd": 0}, "0 of at least 3 machines with the role etcd"),
        ("etcd-leader", {"etcd": 0}, "with etcd on control planes use the drill control-plane"),
        ("etcd-stop", {"etcd": 0}, "etcd has no machines of its own"),
        ("etcd-nospace", {"etcd": 0}, "etcd has no machines of its own"),
        ("etcd-majority", {"etcd": 1}, "1 of at least 3 machines with the role etcd: losing all but one"),
        ("etcd-data-loss", {"etcd": 0}, "etcd has no machines of its own"),
        ("control-plane", {"control-plane": 1}, "no API server would be left"),
        ("control-plane", {"control-plane": 2, "etcd": 0}, "without one of them it has no majority"),
        ("worker", {"worker": 1}, "no machine would be left for its pods"),
        ("leader-election", {"control-plane": 1}, "could take over"),
        ("network-partition", {"etcd": 1}, "fewer than 3 machines"),
        ("host", {}, "only a lab's tests"),
    ],
)
def test_too_few_survivors_are_refused(name: str, fewer: dict[str, int], words: str) -> None:
    assert words in refusal(name, target({**LARGE, **fewer}))


def test_other_refusals() -> None:
    assert refusal("mariadb-primary", target(database=False)) == "the platform has no database"
    assert "paas-etcd-0 does not have the role gateway" in refusal("gateway", target(machine="paas-etcd-0"))
    assert "2 of 3 machines with the role etcd" in refusal("host", target(host=LabHost("paas-etcd-0", "paas-etcd-1")))


def test_the_machine_whose_loss_is_felt_most_falls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeTarget, "primary_node", lambda _: "paas-worker-1")
    for name, victim in {
        "gateway": "paas-gateway-1",
        "etcd-leader": "paas-etcd-1",
        "etcd-follower": "paas-etcd-0",
        "control-plane": "paas-control-plane-2",
        "worker": "paas-worker-1",
    }.items():
        power = FakePower()
        platform = target(power=power)
        drill = KNOWN[name](platform)
        drill.choose()
        drill.fault()
        assert platform.away == {victim}
        drill.repair()
        assert power.done == [f"off {victim}", f"on {victim}"]


def test_a_deleted_machine_is_made_again_by_up_and_is_not_the_primarys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeTarget, "primary_node", lambda _: "paas-worker-1")
    power = FakePower()
    platform = target(power=power, delete=True)
    drill = WorkerLoss(platform)
    drill.choose()
    drill.fault()
    drill.repair()
    assert power.done == ["delete paas-worker-0"] and platform.events == ["up"]
    assert not drill.silent_probes, "the database goes on"
    drill = WorkerLoss(target(power=power, delete=True, machine="paas-worker-1"))
    drill.choose()
    assert any("no replica has received yet are lost" in line for line in drill.plan())


def test_deletion_adds_the_time_of_up_to_the_drills_that_delete() -> None:
    for name, seconds, deletes in (("worker", 420, True), ("etcd-majority", 900, True), ("etcd-stop", 300, False)):
        assert KNOWN[name](target()).recovery_seconds == seconds
        assert KNOWN[name](target(delete=True)).recovery_seconds == seconds + UP_SECONDS * deletes


def test_each_role_notices_the_loss_of_a_machine_in_its_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def noticed(name: str, machine: str = "") -> bool:
        drill = KNOWN[name](target(machine=machine))
        drill.choose()
        return drill.noticed_at() is not None

    monkeypatch.setattr(FakeTarget, "primary_node", lambda _: "")
    monkeypatch.setattr(FakeTarget, "etcd_status", lambda _: {"10.0.1.1": {}, "10.0.1.2": {}})
    # The fake's gateway 1 and etcd member 1 lead, and all nodes are Ready.
    assert not noticed("gateway") and noticed("gateway", "paas-gateway-0")
    assert not noticed("etcd-leader") and noticed("etcd-leader", "paas-etcd-0")
    assert noticed("etcd-follower") and not noticed("etcd-follower", "paas-etcd-2")
    assert not noticed("network-partition") and noticed("network-partition", "paas-gateway-0")
    assert not noticed("control-plane") and not noticed("worker")
    monkeypatch.setattr(FakeTarget, "node_ready", lambda *_: False)
    assert noticed("control-plane") and noticed("worker") and noticed("network-partition", "paas-control-plane-0")


def arguments(**given: Any) -> argparse.Namespace:
    return argparse.Namespace(yes=False, production=False, **given)


@pytest.mark.parametrize(
    ("preset", "yes", "production", "allowed"),
    [
        ("dev", True, False, True),
        ("production", True, False, False),
        ("production", True, True, True),
        ("", True, False, False),
        ("dev", False, False, False),
    ],
)
def test_a_production_platform_needs_two_confirmations(
    preset: str, yes: bool, production: bool, allowed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", StringIO())
    given = argparse.Namespace(yes=yes, production=production)
    reason = cli.reason_against(target(preset=preset), given, [], lambda _: "paas")
    assert (reason == "") is allowed, reason


def test_the_question_wants_the_name_of_the_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal())
    asked: list[str] = []

    def answer(text: str) -> Any:
        return lambda question: asked.append(question) or text

    assert cli.reason_against(target(), arguments(), ["It falls."], answer("paas")) == ""
    assert cli.reason_against(target(), arguments(), ["It falls."], answer("y")) == "not confirmed"
    assert "It falls." in asked[0]


def test_a_second_drill_on_the_same_machine_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    given = argparse.Namespace(yes=True, production=False)
    with one_at_a_time("paas") as first, one_at_a_time("other") as other:
        assert first and other
        done = cli.drill_one(KNOWN["gateway"], target(), given)
    assert done.status == report.REFUSED and "another drill of stack paas" in done.problems[0]
    with one_at_a_time("paas") as again:
        assert again


def test_one_file_adds_a_drill(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "flood.py").write_text(
        "from ops.drill.base import Drill\n\n\nclass Flood(Drill):\n    name = 'flood'\n    order = 1\n"
    )
    monkeypatch.setattr(drills, "__path__", [*drills.__path__, str(tmp_path)])
    try:
        assert next(iter(drills.known())) == "flood"
    finally:
        sys.modules.pop("ops.drill.drills.flood", None)
        vars(drills).pop("flood", None)


def test_reports_for_people_and_for_programs(tmp_path: Path) -> None:
    made = Report("gateway", "paas", "2026-01-01T00:00:00+00:00", ["It falls."], report.PASSED, 1.23456)
    made.probes = {"API write": Outage(50, 3, 2.5, acknowledged=47), "API read": Outage(10, 10, None)}
    file = tmp_path / "reports.jsonl"
    report.append(made, file)
    report.append(made, file)
    first, second = (json.loads(line) for line in file.read_text().splitlines())
    assert first == second
    assert first["outcome"] == "passed" and first["lost"] == 0 and first["detection_seconds"] == 1.235
    assert first["probes"]["API write"]["longest_gap"] == 2.5
    screen = StringIO()
    report.show(Console(file=screen, width=100), made)
    assert "3 of 50" in screen.getvalue() and "served again after, without what failed  -" in screen.getvalue()


class FakePods:
    """The pods of a cluster by their ids, as the library hands them over."""

    def __init__(self, **names: str) -> None:
        self.names = names

    def list_pod_for_all_namespaces(self, **_: Any) -> Any:
        def pod(uid: str, name: str) -> Any:
            owner = SimpleNamespace(kind="Job" if name.startswith("backup") else "ReplicaSet")
            metadata = SimpleNamespace(
                uid=uid, namespace="apps", name=name, deletion_timestamp=None, owner_references=[owner]
            )
            return SimpleNamespace(metadata=metadata)

        return SimpleNamespace(items=[pod(uid, name) for uid, name in self.names.items()])


class FakeRead(Probe):
    """A question that somebody else answers."""

    def ask(self) -> None: ...


def test_all_gateways_fall_together_and_the_first_one_comes_back_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    pods = FakePods(u1="web", u2="db-0", u3="backup")
    monkeypatch.setattr(FakeTarget, "core", property(lambda _: pods))
    power = FakePower()
    platform = target(power=power, database=False)
    drill = GatewaysLoss(platform)
    drill.fault()
    assert sorted(power.done) == ["off paas-gateway-0", "off paas-gateway-1"]
    assert platform.away == {"paas-gateway-0", "paas-gateway-1"}
    read = FakeRead()
    drill.probes, drill.began = {ApiRead.name: read}, time.monotonic()
    assert drill.noticed_at() is None
    read.answers.bad.append(time.monotonic() + 1)
    assert drill.noticed_at() == read.answers.bad[0]
    others = []

    def on(machine: Any) -> None:
        power.done.append(f"on {machine.name}")
        others.append(list(read.answers.good))
        read.answers.good.append(time.monotonic() + 2)

    monkeypatch.setattr(power, "on", on)
    drill.repair()
    assert power.done[2:] == ["on paas-gateway-0", "on paas-gateway-1"]
    assert others[0] == [] and len(others[1]) == 1, "the second one before the API answered by the first"
    assert not platform.away
    assert 1 < drill.figures["API outside after a gateway runs"] < 3
    # A backup that ended is none that was evicted; one that bears the same name as before is.
    pods.names = {"u1": "web", "u4": "db-0"}
    assert drill.failures() == ["1 of 2 pods were evicted: apps/db-0"]
    pods.names = {"u1": "web", "u2": "db-0"}
    assert drill.failures() == []


def test_rows_lost_inside_fail_the_drill(monkeypatch: pytest.MonkeyPatch) -> None:
    log = "1 100.5\n2 100.9\nERROR 2003 (HY000): no connection\n3 104.0\n"
    answers = {"SELECT": "1\n3", "DROP": ""}
    pods = FakePods()
    pods.read_namespaced_pod_log = lambda *_, **__: log  # type: ignore[attr-defined]
    monkeypatch.setattr(FakeTarget, "core", property(lambda _: pods))
    monkeypatch.setattr(NumbersTable, "query", lambda _, statement: answers[statement.split()[0]])
    platform = target()
    drill = GatewaysLoss(platform)
    assert platform.outputs.database is not None
    drill.writer = InsideWriter(platform, platform.outputs.database)
    assert drill.failures() == ["1 writes that were acknowledged inside the cluster are lost"]
    assert round(drill.figures["database write inside"], 1) == 3.1
    answers["SELECT"] = "1\n2\n3\n4"
    assert drill.failures() == []
