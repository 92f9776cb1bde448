"""`ops status`: where a rollout is, and what is not as the outputs say."""

import json
from dataclasses import replace
from typing import Any

from ops.shared.outputs import Outputs
from ops.status.problems import Problem
from ops.status.report import Raw, Report
from ops.status.rows import parts
from tests.unit.ops import status_samples as samples
from tests.unit.ops.status_samples import judged, platform, raw, said

BEGUN = "2026-11-21T11:58:00Z"


def rows(report: Report, problems: list[Problem], title: str) -> list[tuple[str, ...]]:
    """The cells of one part of the screen."""
    return [row.cells for row in parts(report, problems)[title]]


def upgraded(outputs: Outputs, count: int, change: str = "", **more: Any) -> Raw:
    """So many nodes have the next version; the one after them is being changed."""
    nodes = [
        samples.node(machine, version="v1.35.0" if number < count else "v1.34.2", change=change * (number == count))
        for number, machine in enumerate(outputs.role("control-plane", "worker"))
    ]
    servers = [
        samples.server(machine, "v1.35.0" if number < count else "v1.34.2")
        for number, machine in enumerate(outputs.role("control-plane"))
    ]
    return raw(outputs, api={"nodes": json.dumps({"items": nodes}), "pods": json.dumps({"items": servers})}, **more)


def before_an_upgrade(age: int) -> dict[str, str]:
    listing = json.loads(samples.snapshots("paas-etcd-0", age))
    listing["snapshots"][0]["name"] += "-upgrade"
    return {"backups": json.dumps(listing)}


def test_a_rollout_tells_how_far_it_is_and_who_is_at_it() -> None:
    change = json.dumps({"what": "Kubernetes 1.34.2 to 1.35.0", "since": BEGUN})
    outputs = platform()
    report, problems = judged(outputs, upgraded(outputs, 2, change, paas_etcd_0=before_an_upgrade(600)))
    assert rows(report, problems, "Rollout") == [
        ("Kubernetes 1.34.2 -> 1.35.0", "2 of 3 API servers"),
        ("Kubernetes 1.34.2 -> 1.35.0", "2 of 5 nodes"),
        ("paas-control-plane-2", "Kubernetes 1.34.2 to 1.35.0", "for 2 min"),
        ("snapshot of etcd before it", "10 min old"),
    ]
    node = next(row for row in rows(report, problems, "Nodes") if row[0] == "paas-control-plane-2")
    assert node[-1] == "Ready, being changed: Kubernetes 1.34.2 to 1.35.0"
    assert not said(problems), "somebody is at it"


def test_a_rollout_that_stopped_is_a_problem() -> None:
    outputs = platform()
    report, problems = judged(outputs, upgraded(outputs, 3))
    assert said(problems) == [
        f"rollout: Kubernetes 1.34.2 -> 1.35.0: 3 of {what}: `pulumi up` continues it (failed-up)"
        for what in ("3 API servers", "5 nodes")
    ]
    assert rows(report, problems, "Rollout")[-1] == (
        "snapshot of etcd before it",
        "none: `paas etcd snapshot` takes one",
    )


def test_a_change_that_does_not_end_is_a_problem() -> None:
    outputs = platform()
    change = json.dumps({"what": "1.35.0", "since": "2026-11-21T10:00:00Z"})
    assert said(judged(outputs, upgraded(outputs, 0, change))[1]) == [
        "nodes: paas-control-plane-0: its change has not ended (1.35.0): `pulumi up` continues it (control-plane)"
    ]


def test_an_annotation_of_another_release_is_shown_all_the_same() -> None:
    outputs = platform()
    report, problems = judged(outputs, upgraded(outputs, 0, '{"step": 3}'))
    assert ("paas-control-plane-0", "a change that this release does not know", "") in rows(report, problems, "Rollout")


def test_members_and_gateways_count_too() -> None:
    outputs = replace(platform(), versions={"kubernetes": "1.34.2", "etcd": "3.6.10"})
    newer = {"etcd-status": samples.etcd_status(1, version="3.6.10")}
    haproxy = {"versions": "haproxy 2.6.12-1+deb12u4\nkeepalived 1:2.2.7-1+b2"}
    report, _ = judged(outputs, raw(outputs, paas_etcd_0=newer, paas_gateway_1=haproxy))
    assert [str(one) for one in report.rollout] == [
        "etcd 3.6.5 -> 3.6.10: 1 of 3 members",
        "haproxy 2.6.12-1+deb12u2 -> 2.6.12-1+deb12u4: 1 of 2 gateways",
    ]


def test_drift_names_what_is_not_as_the_outputs_say() -> None:
    outputs = platform()
    first, *others = outputs.role("control-plane", "worker")
    nodes = [samples.node(machine) for machine in (*others, outputs.role("gateway")[0])]
    nodes[-2]["spec"]["unschedulable"] = True
    given = raw(
        outputs,
        api={"nodes": json.dumps({"items": nodes})},
        paas_etcd_1={"instance": "rebuilt-by-hand"},
        paas_gateway_1={"restart": "yes"},
    )
    report, problems = judged(outputs, given)
    assert rows(report, problems, "Drift") == [
        ("machines that are another instance", "paas-etcd-1"),
        ("nodes that are not machines of the stack", "paas-gateway-0"),
        ("machines that are not nodes", first.name),
        ("cordoned by hand", "paas-worker-1"),
        ("restart wanted by a package", "paas-gateway-1"),
        ("every resource: `pulumi preview --refresh --expect-no-changes`",),
    ]
    assert any(line.startswith("machines: paas-etcd-1: a different instance") for line in said(problems))
