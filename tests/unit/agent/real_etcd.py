"""Members of a real etcd, on loopback or on sockets in a folder: quick elections, and nothing synced to the disk."""

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from agent.etcd_api import Etcd, EtcdError, Tls
from dev.lab.mirror.product import MIRROR_PLACES
from settings import versions
from tests.unit.agent import openssl

PROGRAMS = MIRROR_PLACES.binaries / f"etcd-{versions.KUBERNETES[versions.DEFAULT_KUBERNETES].etcd}"
_QUICK = ("--unsafe-no-fsync", "--log-level", "error", "--heartbeat-interval", "20", "--election-timeout", "100")


def free_port() -> int:
    """A port of 127.0.0.1 where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class RealMember:
    """One member; its process is ended by its id."""

    name: str
    folder: Path
    endpoint: str
    peer: str
    listen_peer: str
    tls: Tls | None = None
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def peer_port(self) -> int:
        return int(self.peer.rpartition(":")[2])

    def etcd(self, seconds: float = 10) -> Etcd:
        return Etcd((self.endpoint,), self.tls, seconds)

    def start(self, *options: str, cluster: str = "", state: str = "new") -> None:
        """Starts it. Whether it answers is for the caller: a learner or one without a majority does not."""
        advertised = self.endpoint if self.tls else "http://127.0.0.1:1"
        pem: list[str] = []
        if self.tls:
            for side in ("", "peer-"):
                pem += [f"--{side}cert-file", str(self.tls.certificate), f"--{side}key-file", str(self.tls.key)]
                pem += [f"--{side}trusted-ca-file", str(self.tls.ca), f"--{side}client-cert-auth"]
        with (self.folder / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                [PROGRAMS / "etcd", "--name", self.name, "--data-dir", self.folder / self.name, *_QUICK,
                 "--listen-client-urls", self.endpoint, "--advertise-client-urls", advertised,
                 "--listen-peer-urls", self.listen_peer, "--initial-advertise-peer-urls", self.peer,
                 "--initial-cluster", cluster or f"{self.name}={self.peer}", "--initial-cluster-state", state,
                 *pem, *options],
                stdout=log, stderr=log,
            )  # fmt: skip

    def wait(self) -> Etcd:
        """Returns when it answers with a majority."""
        etcd, end = self.etcd(), time.monotonic() + 60
        while True:
            try:
                etcd.check_health()
                return etcd
            except EtcdError as error:
                assert time.monotonic() < end, f"{error}\n{(self.folder / f'{self.name}.log').read_text()}"
                time.sleep(0.05)

    def stop(self) -> None:
        """Kills it, if it runs."""
        if self.process:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


@contextlib.contextmanager
def single(*options: str) -> Iterator[RealMember]:
    """A cluster of one behind a socket, until the end of the block."""
    # The path of a socket is short (108 bytes, unix(7)).
    with tempfile.TemporaryDirectory(prefix="etcd-") as name:
        folder = Path(name)
        member = RealMember("one", folder, f"unix://{folder}/client", "http://127.0.0.1:1", f"unix://{folder}/peer")
        try:
            member.start(*options)
            member.wait()
            yield member
        finally:
            member.stop()


@contextlib.contextmanager
def with_tls(folder: Path, *names: str) -> Iterator[list[RealMember]]:
    """Members with certificates, none of which runs yet; all end with the block."""
    openssl.authority(folder, "ca")
    openssl.leaf(folder, "member", "ca")
    tls = Tls(folder / "ca.crt", folder / "member.crt", folder / "member.key")
    members = []
    for name in names:
        client, peer = (f"https://127.0.0.1:{free_port()}" for _ in range(2))
        members.append(RealMember(name, folder, client, peer, peer, tls))
    try:
        yield members
    finally:
        for member in members:
            member.stop()
