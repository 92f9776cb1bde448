"""What the tests of nodes have in common: settings, fakes of other modules, and certificates of the API's authority."""

import base64
import contextlib
import subprocess
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

from agent import programs
from agent.etcd_api import EtcdError, LockLost, NoAnswer
from agent.kubernetes.containerd import ContainerdSettings
from agent.kubernetes.control_plane_state import ControlPlaneSettings, Pki
from agent.kubernetes.drain import DrainSettings
from agent.kubernetes.node import KUBELET_KUBECONFIG, Node
from agent.kubernetes.node_settings import Bootstrap, NodeSettings
from agent.kubernetes.rollout import KUBELET_CERTIFICATE
from agent.kubernetes_api import KubernetesApi
from agent.programs import Ended
from tests.unit.agent.fake_machine import FakeClock, FakeMachine
from tests.unit.agent.kubernetes_server import KubernetesServer, Reply, Request, certificate

CSR = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
CLUSTER_INFO = "/api/v1/namespaces/kube-public/configmaps/cluster-info"
INIT = "kind: InitConfiguration\n---\nkind: ClusterConfiguration\nclusterName: sample\n"


class DatedClock(FakeClock):
    """The time of day is the one by which the tests' certificates are made. Looks are far apart and few."""

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds * 20)

    def now(self) -> datetime:
        return datetime.now(timezone.utc) + timedelta(seconds=self.seconds)  # noqa: UP017


class FakeApis:
    """Everybody asks the same server."""

    def __init__(self, machine: FakeMachine, cluster: KubernetesServer) -> None:
        self.machine, self.cluster = machine, cluster
        self.asked: list[str] = []

    def anonymous(self, endpoint: str) -> KubernetesApi:
        self.asked.append(endpoint)
        return KubernetesApi(self.cluster.endpoint, self.machine.clock, self.cluster.ca)

    def kubelet(self) -> KubernetesApi:
        return self.cluster.api(self.machine.clock, "system:node:a")

    def joining(self) -> KubernetesApi:
        return self.cluster.api(self.machine.clock, "joining")

    def admin(self, endpoint: str = "") -> KubernetesApi:
        return self.cluster.api(self.machine.clock, "admin")


class FakeLock:
    """Lost when the test says so."""

    lost = False

    def check(self) -> None:
        if self.lost:
            raise LockLost("the lock may have another holder")


class FakeEtcd:
    """Keys in memory; each of `answers_after` questions gets no answer first."""

    def __init__(self) -> None:
        self.keys_and_values: dict[str, bytes] = {}
        self.silent = 0
        self.held: list[str] = []
        self.the_lock = FakeLock()
        self.refuses_locks = False

    def _question(self) -> None:
        if self.silent:
            self.silent -= 1
            raise NoAnswer("nobody answers")

    def get(self, key: str) -> bytes | None:
        self._question()
        return self.keys_and_values.get(key)

    def keys(self, prefix: str) -> tuple[str, ...]:
        self._question()
        return tuple(sorted(key for key in self.keys_and_values if key.startswith(prefix)))

    def put(self, key: str, value: str) -> None:
        self._question()
        self.keys_and_values[key] = value.encode()

    def delete(self, key: str) -> None:
        self._question()
        self.keys_and_values.pop(key, None)

    @contextlib.contextmanager
    def lock(self, name: str, wait_seconds: float, ttl: int = 30) -> Iterator[FakeLock]:
        if self.refuses_locks:
            raise EtcdError("another one holds it")
        self.held.append(name)
        yield self.the_lock


class Recorded:
    """The ground, its packages and epochs, and changes: they only record what is asked of them."""

    def __init__(self, machine: FakeMachine | None = None) -> None:
        self.machine = machine
        self.packages = self.maintenance = self
        self.done: list[str] = []
        self.epoch = ""
        self.waits = ""

    def download_waiting(self) -> None:
        self.done.append("download")

    def change(self, *names: str) -> None:
        self.done.append(f"change {' '.join(names)}")

    def epoch_waits(self) -> bool:
        return bool(self.epoch)

    def what_waits(self, *names: str) -> str:
        return self.waits

    def fetch(self) -> None:
        self.done.append("fetch")

    def renew(self) -> None:
        self.done.append("renew")

    def end_epoch(self) -> None:
        self.done.append("end epoch")

    def renew_new_machine(self) -> None:
        self.done.append("renew new machine")

    def begin(self, what: str, drained: bool = False) -> None:
        self.done.append(f"begin {what}{' drained' if drained else ''}")

    def end(self) -> None:
        self.done.append("end")

    def prepare(self, deferred: tuple[str, ...] = ()) -> None:
        self.done.append("prepare")

    def apply_firewall(self) -> None:
        self.done.append("firewall")


def settings(cluster: KubernetesServer, bootstrap: bool = True, role: str = "worker") -> NodeSettings:
    """A node that is wanted."""
    both = certificate("joining").read_text()
    cert, _, key = both.partition("-----BEGIN PRIVATE KEY")
    given = Bootstrap("kind: Config\n", cert, f"-----BEGIN PRIVATE KEY{key}") if bootstrap else Bootstrap()
    return NodeSettings(
        name="a",
        role=role,
        endpoint=cluster.endpoint,
        version="1.36.5",
        join_configuration="kind: JoinConfiguration\n",
        bootstrap=given,
        authorities=cluster.ca.read_text(),
        generation="1",
        renewal_seconds=3600,
        drained=True,
        drain=DrainSettings(60),
        kubelet_configuration="kind: KubeletConfiguration\n",
        containerd=ContainerdSettings("version = 2\n"),
    )


def control_plane_settings(cluster: KubernetesServer, had_cluster: bool = False) -> ControlPlaneSettings:
    """A control plane that is wanted."""
    ca, key = cluster.ca.read_text(), cluster.ca.with_name("ca.key").read_text()
    address, _, port = cluster.endpoint.rpartition(":")
    return ControlPlaneSettings(
        **vars(settings(cluster, role="control-plane")),
        pki=Pki(ca, "public", ca, certificate("etcd-client").read_text(), key, key, "secret", "secret"),
        address=address,
        api_port=int(port),
        etcd_endpoints=("https://10.0.0.4:2379",),
        init_configuration=INIT,
        api_names=("127.0.0.1",),
        had_cluster=had_cluster,
        objects=("kind: ClusterRole\n", "kind: PodDisruptionBudget\n"),
    )


def node_of(
    machine: FakeMachine,
    cluster: KubernetesServer,
    bootstrap: bool = True,
    at_work: bool = False,
    wanted: NodeSettings | None = None,
) -> Node:
    """The node on a machine whose programs succeed, and openssl is the real one."""
    machine.clock = DatedClock()
    machine.answer("systemctl")
    machine.answer("kubeadm")
    machine.answer("kill")
    machine.answer("kubelet --version", "Kubernetes v1.36.5\n")
    machine.answer("openssl", lambda call, given: programs.run(call, 30, given))
    return Node(machine, wanted or settings(cluster, bootstrap), FakeApis(machine, cluster), at_work)


def give_identity(machine: FakeMachine, content: str | None = None) -> None:
    """The kubelet has a kubeconfig, and a certificate with a key, or something else in its place."""
    machine.write(KUBELET_KUBECONFIG, kubeconfig("", "127.0.0.1:6443"))
    file = KUBELET_CERTIFICATE.replace("current", "2026-01-01-00-00-00")
    machine.write(file, certificate("system:node:a").read_text() if content is None else content)
    link = machine.path(KUBELET_CERTIFICATE)
    link.unlink(missing_ok=True)
    link.symlink_to(Path(file).name)


def kubeconfig(authorities: str, endpoint: str, user: str = "") -> str:
    """As kubeadm writes one; with `user` that one's certificate is embedded."""
    lines = [
        "apiVersion: v1",
        "clusters:",
        "- cluster:",
        f"    certificate-authority-data: {base64.b64encode(authorities.encode()).decode()}",
        f"    server: https://{endpoint}",
        "  name: sample",
    ]
    if user:
        cert, _, key = certificate(user).read_text().partition("-----BEGIN PRIVATE KEY")
        key = f"-----BEGIN PRIVATE KEY{key}"
        lines.append(f"    client-certificate-data: {base64.b64encode(cert.encode()).decode()}")
        lines.append(f"    client-key-data: {base64.b64encode(key.encode()).decode()}")
    return "\n".join(lines) + "\n"


def openssl(folder: Path, *words: str) -> None:
    """Runs it in a folder."""
    subprocess.run(("openssl", *words), cwd=folder, check=True, capture_output=True, timeout=30)


def signs(cluster: KubernetesServer, folder: Path, authority: Path | None = None) -> Callable[[Request], Reply | None]:
    """The cluster signs requests for certificates."""
    ca = authority or cluster.ca

    def hook(asked: Request) -> Reply | None:
        if asked.method != "POST" or asked.path != CSR:
            return None
        (folder / "request").write_bytes(base64.b64decode(asked.body["spec"]["request"]))
        words = (
            "-in",
            "request",
            "-CA",
            str(ca),
            "-CAkey",
            str(ca.with_suffix(".key")),
            "-out",
            "signed",
            "-days",
            "9",
        )
        openssl(folder, "x509", "-req", *words)
        signed = base64.b64encode((folder / "signed").read_bytes()).decode()
        return 201, cluster.put(
            f"{CSR}/{asked.body['metadata']['name']}", asked.body | {"status": {"certificate": signed}}
        )

    return hook


def failing_program(text: str, status: int = 1) -> Ended:
    """How a program ends that fails."""
    return Ended(status, errors=text)


def called(machine: FakeMachine, *words: str) -> list[tuple[str, ...]]:
    """The calls that begin with these words."""
    return [call for call in machine.calls if call[: len(words)] == words]
