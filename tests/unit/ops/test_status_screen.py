"""`ops status`: the screen against a golden file (UPDATE_GOLDEN=1 writes it), its colours, and the JSON's keys."""

import io
import json
import os
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from ops.status import output
from ops.status.problems import Problem
from ops.status.report import Report
from tests.unit.ops import status_samples as samples
from tests.unit.ops.status_samples import judged, platform, raw

GOLDEN = Path(__file__).parent / "golden" / "status"


def drawn(report: Report, problems: list[Problem], colours: bool = False) -> str:
    """The text at the width of a small terminal."""
    console = Console(
        width=100, file=io.StringIO(), force_terminal=colours, color_system="standard" if colours else None
    )
    console.print(output.screen(report, problems))
    assert isinstance(console.file, io.StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines()) + "\n"


def sick() -> tuple[Report, list[Problem]]:
    """One machine of each role is lost, and the backups have failed."""
    outputs = platform()
    away = {"paas-gateway-0": "timed out", "paas-etcd-0": "timed out", "paas-worker-0": "No route to host"}
    nodes = [
        samples.node(machine, "Unknown" if machine.name in away else "True")
        for machine in outputs.role("control-plane", "worker")
    ]
    given = raw(
        outputs,
        away,
        {
            "nodes": json.dumps({"items": nodes}),
            "pods": json.dumps({"items": [samples.pod("web-0"), samples.pod("web-1", "Pending", "False", 400)]}),
            "backups": samples.backups_of_database(failure="no space left on the volume"),
        },
        {"mariadb-0": "No route to host"},
        paas_gateway_1={"addresses": "203.0.113.9/32"},
        paas_etcd_1={"backups": samples.snapshots("paas-etcd-1", outcome="failed", step="copies")},
    )
    return judged(outputs, given)


def compare(name: str, text: str) -> None:
    """With the golden file."""
    file = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


def test_a_healthy_platform() -> None:
    compare("healthy.txt", drawn(*judged(platform(), raw(platform()))))


def test_a_sick_platform() -> None:
    compare("sick.txt", drawn(*sick()))


def test_what_is_wrong_is_red_and_what_is_not_is_not() -> None:
    lines = drawn(*sick(), colours=True).splitlines()
    red = "\x1b[1;31m"
    assert all(red in next(line for line in lines if name in line) for name in ("paas-gateway-0", "paas-etcd-0"))
    assert red in next(line for line in lines if "verified, " in line), "a failed backup, whatever its age"
    assert red not in next(line for line in lines if "paas-etcd-2" in line)


def test_the_end_of_support_is_red_when_it_is_near_and_no_problem() -> None:
    for version, words, is_red in (("1.34.2", "out of support since", True), ("1.36.5", "gets fixes until", False)):
        outputs = replace(platform(), versions={"kubernetes": version})
        line = drawn(*judged(outputs, raw(outputs)), colours=True).split("Support")[1]
        assert words in line
        assert ("\x1b[1;31m" in line.splitlines()[0]) == is_red, line
    assert "Support" not in {problem.area for problem in judged(platform(), raw(platform()))[1]}


def test_where_the_end_may_be_cut_off_the_verdict_comes_first() -> None:
    console = Console(width=100, file=io.StringIO())
    console.print(output.screen(*sick(), verdict_first=True))
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().splitlines()[2].strip() == "7 problems"


def test_the_keys_of_the_json() -> None:
    """Who reads it relies on them: changing one needs another `format`."""
    found = json.loads(output.as_json(*sick()))
    assert found["format"] == 1 and found["status"] == 1
    keys = {name: sorted(value[0]) for name, value in found.items() if isinstance(value, list) and value and value[0]}
    assert list(found) == [
        *("format", "status", "problems", "stack", "time", "seconds", "kubernetes", "endOfLife", "rollout"),
        *(
            "machines",
            "api",
            "gateways",
            "etcd",
            "nodes",
            "pods",
            "database",
            "certificates",
            "backups",
            "notAsked",
            "unreadable",
        ),
    ]
    assert keys == {
        "problems": ["area", "page", "runbook", "subject", "text"],
        "machines": [
            *("agent", "clock", "clockMilliseconds", "disks", "name", "problem", "role", "services", "stranger"),
            "wantsRestart",
        ],
        "gateways": ["holds", "name", "problem"],
        "nodes": ["change", "conditions", "containerd", "cordoned", "name", "ready", "reason", "role", "version"],
        "database": ["acknowledging", "error", "lag", "name", "problem", "role", "writes"],
        "certificates": ["begins", "due", "ends", "file", "generation", "kind", "machine", "subject"],
        "backups": [
            *("age", "copied", "count", "interval", "newest", "of", "off", "problem", "taken", "upgrade", "where"),
            "wrong",
        ],
    }
    assert sorted(found["etcd"]["members"][1]) == [
        *("alarms", "hasLeader", "leads", "learner", "milliseconds", "name", "problem", "quota", "revision"),
        *("size", "sizeInUse", "unhealthy", "version"),
    ]
    assert found["backups"][0]["copied"] == {"s3": 231}
