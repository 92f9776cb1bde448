"""What a platform of the imagination answers to `ops status`: healthy until a test changes an answer."""

import base64
import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from ops.shared.outputs import Machine, Outputs
from ops.status import machine_report, problems, report
from ops.status.cluster import ANNOTATION
from ops.status.machine_report import MachineReport
from ops.status.problems import Problem
from ops.status.report import Raw, Report
from tests.unit.ops.drill_samples import LARGE
from tests.unit.ops.drill_samples import outputs as sample_outputs

PROJECT = Path(__file__).parents[3]
NOW = int(datetime(2026, 11, 21, 12, 0, tzinfo=UTC).timestamp())
DAY = 86400


@functools.cache
def certificate(name: str, ends: int = NOW + 300 * DAY, life: int = 365 * DAY, issuer_name: str = "kubernetes") -> str:
    """One that says that this issuer signed it, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject, issuer = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in (name, issuer_name))
    end = datetime.fromtimestamp(ends, UTC)
    made = x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(end - timedelta(seconds=life)).not_valid_after(end)
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def section(name: str, text: str, status: int = 0) -> str:
    """As status.sh prints it."""
    return f"== {name} {status}\n{text.strip()}\n"


def certificates(machine: Machine, ends: int = NOW + 300 * DAY) -> str:
    """The files of its role, all of which end at the same time."""
    files = {
        "etcd": ("/etc/etcd/pki/ca.crt", "/etc/etcd/pki/server.crt"),
        "control-plane": (
            "/etc/kubernetes/pki/ca.crt",
            "/etc/kubernetes/pki/apiserver.crt",
            "/etc/kubernetes/admin.conf",
        ),
    }.get(machine.role, ("/var/lib/kubelet/pki/kubelet-client-current.pem",))
    return "".join(f"# {file}\n{certificate(file, ends)}" for file in files)


def members(outputs: Outputs) -> list[dict[str, Any]]:
    """etcd's own list."""
    return [
        {"ID": number, "name": machine.name, "peerURLs": [f"https://{machine.address}:2380"]}
        for number, machine in enumerate(outputs.role("etcd"), 1)
    ]


def etcd_status(number: int, **changes: Any) -> str:
    """One member's; the first one leads."""
    status = {
        "header": {"member_id": number, "revision": 4711, "raft_term": 3},
        "version": "3.6.5",
        "dbSize": 3670016,
        "dbSizeInUse": 1703936,
        "dbSizeQuota": 2**31,
        "leader": 1,
    }
    return json.dumps([{"Endpoint": "https://127.0.0.1:2379", "Status": {**status, **changes}}])


def snapshots(name: str, age: int = 240, verified: bool = True, **status: Any) -> str:
    """What a member's list of snapshots is."""
    one = {"name": f"{name}-new", "member": name, "time": NOW - age, "revision": 7, "keys": 3, "size": 2**20}
    kept = {"run": NOW - age, "outcome": "taken", "failures": 0, "copies": {"s3": NOW - age + 9}, **status}
    listing = {"member": name, "now": NOW, "interval": 900, "status": kept, "places": {}}
    return json.dumps({**listing, "snapshots": [one | {"verified": verified}]})


def answers(outputs: Outputs, machine: Machine) -> dict[str, str]:
    """A healthy machine's, by question."""
    number = [each.name for each in outputs.role(machine.role)].index(machine.name) + 1
    etcd_timers = "\n".join(f"openstack-paas-etcd-{name}.timer active" for name in ("backup", "defragment"))
    units = {
        "gateway": "haproxy.service active\nkeepalived.service active",
        "etcd": f"etcd.service active\n{etcd_timers}",
    }.get(machine.role, "containerd.service active\nkubelet.service active")
    found = {"disks": "41 /", "services": units, "instance": machine.instance_id, "restart": ""}
    if machine.role == "gateway":
        found["versions"] = "haproxy 2.6.12-1+deb12u2\nkeepalived 1:2.2.7-1+b2"
        virtual = "\n2: eth0    inet 203.0.113.9/32 scope global eth0" if number == 1 else ""
        found["addresses"] = f"2: eth0    inet {machine.address}/24 brd 10.0.0.255 scope global eth0{virtual}"
    else:
        found["certificates"] = certificates(machine)
    if machine.role == "etcd":
        found["etcd-status"] = etcd_status(number)
        found["etcd-health"] = json.dumps([{"endpoint": "", "health": True, "took": f"{number}2.5ms"}])
        found["etcd-members"] = json.dumps({"header": {"raft_term": 3}, "members": members(outputs)})
        found["backups"] = snapshots(machine.name, 240 * number)
    if machine.role == "control-plane":
        found["api-server"] = "200"
    return found


def node(
    machine: Machine, ready: str = "True", version: str = "v1.34.2", change: str = "", **conditions: str
) -> dict[str, Any]:
    """As the API lists it; `change` is what its annotation says."""
    labels = {"node-role.kubernetes.io/control-plane": ""} if machine.role == "control-plane" else {}
    states = {"Ready": ready, "DiskPressure": "False", **conditions}
    listed = [{"type": name, "status": status, "message": f"because of {name}"} for name, status in states.items()]
    return {
        "metadata": {"name": machine.name, "labels": labels, "annotations": {ANNOTATION: change} if change else {}},
        "spec": {"unschedulable": True} if change else {},
        "status": {
            "conditions": listed,
            "nodeInfo": {"kubeletVersion": version, "containerRuntimeVersion": "containerd://1.6.20"},
        },
    }


def pod(name: str, phase: str = "Running", ready: str = "True", age: int = 900, **status: Any) -> dict[str, Any]:
    """As the API lists it; not ready for `age` seconds where it is not."""
    since = datetime.fromtimestamp(NOW - age, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    condition = {"type": "Ready", "status": ready, "lastTransitionTime": since, "message": "unready: [main]"}
    return {
        "metadata": {"namespace": "default", "name": name, "creationTimestamp": since},
        "spec": {"nodeName": "paas-worker-0"},
        "status": {"phase": phase, "conditions": [condition], **status},
    }


def server(machine: Machine, version: str = "v1.34.2") -> dict[str, Any]:
    """The pod of an API server."""
    listed = pod(f"kube-apiserver-{machine.name}")
    listed["metadata"] |= {"namespace": "kube-system", "labels": {"component": "kube-apiserver"}}
    image = f"registry.k8s.io/kube-apiserver:{version}"
    listed["spec"] = {"nodeName": machine.name, "containers": [{"image": image}]}
    return listed


def backups_of_database(age: int = 1500, failure: str = "") -> str:
    """The ConfigMap."""
    name = datetime.fromtimestamp(NOW - age, UTC).strftime("%Y%m%dT%H%M%SZ")
    return json.dumps({"data": {"list": f"{name} 1048576 abc 0-1-99 mariadb-1 2 -", "failure": failure}})


#: A replica's line of SHOW SLAVE STATUS, by column.
def replica(lag: str = "0", receiving: str = "Yes", applying: str = "Yes", error: str = "") -> str:
    """A replica's answer."""
    columns = [""] * 50
    columns[10], columns[11], columns[32], columns[35] = receiving, applying, lag, error
    return "self\t1\tOFF\t0\n" + "\t".join(columns)


def raw(
    outputs: Outputs,
    away: Mapping[str, str] | None = None,
    api: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    **changes: Mapping[str, str | tuple[int, str]],
) -> Raw:
    """A healthy platform's answers. `away` has machines that are not reached, with the reason; `changes` other answers.

    The machine of a change is named with _ for -; an answer is its text, or its exit status and its text.
    """
    reports = []
    for machine in outputs.inventory:
        if machine.name in (away or {}):
            reports.append(MachineReport(machine, problem=(away or {})[machine.name]))
            continue
        given_answers: dict[str, str | tuple[int, str]] = {**answers(outputs, machine)}
        given_answers |= changes.get(machine.name.replace("-", "_"), {})
        found = {name: answer if isinstance(answer, tuple) else (0, answer) for name, answer in given_answers.items()}
        reports.append(
            machine_report.parse(
                machine, "".join(section(name, text, status) for name, (status, text) in found.items())
            )
        )
    cron = {"metadata": {"creationTimestamp": "2026-11-01T00:00:00Z"}, "spec": {"schedule": "7 * * * *"}}
    servers = map(server, outputs.role("control-plane"))
    given = {
        "ready": "ok",
        "nodes": json.dumps({"items": [node(machine) for machine in outputs.role("control-plane", "worker")]}),
        "pods": json.dumps({"items": [pod("web-0"), pod("done", "Succeeded"), *servers]}),
        "backups": backups_of_database(),
        "schedule": json.dumps(cron),
        **(api or {}),
    }
    missing = errors or {}
    database = {"mariadb-0": "self\t0\tON\t1", "mariadb-1": replica()}
    return Raw(
        tuple(reports),
        {name: text for name, text in {**given, **database}.items() if name not in missing},
        missing,
    )


def platform(counts: Mapping[str, int] | None = None) -> Outputs:
    """Outputs with the administrator's certificate."""
    data = base64.b64encode(certificate("kubernetes-admin").encode()).decode()
    kubeconfig = json.dumps({"users": [{"user": {"client-certificate-data": data}}]})
    return replace(sample_outputs(counts or LARGE), kubeconfig=kubeconfig)


def judged(outputs: Outputs, answers: Raw, now: float = NOW) -> tuple[Report, list[Problem]]:
    """Report and problems, each of which names a page that there is."""
    found = report.build(outputs, answers, "paas", now, 2.5)
    wrong = problems.find(found)
    assert all((PROJECT / problem.runbook).is_file() for problem in wrong)
    return found, wrong


def said(found: Sequence[Problem]) -> list[str]:
    """Each problem as it is printed, with its page."""
    return [f"{problem} ({problem.page})" for problem in found]
