"""The timeline of a small synthetic run, whose critical path is known."""

import json
import xml.etree.ElementTree as xml
from pathlib import Path
from typing import Any

import pytest

from ops.__main__ import main
from ops.timeline import steps as timeline
from ops.timeline.cli import CRITICAL, draw, show

STACK = "urn:pulumi:lab::openstack-paas::pulumi:pulumi:Stack::openstack-paas-lab"
BEGIN = 1_700_000_000


def urn(kind: str, name: str) -> str:
    return f"urn:pulumi:lab::openstack-paas::openstack-paas:index:Platform${kind}::{name}"


NETWORK = urn("openstack:networking/network:Network", "network")
GATEWAY = urn("openstack:compute/instance:Instance", "gateway-0")
WORKER = urn("openstack:compute/instance:Instance", "worker-0")
GATEWAYS = urn("openstack-paas:gateways:Gateways", "gateways")
CONVERGE = urn("command:remote:Command", "gateway-0-step")
JOIN = urn("command:remote:Command", "worker-0-step")
DATABASE = urn("kubernetes:helm.sh/v3:Release", "mariadb")
KEY = urn("tls:index/privateKey:PrivateKey", "key")

#: URN -> start, end, whether a provider worked on it.
TIMES = {
    NETWORK: (1, 5, True),
    KEY: (0, 1, True),
    GATEWAYS: (1, 1, False),
    GATEWAY: (5, 30, True),
    WORKER: (5, 42, True),
    CONVERGE: (30, 50, True),
    JOIN: (50, 61, True),
    DATABASE: (61, 80, True),
}
#: The join waits for the component of the gateways, of which the step is a child.
DEPENDENCIES = {
    GATEWAY: [NETWORK],
    WORKER: [NETWORK],
    CONVERGE: [GATEWAY, KEY],
    JOIN: [WORKER, GATEWAYS],
    DATABASE: [JOIN],
}


def event(kind: str, address: str, at: int, operation: str, custom: bool = True) -> dict[str, Any]:
    state = {"urn": address, **({"custom": True} if custom else {})}
    return {"timestamp": BEGIN + at, kind: {"metadata": {"urn": address, "op": operation, "new": state}}}


def log_of(operation: str = "create") -> list[dict[str, Any]]:
    events = [{"timestamp": BEGIN, "preludeEvent": {}}]
    for address, (start, end, custom) in TIMES.items():
        events.append(event("resourcePreEvent", address, start, operation, custom))
        events.append(event("resOutputsEvent", address, end, operation, custom))
    events.append({"timestamp": BEGIN + 81, "summaryEvent": {}})
    return sorted(events, key=lambda one: one["timestamp"])


def state_of() -> dict[str, Any]:
    resources = []
    for address in TIMES:
        parent = GATEWAYS if address in (GATEWAY, CONVERGE) else STACK
        resources.append({"urn": address, "parent": parent, "dependencies": DEPENDENCIES.get(address, [])})
    return {"deployment": {"resources": resources}}


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    log, state = tmp_path / "events.jsonl", tmp_path / "state.json"
    log.write_text("\n".join(json.dumps(each) for each in log_of()) + '\n{"timestamp": 17')
    state.write_text(json.dumps(state_of()))
    return log, state


def test_steps_and_critical_path(files: tuple[Path, Path]) -> None:
    run = timeline.read(*files)
    assert run.seconds == 81
    assert len(run.steps) == 7, "components are no steps"
    assert [step.name for step in run.critical] == [
        "network",
        "gateway-0",
        "gateway-0-step",
        "worker-0-step",
        "mariadb",
    ]
    assert [step.seconds for step in run.critical] == [4, 25, 20, 11, 19]
    assert run.by_dependencies


def test_dependencies_decide_and_not_times_alone(files: tuple[Path, Path]) -> None:
    log, state = files
    document = state_of()
    for resource in document["deployment"]["resources"]:
        if resource["urn"] == JOIN:
            resource["dependencies"], resource["propertyDependencies"] = [], {"triggers": [WORKER]}
    state.write_text(json.dumps(document))
    assert [step.name for step in timeline.read(log, state).critical] == [
        "network",
        "worker-0",
        "worker-0-step",
        "mariadb",
    ]
    assert not timeline.read(log).by_dependencies


def test_deletion_waits_for_what_needs_it() -> None:
    mirrored = {address: (81 - end, 81 - start, custom) for address, (start, end, custom) in TIMES.items()}
    steps = [
        timeline.Step(address, "delete", start, end) for address, (start, end, custom) in mirrored.items() if custom
    ]
    path = timeline.critical_path(steps, timeline.graph_of(state_of()))
    assert [step.name for step in path] == ["mariadb", "worker-0-step", "gateway-0-step", "key"]


def test_failed_and_broken_off_steps(tmp_path: Path) -> None:
    events = [
        event("resourcePreEvent", NETWORK, 0, "create"),
        event("resOpFailedEvent", NETWORK, 7, "create"),
        event("resourcePreEvent", GATEWAY, 2, "update"),
        event("resourcePreEvent", KEY, 2, "same"),
        event("resOutputsEvent", KEY, 9, "same"),
    ]
    log = tmp_path / "events"
    log.write_text("\n".join(map(json.dumps, events)))
    steps = timeline.read(log).steps
    assert [(step.name, step.end, step.failed) for step in steps] == [("network", 7, True), ("gateway-0", 9, True)]


def test_picture_and_table(files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    run = timeline.read(*files)
    drawing = draw(run, "An <up>")
    root = xml.fromstring(drawing)
    bars = [element for element in root.iter("{http://www.w3.org/2000/svg}rect") if len(element)]
    assert len(bars) == 6
    assert "7 operations in 81 s; 1 of at most 1 s are not drawn" in drawing
    assert sum(bar.get("fill") == CRITICAL for bar in bars) == 5
    show(run)
    shown = capsys.readouterr().out
    assert "Critical path" in shown and "gateway-0-step" in shown


def test_command_line(files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log, state = files
    assert main(["timeline", str(log), "--state", str(state), "--svg", str(tmp_path / "up.svg")]) == 0
    assert (tmp_path / "up.svg").read_text().startswith("<svg")
    assert main(["timeline", str(tmp_path / "nothing")]) == 2
    assert "nothing: No such file" in capsys.readouterr().err
