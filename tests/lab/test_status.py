"""`ops status` and `ops doctor` on the platform: healthy as it stands, and in time when half of it does not answer.

They only look.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from tests.lab.platform import Done, Platform, run
from tests.lab.report import record

#: How long a platform may take to settle after what came before: a pod that starts, a lag.
SETTLING = 240
#: How long the whole command may take, in seconds.
HEALTHY, HALF_DEAD = 10, 20


def look(*options: str) -> tuple[Done, dict[str, Any]]:
    """One look, as JSON."""
    done = run("python", "-m", "ops", "status", "--json", *options, seconds=60)
    return done, json.loads(done.text)


def test_a_platform_that_stands_is_healthy(platform: Platform) -> None:
    end = time.monotonic() + SETTLING
    done, found = look()
    while done.status and time.monotonic() < end:
        time.sleep(5)
        done, found = look()
    assert done.status == 0, found["problems"]
    fastest = min(done.seconds, look()[0].seconds)
    record("status of a healthy platform", f"{fastest:.1f} s, {found['seconds']:.1f} s of them asking")
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


def test_the_doctor_finds_nothing_wrong_with_it(platform: Platform) -> None:
    """With the stack file as it is, its encrypted secrets among it; the cloud has room for what stands already."""
    done = run("python", "-m", "ops", "doctor", "--json", seconds=120)
    assert done.status == 0, done.text
    found = json.loads(done.text)
    assert found["stack"] == "lab"
    results = {(check["area"], check["check"]): check["result"] for check in found["checks"]}
    assert results["settings", "stack file"] in ("passed", "warning")
    assert set(results.values()) <= {"passed", "warning"}, "all of it was asked"


def test_half_a_platform_is_told_in_time(platform: Platform, tmp_path: Path) -> None:
    """Addresses at which nobody answers stand for machines that are lost: packets to them vanish, as theirs would."""
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
    # What can be asked is told all the same: etcd by its other members, the API by a control plane's own word.
    assert sum(not member["problem"] for member in found["etcd"]["members"]) == 2
    assert found["api"]["servers"]["lab-control-plane-2"] == ""
    away = next(problem for problem in found["problems"] if problem["area"] == "API")
    assert away["runbook"] == "docs/runbooks/gateway.md", "its server is ready: it is the way to it"
