"""What a machine's agent answers to `paas status`: what it tells, what it keeps, and that nothing holds it up."""

import base64
import hashlib
import json
import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent import status
from agent.__main__ import main
from agent.etcd_api import Tls
from agent.etcd_http import NoAnswer
from agent.programs import Ended
from ops.shared.outputs import Machine
from ops.status import certificates, etcd, machine_report
from ops.status.machine_report import MachineReport
from tests.unit.agent.fake_machine import FakeMachine
from tests.unit.agent.kubernetes_server import kubernetes_server
from tests.unit.ops import status_samples as samples
from tests.unit.ops.status_samples import DAY, NOW, certificate

KEY = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA\n-----END PRIVATE KEY-----\n"


def units(words: tuple[str, ...], given: str) -> str:
    """All are here, and active."""
    del given
    named = [word for word in words[2:] if not word.startswith("-")]
    return "\n".join(f"Id={unit}\nLoadState=loaded\nActiveState=active\n" for unit in named)


@pytest.fixture
def machine(tmp_path: Path) -> FakeMachine:
    fake = FakeMachine(tmp_path)
    fake.answer("systemctl show", units)
    fake.answer("dpkg-query", Ended(1))
    fake.answer("systemd-detect-virt", Ended(1, "none\n"))
    fake.answer("ip", "[]")
    fake.answer("chronyc", Ended(1, "506 Cannot talk to daemon\n"))
    return fake


def run(machine: FakeMachine, role: str, seconds: float = 5) -> MachineReport:
    """What the role's questions are answered with, as `paas status` reads it."""
    text = json.dumps(status.ask(machine, status.questions(role), seconds))
    return machine_report.parse(Machine("here", role, "10.0.0.1", "", ""), text)


def test_certificates_are_reported_and_keys_are_not(machine: FakeMachine) -> None:
    pem = certificate("a node")
    data = base64.b64encode(certificate("an administrator").encode()).decode()
    machine.write("var/lib/kubelet/pki/kubelet-client-current.pem", KEY + pem + KEY)
    machine.write("etc/kubernetes/admin.conf", f"    client-certificate-data: {data}\n    client-key-data: c2VjcmV0\n")
    machine.write("etc/kubernetes/kubelet.conf", "    client-certificate: /var/lib/kubelet/pki/current.pem\n")
    report = run(machine, "worker")
    found, problems = certificates.read([report])
    assert [(one.kind, one.subject) for one in found] == [
        ("kubelets", "CN=a node"),
        ("controllers", "CN=an administrator"),
    ]
    assert not problems
    assert "PRIVATE" not in str(report.answers) and "c2VjcmV0" not in str(report.answers)


class FakeEtcd:
    """A member that hangs at its status and refuses a read."""

    def __init__(self, endpoints: tuple[str, ...], tls: Tls, seconds: float) -> None:
        self.endpoints = endpoints
        assert seconds <= status.QUESTION_SECONDS

    def call(self, path: str, body: object) -> dict[str, Any]:
        if path.endswith("/status"):
            time.sleep(60)
        if path.endswith("/range"):
            raise NoAnswer("refused")
        # Its own list, which it knows without a majority.
        assert body == {}
        return {"endpoints": list(self.endpoints)}


def test_a_question_that_hangs_or_fails_takes_no_other_with_it(
    machine: FakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "EtcdHttp", FakeEtcd)
    began = time.monotonic()
    report = run(machine, "etcd", seconds=1)
    assert time.monotonic() - began < 5
    assert report.answer("etcd-status").problem == "no answer in time"
    assert report.answer("etcd-health").problem == "refused"
    assert json.loads(report.text("etcd-members")) == {"endpoints": ["https://127.0.0.1:2379"]}, "each for itself"
    assert "etcd.json" in report.answer("backups").problem
    assert machine_report.read_machine(report).services["etcd.service"] == "active"


def test_a_healthy_member(machine: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    def call(self: FakeEtcd, path: str, body: object) -> dict[str, Any]:
        return {"header": {"member_id": "7"}, "leader": "7", "version": "3.6.5", "dbSize": "4096", "members": []}

    monkeypatch.setattr(FakeEtcd, "call", call)
    monkeypatch.setattr(status, "EtcdHttp", FakeEtcd)
    backups = {
        **{"name": "etcd-0", "address": "10.0.0.4", "cluster": "x", "members": []},
        **{"quota_bytes": 1, "interval_minutes": 15, "keep": {"last": 3}},
    }
    # Whatever else is in it: it may be of another release.
    machine.write("opt/openstack-paas/etcd.json", json.dumps({"backups": backups, "unknown": 1}))
    report = run(machine, "etcd")
    (member,) = etcd.read([report]).members
    assert member.leads and member.size == 4096 and not member.unhealthy
    assert member.milliseconds is not None and member.milliseconds < 1000
    listed = json.loads(report.text("backups"))
    assert (listed["member"], listed["interval"], listed["snapshots"]) == ("etcd-0", 900, [])


@pytest.mark.parametrize(
    ("code", "body", "text"),
    [
        (
            500,
            "[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed",
            "[-]etcd failed: reason withheld\n500\n",
        ),
        (200, "[+]ping ok\n", "200\n"),
    ],
)
def test_an_api_server_tells_what_fails(
    machine: FakeMachine, monkeypatch: pytest.MonkeyPatch, code: int, body: str, text: str
) -> None:
    with kubernetes_server() as server:
        server.hooks.append(lambda asked: (code, body.encode()) if asked.path.startswith("/readyz") else None)
        host, port = server.endpoint.split(":")
        monkeypatch.setattr(status, "API", (host, int(port)))
        assert run(machine, "control-plane").text("api-server") == text


def test_an_api_server_that_is_away(machine: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "API", ("127.0.0.1", 1))
    report = run(machine, "control-plane")
    assert "Connection refused" in report.answer("api-server").problem
    assert machine_report.api_server_problem(report) == report.answer("api-server").problem


def test_a_file_system_is_reported_once(machine: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    def of(blocks: int, free: int, available: int) -> SimpleNamespace:
        return SimpleNamespace(f_blocks=blocks, f_bfree=free, f_bavail=available, f_frsize=4096)

    sizes = {"etcd": of(100, 60, 60), "kubelet": of(200, 30, 20)}
    for path in sizes:
        machine.path(f"/var/lib/{path}").mkdir(parents=True)
    monkeypatch.setattr(os, "statvfs", lambda path: sizes.get(Path(path).name, sizes["etcd"]))
    assert status.disks(machine) == "40 /\n90 /var/lib/kubelet\n", "rounded up, as df does"


def test_packages_instance_and_a_restart_that_is_wanted(machine: FakeMachine) -> None:
    machine.write("var/lib/cloud/data/instance-id", "f0ab0ada\n")
    machine.write("boot/vmlinuz-6.1.0-9-amd64")
    machine.write("boot/vmlinuz-6.1.0-27-amd64")
    machine.write("proc/sys/kernel/osrelease", "6.1.0-27-amd64\n")
    machine.answer("dpkg-query", lambda words, _: "".join(f"{name}\tinstalled\thold\t2.0-1\n" for name in words[-2:]))
    report = run(machine, "gateway")
    assert dict(report.pairs("versions")) == {"haproxy": "2.0-1", "keepalived": "2.0-1"}
    assert report.text("instance") == "f0ab0ada"
    assert not machine_report.read_machine(report).wants_restart
    machine.write("proc/sys/kernel/osrelease", "6.1.0-9-amd64\n")
    assert machine_report.read_machine(run(machine, "gateway")).wants_restart
    machine.write("proc/sys/kernel/osrelease", "6.1.0-27-amd64\n")
    machine.write("run/reboot-required")
    assert machine_report.read_machine(run(machine, "gateway")).wants_restart


def test_a_machine_that_tells_no_instance_is_no_stranger(machine: FakeMachine) -> None:
    report = run(machine, "gateway")
    assert not machine_report.read_machine(report).stranger
    assert report.text("instance") == ""
    assert report.pairs("versions") == []


def test_a_gateway_holds_what_has_a_prefix_of_its_own(machine: FakeMachine) -> None:
    addresses = [{"local": "10.21.0.7", "prefixlen": 27}, {"local": "10.21.0.5", "prefixlen": 32}]
    machine.answer("ip -json -4 address show", json.dumps([{"ifname": "eth0", "addr_info": addresses}, {}]))
    assert machine_report.read_gateway(run(machine, "gateway")).holds == ("10.21.0.5",)


TRACKING = "0A090909,10.9.9.9,3,1.0,0.0004,0.0004,0.0004,1.0,0.0,0.1,0.002,0.001,64.0,Normal\n"


@pytest.mark.parametrize(
    ("container", "answer", "words", "milliseconds"),
    [
        (Ended(1, "none\n"), TRACKING, "0.4 ms off 10.9.9.9 (stratum 3, within 2.0 ms)", 0.4),
        (Ended(0, "lxc\n"), Ended(1), "the host's (container: lxc)", None),
        (Ended(1, "none\n"), Ended(1, "506 Cannot talk to daemon\n"), "506 Cannot talk to daemon", None),
        (Ended(1, "none\n"), Ended(127, "", "chronyc: No such file"), "chronyc: No such file", None),
    ],
)
def test_the_clock(
    machine: FakeMachine, container: Ended, answer: str | Ended, words: str, milliseconds: float | None
) -> None:
    machine.answer("systemd-detect-virt", container)
    machine.answer("chronyc", answer)
    found = machine_report.read_machine(run(machine, "worker"))
    assert (found.clock, found.clock_milliseconds) == (words, milliseconds)


def test_only_a_workers_way_to_the_api_is_a_service(machine: FakeMachine) -> None:
    def without_firewall(words: tuple[str, ...], given: str) -> str:
        return units(words, given).replace("loaded", "not-found", 1)

    assert machine_report.read_machine(run(machine, "worker")).services["haproxy.service"] == "active"
    machine.answer("systemctl show", without_firewall)
    services = machine_report.read_machine(run(machine, "control-plane")).services
    assert services == {"containerd.service": "active", "kubelet.service": "active"}, "what is not here is not wanted"


def test_the_command_needs_no_desired_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nor standard input."""
    (tmp_path / "status_roles").mkdir()
    role = 'from agent import status\nCOMMANDS = {"status": status.command("worker")}\n'
    (tmp_path / "status_roles/worker.py").write_text(role)
    monkeypatch.syspath_prepend(tmp_path)
    archive = tmp_path / "agent.pyz"
    archive.write_bytes(b"an archive")
    monkeypatch.setattr("sys.argv", [str(archive)])
    kept = tmp_path / "opt/openstack-paas/worker.json"
    for text in (None, "not JSON"):
        if text is not None:
            kept.parent.mkdir(parents=True)
            kept.write_text(text)
        assert main(["status", "worker", "8"], tmp_path, "status_roles") == 0
        found = json.loads(capfd.readouterr().out)
        assert found["agent"] == {"text": hashlib.sha256(b"an archive").hexdigest()[:12]}
        assert found.keys() == status.questions("worker").keys()
    assert not (tmp_path / "opt/openstack-paas/worker.log").exists()


def test_a_bundle_of_authorities_and_what_is_due() -> None:
    first, second = certificate("kubernetes"), certificate("kubernetes-2", issuer_name="kubernetes-2")
    served = certificate("kube-apiserver", NOW + 30 * DAY, issuer_name="kubernetes-2")
    text = f"# /etc/kubernetes/pki/ca.crt\n{second}{first}# /etc/kubernetes/pki/apiserver.crt\n{served}"
    machine = samples.platform().role("control-plane")[0]
    report = machine_report.parse(machine, samples.printed({"certificates": text}))
    found, _ = certificates.read([report], NOW + 60 * DAY)
    groups = certificates.by_kind(found)
    assert [(one.generation, one.due) for one in groups["authorities"]] == [("2", False), ("1", False)]
    assert [(one.generation, one.due) for one in groups["API server"]] == [("2", True)]
