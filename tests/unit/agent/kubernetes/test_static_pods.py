"""Parts of a control plane that run with other files than there are are restarted, once."""

import hashlib
import ssl
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from agent.kubernetes.kubeadm import Kubeadm
from agent.kubernetes.static_pods import (
    API_SERVER,
    CONTROLLER_MANAGER,
    SCHEDULER,
    StaticPods,
    healthz,
    manifest_of,
)
from agent.machine import Failed, NotYet
from agent.system import services
from tests.unit.agent.fake_machine import FakeMachine
from tests.unit.agent.kubernetes.node_support import INIT, DatedClock, called
from tests.unit.agent.kubernetes.processes_support import begin
from tests.unit.agent.kubernetes_server import certificate

MANIFEST = (
    "metadata:\n  labels:\n    component: {part}\nspec:\n    - --cluster-signing-cert-file=/etc/kubernetes/pki/ca.crt\n"
)


class FakeServer:
    """An API server that records what is waited for."""

    def __init__(self) -> None:
        self.waits: list[object] = []

    def await_end(self, process: int) -> None:
        self.waits.append(process)

    def await_service(self) -> None:
        self.waits.append("serves")


class Case:
    """The static pods of a machine."""

    def __init__(self, machine: FakeMachine) -> None:
        self.machine, self.server = machine, FakeServer()
        machine.clock = DatedClock()
        self.asked: list[int] = []
        self.others_serve = True
        self.pods = StaticPods(machine, self.server, self._others, self._ask)  # type: ignore[arg-type]
        for part in (API_SERVER, CONTROLLER_MANAGER, SCHEDULER):
            machine.write(manifest_of(part), MANIFEST.format(part=part))
        machine.write("/etc/kubernetes/scheduler.conf", "one")
        machine.answer("kubeadm")
        self.pods.remember_reads(at_work=True)

    def _others(self) -> None:
        if not self.others_serve:
            raise Failed("no other API server is ready")

    def _ask(self, port: int) -> str:
        self.asked.append(port)
        return "ok"

    def manifest(self, part: str) -> str:
        return self.machine.path(manifest_of(part)).read_text()


@pytest.fixture
def case(machine: FakeMachine) -> Case:
    return Case(machine)


def test_what_has_read_the_present_files_stays(case: Case) -> None:
    case.pods.apply_reads(API_SERVER, CONTROLLER_MANAGER, SCHEDULER)
    assert case.machine.lines == []
    assert "openstack-paas/read" not in case.manifest(SCHEDULER)


def test_another_kubeconfig_replaces_the_scheduler_once(case: Case) -> None:
    case.machine.write("/etc/kubernetes/scheduler.conf", "two")
    case.pods.remember_reads(at_work=True)
    begin(case.machine, 40, "kube-scheduler", "--x")
    case.machine.clock.after(20, lambda: begin(case.machine, 40, "something", "else"))
    case.machine.clock.after(30, lambda: begin(case.machine, 41, "kube-scheduler", "--x"))
    case.pods.apply_reads(CONTROLLER_MANAGER, SCHEDULER)
    assert case.asked == [10259]
    manifest = case.manifest(SCHEDULER)
    assert manifest.count("    component: kube-scheduler\n    openstack-paas/read: x") == 1
    case.pods.apply_reads(CONTROLLER_MANAGER, SCHEDULER)
    case.machine.write("/etc/kubernetes/scheduler.conf", "three")
    case.machine.path("/proc/41/cmdline").unlink()
    case.pods.apply_reads(SCHEDULER)
    assert case.manifest(SCHEDULER).count("openstack-paas/read") == 1
    assert case.manifest(SCHEDULER) != manifest


def test_a_part_that_the_kubelet_does_not_replace(case: Case) -> None:
    case.machine.write("/etc/kubernetes/scheduler.conf", "two")
    begin(case.machine, 40, "kube-scheduler", "--x")
    with pytest.raises(
        Failed, match="kubelet to replace kube-scheduler; last seen: kube-scheduler is still the previous"
    ):
        case.pods.apply_reads(SCHEDULER)
    assert case.pods.is_outdated(SCHEDULER)


def test_an_api_server_goes_only_when_others_serve(case: Case) -> None:
    case.machine.write("/etc/kubernetes/pki/etcd/ca.crt", "another")
    begin(case.machine, 40, "kube-apiserver", "--x")
    case.others_serve = False
    with pytest.raises(Failed, match="no other API server is ready"):
        case.pods.apply_reads(API_SERVER)
    assert "openstack-paas/read" not in case.manifest(API_SERVER)
    case.others_serve = True
    case.pods.apply_reads(API_SERVER)
    assert case.server.waits == [40, "serves"]
    assert not case.pods.is_outdated(API_SERVER)


def test_a_machine_that_is_made_has_read_what_there_is(case: Case) -> None:
    case.machine.write("/etc/kubernetes/scheduler.conf", "two")
    case.pods.remember_reads(at_work=False)
    assert not case.pods.is_outdated(SCHEDULER)


def test_the_way_of_signing(case: Case) -> None:
    kubeadm = Kubeadm(case.machine)
    assert case.pods.follow_signing((), kubeadm, INIT) == {}
    assert not called(case.machine, "kubeadm")
    begin(case.machine, 40, "kube-controller-manager", "--x")
    wanted = ("--cluster-signing-cert-file=/etc/kubernetes/pki/issuing-ca.crt",)
    assert case.pods.follow_signing(wanted, kubeadm, INIT) == {CONTROLLER_MANAGER: 40}
    assert [call[1:5] for call in called(case.machine, "kubeadm")] == [
        ("init", "phase", "upload-config", "kubeadm"),
        ("init", "phase", "control-plane", "controller-manager"),
    ]
    assert case.pods.signs_otherwise(("--cluster-signing-duration=48h",))
    case.machine.clock.after(5, lambda: begin(case.machine, 40, "gone"))
    case.machine.clock.after(9, lambda: begin(case.machine, 41, "kube-controller-manager", "--x"))
    case.pods.apply_reads(CONTROLLER_MANAGER, replaced={CONTROLLER_MANAGER: 40})
    assert case.asked == [10257]


def test_what_earlier_releases_remembered_counts(case: Case) -> None:
    """They wrote what sha256sum prints; a platform that goes over to the agent restarts nothing because of that."""
    path = "/etc/kubernetes/scheduler.conf"
    inner = f"{path} {hashlib.sha256(b'one').hexdigest()}  -\n"
    text = f"{hashlib.sha256(inner.encode()).hexdigest()}  -\n"
    case.machine.write("/var/lib/openstack-paas/applied/kube-scheduler", text)
    assert not case.pods.is_outdated(SCHEDULER)
    assert services.fingerprint(case.machine, (path,)) == text.strip()
    nothing = hashlib.sha256(b"/nothing \n").hexdigest()
    assert services.fingerprint(case.machine, ("/nothing",)) == f"{nothing}  -"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/healthz" and not self.server.sick else 500)  # type: ignore[attr-defined]
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing."""


def test_whether_a_part_is_well(tmp_path: Path) -> None:
    server = HTTPServer(("127.0.0.1", 0), _Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate("kube-scheduler"))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.sick = False  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    port = server.server_address[1]
    assert healthz(port) == f"HTTP status 200 from port {port}"
    server.sick = True  # type: ignore[attr-defined]
    with pytest.raises(NotYet, match="HTTP status 500"):
        healthz(port)
    server.shutdown()
    server.server_close()
    with pytest.raises(NotYet, match=f"no answer from port {port}"):
        healthz(port)
