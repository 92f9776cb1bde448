"""dpkg and apt on a machine in a folder: what is installed, what is offered, and what was asked of them."""

import hashlib
import io
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agent.programs import Ended
from agent.system.apt_sources import AptSources
from agent.system.etcd_archive import EtcdArchive
from agent.system.packages import DesiredPackages, Packages
from tests.unit.agent.fake_machine import FakeMachine

NOT_FOUND = "E: No packages found"
POLICY = "/usr/sbin/policy-rc.d"


def desired(*wanted: str, epoch: str = "", archives: tuple[EtcdArchive, ...] = ()) -> DesiredPackages:
    """Packages of a role, from the sources that the machine has."""
    return DesiredPackages(wanted, AptSources(), archives, epoch)


def entry(package: str, version: str, offered: bool = True) -> str:
    """A record as apt-cache shows it."""
    file = f"Filename: pool/{package}_{version}.deb\n" if offered else "Status: install ok installed\n"
    return f"Package: {package}\n{file}Version: {version}\nDescription: one\n Version: of a text\n"


class FakePackages:
    """`installed`: name to (state, want, version), `offered`: name to versions, newest first."""

    def __init__(self, root: Path) -> None:
        self.machine = FakeMachine(root)
        self.installed: dict[str, tuple[str, str, str]] = {}
        self.offered: dict[str, tuple[str, ...]] = {}
        #: What apt changed, in few words; and whether services could start while it did.
        self.changes: list[str] = []
        self.starts: list[bool] = []
        self.machine.answer("dpkg-query", self._query)
        self.machine.answer("dpkg --print-architecture", "arm64\n")
        self.machine.answer("apt-cache show", self._show)
        self.machine.answer("apt-mark hold", self._hold)
        self.machine.answer("apt-get", self._get)

    def packages(self, *wanted: str, deferred: tuple[str, ...] = (), epoch: str = "") -> Packages:
        """What a run of the agent has."""
        packages = Packages(self.machine, desired(*wanted, epoch=epoch))
        packages.deferred = frozenset(deferred)
        return packages

    def taken_changes(self) -> list[str]:
        """The changes since the last time."""
        taken, self.changes = self.changes, []
        return taken

    def _query(self, words: tuple[str, ...], given: str) -> Ended:
        known = [name for name in words[4:] if name in self.installed]
        lines = ["\t".join((name, *self.installed[name])) + "\n" for name in known]
        return Ended(1 if len(known) < len(words[4:]) else 0, "".join(lines))

    def _show(self, words: tuple[str, ...], given: str) -> Ended:
        versions = self.offered.get(words[3], ())
        return Ended(0, "\n".join(entry(words[3], one) for one in versions)) if versions else Ended(100, "", NOT_FOUND)

    def _hold(self, words: tuple[str, ...], given: str) -> str:
        self.changes.append(f"hold {' '.join(words[2:])}")
        self.installed.update({name: (one[0], "hold", one[2]) for name in words[2:] for one in [self.installed[name]]})
        return ""

    def _get(self, words: tuple[str, ...], given: str) -> str:
        rest = [word for word in words[2:] if "::" not in word]
        kept = ("--download-only", "--only-upgrade", "--with-new-pkgs")
        asked = [word for word in rest if word in kept or not word.startswith("--")]
        self.changes.append(" ".join([words[1], *asked]))
        self.starts.append(not self.machine.path(POLICY).exists())
        if words[1] == "install" and "--download-only" not in words:
            for word in asked:
                name, _, version = word.partition("=")
                if version or (name not in self.installed and not name.startswith("--")):
                    self.installed[name] = ("installed", "install", version or "1.0-1")
        return ""


@contextmanager
def running_dpkg(machine: FakeMachine) -> Iterator[None]:
    """Another process has dpkg's lock."""
    lock = machine.path("/var/lib/dpkg/lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    script = (
        f"import fcntl, sys; f = open({str(lock)!r}, 'w'); fcntl.lockf(f, fcntl.LOCK_EX); print(flush=True); input()"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen((sys.executable, "-I", "-S", "-c", script), stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin and process.stdout
        process.stdout.readline()
        yield
        process.stdin.write("\n")


ETCD_PROGRAMS = ("etcd", "etcdctl", "etcdutl")
OTHER_DIGEST = "0" * 64


def make_archive(names: tuple[str, ...] = ETCD_PROGRAMS, folder: str = "etcd-v3.7.3-linux-arm64") -> bytes:
    """A release archive, with what else such a one has."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as tar:
        for name in (*names, "README.md", "Documentation/etcd"):
            info = tarfile.TarInfo(f"{folder}/{name}")
            info.size = len(name)
            tar.addfile(info, io.BytesIO(name.encode()))
    return written.getvalue()


def digest(content: bytes) -> str:
    """Its SHA-256."""
    return hashlib.sha256(content).hexdigest()


def etcd_machine(root: Path, content: bytes) -> FakeMachine:
    """One of another architecture than most, to which every URL gives this content."""
    machine = FakeMachine(root)
    machine.answer("dpkg --print-architecture", "arm64\n")

    def download(words: tuple[str, ...], given: str) -> str:
        Path(words[3]).write_bytes(content)
        return ""

    machine.answer("/usr/lib/apt/apt-helper", download)
    return machine


def archives(sha256: str) -> tuple[EtcdArchive, ...]:
    """The archives of a release."""
    return (
        EtcdArchive("amd64", OTHER_DIGEST, "http://files/amd64"),
        EtcdArchive("arm64", sha256, "http://files/arm64"),
    )
