"""`ops status` and `ops doctor`: the platform is healthy, and they finish in time when half of it does not answer.

Both only read.
"""

import json
import time
from pathlib import Path
from typing import Any

from tests.lab.platform import Done, Platform, run
from tests.lab.report import record

#: Seconds that the platform may take to settle after the previous tests: a starting pod, a lag.
SETTLING = 240
#: Seconds that the whole command may take.
HEALTHY, HALF_DEAD = 10, 20


def look(*options: str) -> tuple[Done, dict[str, Any]]:
    """Run `ops status` once. Returns its report too."""
    done = run("python", "-m", "ops", "status", "--json", *options, seconds=60)
    return done, json.loads(done.text)


def test_a_running_platform_is_healthy(platform: Platform) -> None:
    end = time.monotonic() + SETTLING
    done, found = look()
    while done.status and time.monotonic() < end:
        time.sleep(5)
        done, found = look()
    assert done.status == 0, found["problems"]
    fastest = min(done.seconds, look()[0].seconds)
    record("status of a healthy platform", f"{fastest:.1f} s, of which {found['seconds']:.1f} s were queries")
    assert fastest <= HEALTHY

    assert [machine["problem"] for machine in found["machines"]] == [""] * len(platform.outputs.inventory)
    assert [bool(gateway["holds"]) for gateway in found["gateways"]].count(True) == 1
    assert sorted(member["leads"] for member in found["etcd"]["members"]) == [False, False, True]
    assert all(member["size"] and member["milliseconds"] for member in found["etcd"]["members"])
    nodes = {machine.name for machine in platform.outputs.role("control-plane", "worker")}
    assert {node["name"] for node in found["nodes"] if node["ready"]} == nodes
    assert found["pods"]["running"] > len(nodes)
    assert [(member["role"], member["writes"], member["lag"]) for member in found["database"]] == [
        ("primary", True, None),
        ("replica", False, found["database"][1]["lag"]),
    ]
    kinds = {"authorities", "API server", "controllers", "etcd", "kubelets", "administrator"}
    assert {one["kind"] for one in found["certificates"]} == kinds
    assert [(backup["of"], backup["off"]) for backup in found["backups"]] == [("etcd", False), ("database", False)]


def test_the_doctor_finds_no_problem(platform: Platform) -> None:
    """With the committed stack file, including its encrypted secrets. What already exists needs no more room."""
    done = run("python", "-m", "ops", "doctor", "--json", seconds=120)
    assert done.status == 0, done.text
    found = json.loads(done.text)
    assert found["stack"] == "lab"
    results = {(check["area"], check["check"]): check["result"] for check in found["checks"]}
    assert results["settings", "stack file"] in ("passed", "warning")
    assert set(results.values()) <= {"passed", "warning"}, "every check must have run"


def test_a_half_dead_platform_is_reported_in_time(platform: Platform, tmp_path: Path) -> None:
    """Unused addresses stand for lost machines: packets to them are dropped in the same way."""
    document = json.loads(json.dumps(platform.document))
    lost = {"lab-gateway-0", "lab-etcd-0", "lab-control-plane-0", "lab-control-plane-1", "lab-worker-general-0"}
    for number, machine in enumerate(document["inventory"]):
        if machine["name"] in lost:
            machine["address"] = f"10.20.0.{230 + number}"
            if machine.get("publicAddress"):
                machine["publicAddress"] = "203.0.113.1"
    document["kubeconfig"] = document["kubeconfig"].replace(platform.outputs.api_host, "203.0.113.2")
    document |= {"apiEndpoint": "https://203.0.113.2:6443", "gatewayAddress": "203.0.113.2"}
    outputs = tmp_path / "outputs.json"
    outputs.touch(mode=0o600)
    outputs.write_text(json.dumps(document))
    done, found = look("--outputs", str(outputs))
    record("status of a half dead platform", f"{done.seconds:.1f} s")
    assert done.status == 1
    assert min(done.seconds, look("--outputs", str(outputs))[0].seconds) <= HALF_DEAD
    assert {machine["name"] for machine in found["machines"] if machine["problem"]} == lost
    assert found["api"]["problem"] and found["nodes"] is None and found["notAsked"].keys() == {"nodes", "pods"}
    # Everything that still answers is reported: etcd by its other members, the API by a control plane itself.
    assert sum(not member["problem"] for member in found["etcd"]["members"]) == 2
    assert found["api"]["servers"]["lab-control-plane-2"] == ""
    away = next(problem for problem in found["problems"] if problem["area"] == "API")
    assert away["runbook"] == "docs/runbooks/gateway.md", "the API server is ready, so the gateway is the problem"
