"""The state machines of members with a real etcd on loopback, by its real API; time passes faster."""

import getpass
import grp
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.etcd import configuration, converge
from agent.etcd.configuration import MemberFiles
from agent.etcd.converge import EtcdSettings
from agent.etcd.membership import DATA, MemberSettings, Place
from agent.etcd.network import PKI, Network
from agent.etcd.rolling_restart import Versions
from agent.etcd.start import INITIAL, PERMISSION
from agent.machine import Failed
from agent.programs import Ended
from dev.lab.mirror.product import MIRROR_PLACES
from settings import versions
from tests.preview.etcd_machine import certificates
from tests.unit.agent.etcd.test_converge import FakeGround
from tests.unit.agent.etcd.world import FakeMaintenance
from tests.unit.agent.etcd_samples import SETTINGS
from tests.unit.agent.fake_machine import FakeClock, FakeMachine

ETCD = versions.KUBERNETES[versions.DEFAULT_KUBERNETES].etcd
PROGRAM = MIRROR_PLACES.binaries / f"etcd-{ETCD}" / "etcd"
pytestmark = pytest.mark.system  # the mirror's etcd


class FastClock(FakeClock):
    """Thirty of its seconds pass in one, or as many as a test says."""

    faster = 30.0

    def monotonic(self) -> float:
        return time.monotonic() * self.faster

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / self.faster)


class RealMember:
    """A machine whose etcd is a process of this test, started as the unit would."""

    def __init__(self, folder: Path, place: Place) -> None:
        self.place = place
        self.process: subprocess.Popen[bytes] | None = None
        self.make(folder)

    def make(self, folder: Path) -> None:
        """A new machine of that name."""
        self.stop()
        self.machine = FakeMachine(folder / self.place.name, self.place.name)
        self.machine.clock = self.clock = FastClock()
        self.machine.began = self.clock.monotonic()
        self.machine.state.mkdir(parents=True)
        self.machine.answer("id etcd")
        self.machine.real("openssl")
        self.machine.answer("systemctl", self.systemctl)
        self.ground = FakeGround(FakeMaintenance(self.machine, ""))

    def serves(self) -> bool:
        return self.process is not None and "serving client" in self.log.read_text()

    @property
    def log(self) -> Path:
        return self.machine.path("etcd.log")

    def systemctl(self, words: tuple[str, ...], given: str) -> Ended:
        words = tuple(word for word in words[1:] if word != "--no-block")
        if words[-1] != "etcd.service":
            return Ended(3 if words[0].startswith("is-") else 0)
        state = "inactive" if self.process is None else "active" if self.serves() else "activating"
        match words[0]:
            case "is-active":
                return Ended(0 if state == "active" else 3)
            case "show":
                return Ended(0, state if "ActiveState" in words[1] else "")
            case "restart" | "start":
                self.stop()
                self.start()
            case "stop":
                self.stop()
        return Ended(0)

    def start(self) -> None:
        machine, data = self.machine, self.machine.path(DATA)
        if not any(data.glob("member/wal/*.wal")) and not machine.path(PERMISSION).exists():
            return
        words = machine.path("/etc/etcd/etcd.env").read_text()
        words += machine.path(INITIAL).read_text() if machine.path(INITIAL).exists() else ""
        environment = dict(line.split("=", 1) for line in words.splitlines())
        quick = ("--unsafe-no-fsync", "--heartbeat-interval", "20", "--election-timeout", "200")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [PROGRAM, *quick], env={"PATH": os.environ["PATH"], **environment}, stdout=log, stderr=log
            )

    def stop(self) -> None:
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None


class Cluster:
    """Members, and what the program says to them."""

    def __init__(self, folder: Path, count: int) -> None:
        network = f"127.76.{os.getpid() % 250}"
        self.folder = folder
        self.places = tuple(Place(f"etcd-{number}", f"{network}.{number + 1}") for number in range(count))
        self.pem = certificates.make([*(place.address for place in self.places), "127.0.0.1"])
        self.members = [RealMember(folder, place) for place in self.places]
        self.had_cluster = False
        self.options = ""
        self.snapshots: list[str] = []

    def snapshot(self, reason: str, source: str, seconds: float) -> str:
        self.snapshots.append(f"{reason} {source}")
        return ""

    def converge(self, number: int, named: int = 0) -> FakeMachine:
        member, place = self.members[number], self.places[number]
        machine = member.machine
        pki, data = machine.path(PKI), machine.path(DATA)
        environment = {
            "NAME": place.name, "DATA_DIR": data, "INITIAL_CLUSTER_TOKEN": "sample", "LOGGER": "zap",
            "INITIAL_ADVERTISE_PEER_URLS": place.peer_url, "LISTEN_PEER_URLS": place.peer_url,
            "ADVERTISE_CLIENT_URLS": place.client_url, "LISTEN_CLIENT_URLS": place.client_url,
            "CERT_FILE": pki / "server.crt", "KEY_FILE": pki / "server.key", "TRUSTED_CA_FILE": pki / "ca.crt",
            "CLIENT_CERT_AUTH": "true", "PEER_CERT_FILE": pki / "peer.crt", "PEER_KEY_FILE": pki / "peer.key",
            "PEER_TRUSTED_CA_FILE": pki / "ca.crt", "PEER_CLIENT_CERT_AUTH": "true",
        }  # fmt: skip
        text = "".join(f"ETCD_{name}={value}\n" for name, value in environment.items()) + self.options
        pem = self.pem
        files = MemberFiles("unit\n", text, "", pem.ca, pem.certificate, pem.key, pem.certificate, pem.key)
        settings = MemberSettings(place.name, self.places[: named or None], "sample", (), self.had_cluster)
        wanted = EtcdSettings(settings, Versions(ETCD, "1.34.2"), "1", files)
        converge.converge(machine, wanted, SETTINGS, Network(machine), member.ground, self.snapshot, lambda: None)
        return machine

    def names(self) -> list[str]:
        """Who votes."""
        members = Network(self.members[0].machine).api(self.places[0].client_url).members()
        return sorted(member.name for member in members if not member.is_learner)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    monkeypatch.setattr(configuration, "USER", f"{getpass.getuser()}:{grp.getgrgid(os.getegid()).gr_name}")
    # In memory: nothing waits for a disk.
    with tempfile.TemporaryDirectory(prefix="members-", dir="/dev/shm") as folder:
        cluster = Cluster(Path(folder), 3)
        try:
            yield cluster
        finally:
            for member in cluster.members:
                member.stop()


def test_life_of_a_cluster(cluster: Cluster) -> None:
    """One machine after another; a machine is lost; options change; a member leaves; all is lost."""
    first = cluster.converge(0)
    assert "1 of 3 members run" in first.said
    for number in (1, 2):
        cluster.converge(number)
    assert cluster.names() == ["etcd-0", "etcd-1", "etcd-2"]
    assert cluster.snapshots == []

    # The second `up` completes the first member, and restarts nothing.
    cluster.had_cluster = True
    process = cluster.members[0].process
    cluster.converge(0)
    assert cluster.members[0].process is process

    cluster.members[1].make(cluster.folder / "new")
    cluster.converge(1)
    assert cluster.names() == ["etcd-0", "etcd-1", "etcd-2"]
    assert "which was this machine before it lost its data" in cluster.members[1].machine.said

    cluster.options = "ETCD_QUOTA_BACKEND_BYTES=4294967296\n"
    for number in (0, 1, 2):
        assert "well again" in cluster.converge(number).said
    assert "gave the lead to" in "".join(member.machine.said for member in cluster.members)

    # etcd refuses removals for 5 s after a restart.
    cluster.members[0].clock.faster = 3
    cluster.converge(0, named=2)
    assert cluster.names() == ["etcd-0", "etcd-1"]
    assert cluster.snapshots[-1].startswith("membership")

    # It has its data, and the cluster does not list it.
    cluster.members[2].stop()
    assert "its old data is in" in cluster.converge(2).said
    assert cluster.names() == ["etcd-0", "etcd-1", "etcd-2"]

    for member in cluster.members:
        member.make(cluster.folder / "lost")
    with pytest.raises(Failed, match="this stack has had an etcd"):
        cluster.converge(0)
