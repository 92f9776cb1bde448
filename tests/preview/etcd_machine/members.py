"""Machines with one etcd member each. Their disks are folders, and their scripts run as on a real machine."""

import contextlib
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dev.lab.mirror.product import Places
from dev.lab.places import MIRROR
from machines.etcd.bundle import etcd_bundle
from settings import versions
from settings.backups import BackupSettings
from settings.load import parse
from settings.plan import PlannedMachine
from tests.preview.etcd_machine import certificates

_HERE = Path(__file__).parent
ETCD = versions.KUBERNETES[versions.DEFAULT_KUBERNETES].etcd
PROGRAMS = Places(MIRROR).binaries / f"etcd-{ETCD}"


@dataclass(frozen=True)
class Done:
    """A script that has ended."""

    status: int
    output: str
    """Standard output and standard error."""
    text: str
    """Standard output only."""


@dataclass(frozen=True)
class Machine:
    """One machine; `root` is its disk."""

    name: str
    address: str
    root: Path

    @property
    def data(self) -> Path:
        """etcd's data folder."""
        return self.root / "var/lib/etcd"

    @property
    def backups(self) -> Path:
        """The folder with etcd's snapshots."""
        return self.root / "var/lib/etcd-backup"

    @property
    def fakes(self) -> Path:
        """The folder with commands that replace the real ones."""
        return self.root / "fake"

    def run(self, script: Path | str, *words: str, stdin: str = "", seconds: float = 120) -> Done:
        """Run a script from the machine's bundle, or another one."""
        environment = {
            "PATH": f"{os.environ['PATH']}:{PROGRAMS}",
            "ROOT": str(self.root),
            "FAKE_PATH": str(self.fakes),
            "EXTRA_PATH": str(PROGRAMS),
            "HOME": str(self.root),
        }
        path = script if isinstance(script, Path) else self.root / "bundle" / script
        done = subprocess.run(
            ["bash", str(path), *words],
            env=environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        return Done(done.returncode, done.stdout + done.stderr, done.stdout)

    def good(self, script: Path | str, *words: str, stdin: str = "") -> Done:
        """Run a script that must succeed."""
        done = self.run(script, *words, stdin=stdin)
        assert done.status == 0, f"{script} {' '.join(words)} on {self.name}: status {done.status}:\n{done.output}"
        return done

    def join(self) -> Done:
        """Do what converge does for membership."""
        return self.good(_HERE / "join.sh")

    def systemctl(self, verb: str) -> None:
        """Run `systemctl` for etcd.service on this machine."""
        self.good(_HERE / "systemctl.sh", verb, "etcd.service")

    def kill(self) -> None:
        """Kill etcd."""
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            pid = int((self.root / "etcd.pid").read_text())
            os.kill(pid, signal.SIGKILL)
            while not (Path("/proc") / str(pid) / "status").read_text().count("State:\tZ"):
                time.sleep(0.05)

    def etcdctl(self, *words: str) -> str:
        """Run etcdctl against this member only."""
        pki = self.root / "etc/etcd/pki"
        certificate = ["--cacert", f"{pki}/ca.crt", "--cert", f"{pki}/client.crt", "--key", f"{pki}/client.key"]
        command = [str(PROGRAMS / "etcdctl"), "--endpoints", f"https://{self.address}:2379", *certificate]
        done = subprocess.run([*command, *words], capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, f"etcdctl {' '.join(words)} on {self.name}: {done.stderr}"
        return done.stdout

    def look(self) -> dict[str, Any]:
        """The machine's state as etcd-restore.sh reports it."""
        found: dict[str, Any] = json.loads(self.good("etcd-restore.sh", "look").text)
        return found

    def listing(self, *words: str) -> dict[str, Any]:
        """The machine's snapshots as etcd-backups.sh reports them."""
        found: dict[str, Any] = json.loads(self.good("etcd-backups.sh", *words).text)
        return found

    def snapshot(self, *words: str) -> dict[str, Any]:
        """Take a snapshot. Returns its description."""
        self.good("etcd-backup.sh", *words)
        newest: dict[str, Any] = self.listing("--here")["snapshots"][-1]
        return newest


def make(
    folder: Path, count: int, backups: BackupSettings | None = None, secrets: Mapping[str, str] | None = None
) -> list[Machine]:
    """Machines with their bundles on their disks, no etcd started yet; `secrets` are those of the backups' places."""
    # Each test process has addresses of its own.
    network = f"127.77.{os.getpid() % 250}"
    members = tuple(
        PlannedMachine(f"etcd-{number}", f"etcd-{number}", "etcd", f"{network}.{number + 1}") for number in range(count)
    )
    stack = parse({}, "test")
    platform = stack.model_copy(
        update={
            "plan": replace(stack.plan, etcd=members, control_plane_places=()),
            "settings": stack.settings.model_copy(update={"backups": backups or stack.settings.backups}),
        }
    )
    # Connections on loopback come from 127.0.0.1, and a member compares that with the certificate of its peer.
    pem = certificates.make([*(member.address for member in members), "127.0.0.1"])
    pair = {"member": pem.certificate, "member_key": pem.key, "client": pem.certificate, "client_key": pem.key}
    machines = []
    for member in members:
        machine = Machine(member.name, member.address, folder / member.name)
        for file in etcd_bundle(platform, member, {"ca": pem.ca, **pair, **(secrets or {})}).files:
            path = machine.root / "bundle" / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            # The bundle contains its path on a machine.
            path.write_text(file.content.replace("/opt/openstack-paas/etcd/", f"{machine.root}/bundle/"))
            path.chmod(file.mode)
        pki = machine.root / "etc/etcd/pki"
        pki.parent.mkdir(parents=True)
        pki.symlink_to(machine.root / "bundle/pki")
        machine.data.mkdir(parents=True)
        machine.data.chmod(0o700)
        machine.fakes.mkdir()
        (machine.fakes / "systemctl").write_text((_HERE / "systemctl.sh").read_text())
        (machine.fakes / "logger").write_text("#!/bin/sh\n")
        for fake in machine.fakes.iterdir():
            fake.chmod(0o755)
        machines.append(machine)
    return machines


def name(machines: list[Machine]) -> None:
    """Set exactly these machines as the members in their settings."""
    members = " ".join(f"'{machine.name} {machine.address}'" for machine in machines)
    for machine in machines:
        path = machine.root / "bundle/settings.sh"
        path.write_text(re.sub(r"(?m)^MEMBERS=.*$", f"MEMBERS=({members})", path.read_text()))


def converge(machines: list[Machine]) -> list[Done]:
    """Do what an `up` does for membership on these machines, all at the same time. Each may fail."""
    with ThreadPoolExecutor(len(machines)) as pool:
        return list(pool.map(lambda machine: machine.run(_HERE / "join.sh"), machines))


def running(
    folder: Path,
    count: int,
    backups: BackupSettings | None = None,
    secrets: Mapping[str, str] | None = None,
    first: int = 0,
) -> Iterator[list[Machine]]:
    """The same with a cluster that runs on them, or on the `first` of them, until the test ends."""
    machines = make(folder, count, backups, secrets)
    try:
        begun = machines[: first or count]
        name(begun)
        for machine, done in zip(begun, converge(begun), strict=True):
            assert done.status == 0, f"{machine.name}: {done.output}"
        yield machines
    finally:
        for machine in machines:
            machine.kill()
