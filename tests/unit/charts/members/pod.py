"""Pods of the chart as plain processes: the rendered scripts and settings, in a network of their own."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.unit.charts.helm import PROJECT, Manifests

HERE = Path(__file__).parent
USER = 999
ROOT_PASSWORD = "ro'ot\"pass\\word %s"  # every character that some quoting could get wrong
REPLICATION_PASSWORD = "repl'ica\"tion\\"


def wait_for(what: str, probe: Callable[[], object], seconds: float = 60) -> None:
    """Probes until the answer is true; fails with `what` after `seconds`."""
    limit = time.monotonic() + seconds
    while not probe():
        assert time.monotonic() < limit, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.1)


def make_certificate(folder: Path) -> None:
    """A self-signed certificate for the API server, as ca.crt, server.crt and server.key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kube-apiserver")])
    names = x509.SubjectAlternativeName(
        [x509.DNSName("kubernetes.default.svc"), x509.IPAddress(ip_address("127.0.0.1"))]
    )
    now = datetime.now(UTC)
    serial, end = x509.random_serial_number(), now + timedelta(days=1)
    builder = x509.CertificateBuilder(name, name, key.public_key(), serial, now, end)
    builder = builder.add_extension(names, critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    certificate = builder.sign(key, hashes.SHA256())
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    (folder / "ca.crt").write_bytes(pem)
    (folder / "server.crt").write_bytes(pem)
    encoding = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "server.key").write_bytes(key.private_bytes(*encoding))


class Network:
    """A network namespace with a loopback and the API server; `close` ends both."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hosts = folder / "hosts"
        make_certificate(folder)
        self.holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        own = Path("/proc/self/ns/net").readlink()
        wait_for("a network namespace", lambda: Path(f"/proc/{self.holder.pid}/ns/net").readlink() != own, 10)
        subprocess.run([*self.enter(), "ip", "link", "set", "lo", "up"], check=True)
        self.api = subprocess.Popen([*self.enter(), sys.executable, str(HERE / "api_server.py"), str(folder)])
        wait_for("the API server", (folder / "listening").exists, 10)

    def name(self, address: str, name: str) -> None:
        """A name that the pods which are made afterwards can look up."""
        with self.hosts.open("a") as hosts:
            hosts.write(f"{address} {name}\n")

    def enter(self) -> list[str]:
        """The command prefix that runs inside."""
        return ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net"]

    def close(self) -> None:
        """Ends both processes."""
        for process in (self.api, self.holder):
            process.kill()
            process.wait()


class Pod:
    """One member. Its server listens on an address of its own, as a pod's does."""

    def __init__(self, network: Network, manifests: Manifests, ordinal: int, template: Any = None) -> None:
        """`template` is the pod template of a Job; the StatefulSet's without one."""
        self.network = network
        self.name = f"database-{ordinal}"
        self.address = f"127.0.0.{10 + ordinal}"
        self.folder = network.folder / self.name
        self.server: subprocess.Popen[str] | None = None
        mounts = ("data", "run", "scripts", "configuration", "passwords", "members", "state", "backups")
        for mount in (*mounts, "s3", "initialization", "api"):
            (self.folder / mount).mkdir(parents=True)
        for mount in ("data", "run", "backups"):
            os.chown(self.folder / mount, USER, USER)
        for kind in ("scripts", "configuration", "members", "initialization"):
            for name, content in manifests.get(("ConfigMap", f"database-{kind}"), {"data": {}})["data"].items():
                file = self.folder / kind / name
                file.write_text(content)
                file.chmod(0o555)
        passwords = {"root-password": ROOT_PASSWORD, "replication-password": REPLICATION_PASSWORD}
        for name, content in passwords.items():
            (self.folder / "passwords" / name).write_text(content)
        shutil.copy(network.folder / "ca.crt", self.folder / "api")
        (self.folder / "api" / "token").write_text("token-of-the-pod")
        entrypoint = self.folder / "docker-entrypoint.sh"
        shutil.copy(PROJECT / "dev/lab/mirror/images/mariadb/docker-entrypoint.sh", entrypoint)
        pod = template or manifests["StatefulSet", "database"]["spec"]["template"]
        self.environment = self.variables(pod["spec"]["containers"][0]["env"])

    def variables(self, declared: list[dict[str, Any]]) -> dict[str, str]:
        """The container's environment, the downward API's part filled in."""
        own = {"metadata.name": self.name, "metadata.namespace": "database"}
        values = {
            each["name"]: each["value"] if "value" in each else own[each["valueFrom"]["fieldRef"]["fieldPath"]]
            for each in declared
        }
        return {**values, "KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "6443"}

    def command(self, *words: str) -> list[str]:
        """The words as a command inside the pod."""
        inside = [str(HERE / "member.sh"), str(self.folder), str(self.network.hosts), *words]
        return [*self.network.enter(), "unshare", "--mount", *inside]

    def run(self, *words: str, seconds: float = 90) -> subprocess.CompletedProcess[str]:
        """Runs a command in the pod to its end; output of both kinds together."""
        return subprocess.run(
            self.command(*words), env=self.environment, text=True, timeout=seconds, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def remember(self, **state: str) -> None:
        """What the release's ConfigMap for state says, as this pod mounts it; an empty value takes a key away."""
        for key, value in state.items():
            file = self.folder / "state" / key
            file.write_text(value) if value else file.unlink(missing_ok=True)

    def prepare(self, seconds: float = 90) -> str:
        """The init container; returns its log."""
        done = self.run("/opt/mariadb-member/prepare.sh", seconds=seconds)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def start(self, *words: str) -> None:
        """The server, by the chart's script or by these words; returns when it is alive."""
        words = (*(words or ("/opt/mariadb-member/start.sh",)), f"--bind-address={self.address}")
        log = (self.folder / "log").open("a")
        self.server = subprocess.Popen(self.command(*words), env=self.environment, stdout=log, stderr=log, text=True)
        wait_for(f"{self.name} alive", lambda: self.health("alive").returncode == 0)

    def kill(self) -> None:
        """Power off: the server gets no chance to say goodbye."""
        if self.server is not None:
            self.server.kill()
            self.server.wait()
            self.server = None

    def health(self, what: str) -> subprocess.CompletedProcess[str]:
        """The probe `alive` or `ready`."""
        return self.run("/opt/mariadb-member/health.sh", what)

    def query(self, statement: str) -> str:
        """Root's answer over the socket."""
        client = ("mariadb", "--defaults-file=/run/mysqld/client.cnf", "--batch", "--skip-column-names")
        done = self.run(*client, "--execute", statement)
        assert done.returncode == 0, done.stdout
        return done.stdout.strip()
