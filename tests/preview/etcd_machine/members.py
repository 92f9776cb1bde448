"""Machines with one etcd member each. Their disks are folders; the agent runs on them as on a real machine."""

import contextlib
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

from agent import machine as agent_machine
from agent import programs
from agent.clock import Clock
from agent.etcd import configuration
from agent.etcd import converge as etcd_converge
from agent.etcd.backup import take_before_change
from agent.etcd.defragment import end_alarm_where_it_fits
from agent.etcd.membership import DATA, Place, mark_of
from agent.etcd.network import Network
from agent.etcd.start import GUARD_FILE, INITIAL, PERMISSION
from agent.machine import Failed
from agent.programs import Ended
from agent.roles.etcd import COMMANDS, State
from agent.system.ground import Ground
from dev.lab.mirror.product import Places
from dev.lab.places import MIRROR
from machines.etcd.command import etcd_command
from settings import versions
from settings.backups import BackupSettings
from settings.load import parse
from settings.plan import PlannedMachine
from tests.preview.etcd_machine import certificates

ETCD = versions.KUBERNETES[versions.DEFAULT_KUBERNETES].etcd
PROGRAMS = Places(MIRROR).binaries / f"etcd-{ETCD}"
#: On a real machine they are in PATH.
_OWN = ("etcd", "etcdctl", "etcdutl")
#: Options of etcd that name files of the machine.
_PEM = ("CERT_FILE", "KEY_FILE", "TRUSTED_CA_FILE")
_PATHS = ("DATA_DIR", *_PEM, *(f"PEER_{name}" for name in _PEM))


@dataclass(frozen=True)
class Done:
    """A run of the agent that has ended."""

    status: int
    output: str
    """What it said and, for commands, what it printed."""
    text: str = ""
    """What it printed for programs."""


class Machine(agent_machine.Machine):
    """One machine; `root` is its disk, `desired` what the program asks of it, `fakes` programs that are not real."""

    def __init__(self, root: Path, desired: State) -> None:
        super().__init__(desired.machine.name, root, Clock())
        self.desired = desired
        self.address = desired.machine.address
        self.network = Network(self)
        self.lines: list[str] = []
        self.process: subprocess.Popen[bytes] | None = None
        self.fakes: dict[str, Callable[[tuple[str, ...]], Ended]] = {
            "systemctl": self._systemctl,
            "logger": lambda words: Ended(0),
            "id": lambda words: Ended(0),
        }

    @property
    def data(self) -> Path:
        """etcd's data folder."""
        return self.path(DATA)

    @property
    def backups(self) -> Path:
        """The folder with etcd's snapshots."""
        return self.path("/var/lib/etcd-backup")

    def program(self, name: str) -> Path:
        """etcd's program of that name: from a release archive where there is one, otherwise the package's."""
        archived = self.path(f"/usr/local/bin/{name}")
        return archived if archived.exists() else PROGRAMS / name

    # --- what the agent calls

    def run(
        self, *words: "str | Path", seconds: float = 60, given: str = "", environment: Mapping[str, str] | None = None
    ) -> Ended:
        """A program: a fake, one of this machine's etcd, or one of the machine of the test."""
        name, *rest = map(str, words)
        if name in self.fakes:
            return self.fakes[name](tuple(rest))
        return programs.run((str(self.program(name)) if name in _OWN else name, *rest), seconds, given, environment)

    def log(self, text: str) -> None:
        """Keeps it for the test."""
        self.lines.append(f"{self.step_name}: {text}")

    # --- etcd.service

    def _systemctl(self, words: tuple[str, ...]) -> Ended:
        verb, *units = (word for word in words if not word.startswith("-"))
        if units != ["etcd.service"]:
            return Ended(3 if verb.startswith("is-") else 0)
        state = self._state()
        if verb == "is-active":
            return Ended(0 if state == "active" else 3, f"{state}\n")
        if verb == "show":
            pid = self.process.pid if self.process and state != "inactive" else 0
            asked = {"ActiveState": state, "MainPID": str(pid)}
            return Ended(0, next((value for name, value in asked.items() if f"--property={name}" in words), "") + "\n")
        if verb in ("stop", "restart"):
            self._end(subprocess.Popen.terminate)
        if verb == "restart" or (verb == "start" and state == "inactive"):
            self._start()
        return Ended(0)

    def _state(self) -> str:
        if self.process is None or self.process.poll() is not None:
            return "inactive"
        if "ready to serve client requests" not in self.path("etcd.log").read_text():
            return "activating"
        # ExecStartPost= of its guard.
        self.path(mark_of(self.desired.etcd.member.token)).touch()
        self.path(PERMISSION).unlink(missing_ok=True)
        self.path(INITIAL).unlink(missing_ok=True)
        return "active"

    def _start(self) -> None:
        """As the unit does, with its guard."""
        if not self._may_start():
            self.lines.append("etcd.service: its condition says no")
            return
        lines = self.path("/etc/etcd/etcd.env").read_text().splitlines()
        if self.path(INITIAL).exists():
            lines += self.path(INITIAL).read_text().splitlines()
        options = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
        options["ETCD_LISTEN_CLIENT_URLS"] = options["ETCD_ADVERTISE_CLIENT_URLS"]
        del options["ETCD_LISTEN_METRICS_URLS"]
        options |= {f"ETCD_{name}": str(self.path(options[f"ETCD_{name}"])) for name in _PATHS}
        with self.path("etcd.log").open("wb") as log:
            self.process = subprocess.Popen(
                [self.program("etcd")], env=options, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def _may_start(self) -> bool:
        lines = self.path(GUARD_FILE).read_text().splitlines()
        command = next(line for line in lines if line.startswith("ExecCondition=")).removeprefix("ExecCondition=+")
        for path in (DATA, PERMISSION):
            command = command.replace(path, str(self.path(path)))
        return subprocess.run(command, shell=True, check=False).returncode == 0

    def _end(self, how: Callable[[subprocess.Popen[bytes]], None]) -> None:
        if self.process is not None:
            how(self.process)
            self.process.wait()
            self.process = None

    # --- what tests do

    def systemctl(self, verb: str) -> None:
        """Run `systemctl` for etcd.service on this machine. A start is over when etcd listens."""
        self._systemctl((verb, "etcd.service"))
        if verb == "start":
            end = time.monotonic() + 30
            while "serving peer" not in self.path("etcd.log").read_text():
                assert time.monotonic() < end, self.path("etcd.log").read_text()
                time.sleep(0.05)

    def kill(self) -> None:
        """Kill etcd."""
        self._end(subprocess.Popen.kill)

    def converge(self) -> Done:
        """Do what an `up` does on this machine, but for packages and the like. It may fail."""
        desired = self.desired

        def snapshot(reason: str, source: str, seconds: float) -> str:
            return take_before_change(self, desired.backups, reason, source, seconds)

        def act() -> None:
            ground = MemberGround(self, desired.machine)
            etcd_converge.converge(
                self,
                desired.etcd,
                desired.backups,
                self.network,
                ground,
                snapshot,
                lambda: end_alarm_where_it_fits(self, desired.backups),
            )

        return self._act(act)

    def join(self) -> Done:
        """The same, and it must succeed."""
        done = self.converge()
        assert done.status == 0, f"{self.name}: {done.output}"
        return done

    def command(self, name: str, stdin: str = "", **options: str) -> Done:
        """Run one of the role's commands, which reads the saved desired state. One at a time in a test's process."""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), mock.patch.object(sys, "stdin", io.StringIO(stdin)):
            done = self._act(lambda: COMMANDS[name].run(self, self.desired, options))
        return replace(done, output=f"{done.output}\n{printed.getvalue()}", text=printed.getvalue())

    def good(self, name: str, stdin: str = "", **options: str) -> Done:
        """The same, and it must succeed."""
        done = self.command(name, stdin, **options)
        assert done.status == 0, f"{name} {options} on {self.name}: {done.output}"
        return done

    def _act(self, action: Callable[[], None]) -> Done:
        self.lines, self.step_name, status = [], "start", 0
        self.began = self.clock.monotonic()
        try:
            action()
        except Failed as failed:
            status = 70
            self.lines.append(f"FAILED at step '{self.step_name}': {failed}")
        return Done(status, "\n".join(self.lines))

    def etcdctl(self, *words: str) -> str:
        """Run etcdctl against this member only."""
        pki = self.root / "etc/etcd/pki"
        certificate = ["--cacert", f"{pki}/ca.crt", "--cert", f"{pki}/client.crt", "--key", f"{pki}/client.key"]
        command = [str(self.program("etcdctl")), "--endpoints", f"https://{self.address}:2379", *certificate]
        done = subprocess.run([*command, *words], capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, f"etcdctl {' '.join(words)} on {self.name}: {done.stderr}"
        return done.stdout

    def look(self) -> dict[str, Any]:
        """The machine's state as a restore sees it."""
        found: dict[str, Any] = json.loads(self.good("restore", step="look").text)
        return found

    def snapshots(self) -> list[dict[str, Any]]:
        """The descriptions of the snapshots on this machine, the oldest first."""
        found = [json.loads(file.read_text()) for file in self.backups.glob("[!.]*.json")]
        return sorted(found, key=lambda one: (one["time"], one["revision"]))

    def snapshot(self, **options: str) -> dict[str, Any]:
        """Take a snapshot. Returns its description."""
        self.good("snapshot", **options)
        return self.snapshots()[-1]


class MemberGround(Ground):
    """The machine's packages are only looked at, and it has no firewall."""

    def prepare(self, deferred: object = ()) -> None:
        """Finds what waits."""
        assert isinstance(deferred, tuple)
        self.packages.deferred = frozenset(deferred)
        self.machine.step("packages", self.packages.look)

    def apply_firewall(self, table: str = "") -> None:
        """None."""


@contextlib.contextmanager
def here() -> Iterator[None]:
    """The agent finds etcd's programs, and no user etcd."""
    user = f"{os.geteuid()}:{os.getegid()}"
    path = f"{PROGRAMS}:{programs.PATH}"
    with mock.patch.object(configuration, "USER", user), mock.patch.object(programs, "PATH", path):
        yield


def make(
    folder: Path, count: int, backups: BackupSettings | None = None, secrets: Mapping[str, str] | None = None
) -> list[Machine]:
    """Machines of a new stack, no etcd started yet; `secrets` are those of the backups' places. Use it in `here()`."""
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
    others = {"ca": pem.ca, "login_keys": "debian\n", **pair, **(secrets or {})}
    machines = []
    for member in members:
        command = etcd_command(platform, member, {"instance": member.name, **others})
        machine = Machine(folder / member.name, command.state)
        machine.state.mkdir(parents=True)
        machine.fakes["dpkg-query"] = _installed
        machines.append(machine)
    return machines


def _installed(words: tuple[str, ...]) -> Ended:
    """Everything is, in the wanted versions."""
    names = words[words.index("--showformat") + 2 :]
    found = {"etcd": ETCD}
    return Ended(0, "".join(f"{name}\tinstalled\thold\t{found.get(name, 1)}-1\n" for name in names))


def name(machines: list[Machine]) -> None:
    """Set exactly these machines as the members in their desired states."""
    places = tuple(Place(machine.name, machine.address) for machine in machines)
    for machine in machines:
        etcd = machine.desired.etcd
        machine.desired = replace(machine.desired, etcd=replace(etcd, member=replace(etcd.member, members=places)))


def converge(machines: list[Machine]) -> list[Done]:
    """Do what an `up` does on these machines, all at the same time. Each may fail."""
    with ThreadPoolExecutor(len(machines)) as pool:
        return list(pool.map(Machine.converge, machines))


def running(
    folder: Path,
    count: int,
    backups: BackupSettings | None = None,
    secrets: Mapping[str, str] | None = None,
    first: int = 0,
) -> Iterator[list[Machine]]:
    """The same with a cluster that runs on them, or on the `first` of them, until the test ends."""
    with here():
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
