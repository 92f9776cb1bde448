"""What is remembered of snapshots: a description beside each, the outcome of the last run, and both as metrics."""

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

from agent.etcd import retention, scratch
from agent.etcd.backup_settings import Keep
from agent.etcd.local import BACKUPS
from agent.etcd.snapshot_proof import check_room, free_bytes, needed_bytes
from agent.machine import Machine
from agent.system import files, lock

#: A folder that everyone may read: node_exporter is another user.
METRICS: Final = "/var/lib/openstack-paas-metrics/etcd-backup.prom"
#: Seconds that another snapshot may take.
_LOCK_SECONDS: Final = 900
_PREFIX: Final = "openstack_paas_etcd_backup"


@dataclass(frozen=True)
class Description:
    """One snapshot on this machine. `time` in seconds since 1970, `size` in bytes; `source` is the member's address."""

    name: str
    member: str
    cluster: str
    time: int
    reason: str
    revision: int
    keys: int
    hash: int
    size: int
    etcd: str
    source: str
    verified: bool
    problem: str = ""

    @property
    def document(self) -> dict[str, Any]:
        """As it is written beside the snapshot, and listed."""
        document = {("from" if name == "source" else name): value for name, value in vars(self).items()}
        return document if self.problem else {name: value for name, value in document.items() if name != "problem"}

    @staticmethod
    def parse(document: dict[str, Any]) -> "Description":
        """From its JSON. Raises KeyError where something is missing."""
        names = ("name", "member", "cluster", "time", "reason", "revision", "keys", "hash", "size", "etcd", "verified")
        same = {name: document[name] for name in names}
        return Description(source=document["from"], problem=document.get("problem", ""), **same)


def name_of(time: int, revision: int, reason: str) -> str:
    """The name of a snapshot says what must be known of it where its description is not."""
    return f"{datetime.fromtimestamp(time, timezone.utc):%Y%m%dT%H%M%SZ}-r{revision}-{reason}"


@dataclass
class Outcome:
    """How a run ended. `copied` are the places that have everything now."""

    taken: bool = False
    skipped: bool = False
    verified: bool = False
    size: int = 0
    copied: list[str] = field(default_factory=list)


class Store:
    """The snapshots on this machine."""

    def __init__(self, machine: Machine) -> None:
        """Nothing is made by this."""
        self._machine = machine
        self.folder = machine.path(BACKUPS)

    def file(self, name: str) -> Path:
        """The snapshot itself."""
        return self.folder / f"{name}.db"

    @contextlib.contextmanager
    def locked(self, wait_seconds: float = _LOCK_SECONDS) -> Iterator[None]:
        """The only one that adds or removes snapshots. What an interrupted run left is swept up first.

        Raises Failed when another run does not end.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        with lock.hold(self._machine, f"{BACKUPS}/.lock", wait_seconds, "another snapshot"):
            # A snapshot counts from the moment its description is there.
            for file in self.folder.glob("*.db"):
                if not file.with_suffix(".json").exists():
                    file.unlink()
            for name in self._unreadable():
                self._machine.log(f"{name} is not the description of a snapshot: it is left alone")
            for file in self.folder.glob(".new.*"):
                file.unlink()
            scratch.sweep(self.folder)
            yield

    def descriptions(self) -> list[Description]:
        """All snapshots, the newest last. One whose description cannot be read is left alone; nothing is printed."""
        return sorted((one for one in self._read().values() if one), key=retention.age_order)

    def _unreadable(self) -> list[Path]:
        return [file for file, one in self._read().items() if one is None]

    def _read(self) -> dict[Path, Description | None]:
        found: dict[Path, Description | None] = {}
        for file in self.folder.glob("[!.]*.json"):
            try:
                found[file] = Description.parse(json.loads(file.read_text(encoding="utf-8")))
            except (ValueError, KeyError, TypeError):
                found[file] = None
            except FileNotFoundError:
                # Another run has just removed it.
                continue
        return found

    def add(self, file: Path, description: Description) -> None:
        """Puts a snapshot in place, from the same disk, and describes it."""
        with file.open("rb") as content:
            os.fsync(content.fileno())
        file.replace(self.file(description.name))
        files.sync_folder(self.folder)
        text = json.dumps(description.document, indent=2)
        files.write(self.folder / f"{description.name}.json", f"{text}\n")

    def remove(self, name: str) -> None:
        """The description last: without it the rest would be swept up anyway."""
        self.file(name).unlink(missing_ok=True)
        (self.folder / f"{name}.json").unlink(missing_ok=True)

    def forget_old(self, keep: Keep) -> None:
        """Removes what no tier keeps."""
        found = self.descriptions()
        stay = retention.staying(keep, found)
        for one in found:
            if one.name not in stay:
                self.remove(one.name)
                self._machine.log(f"removed {one.name}: no tier keeps it")

    def make_room(self, keep: Keep, database_bytes: int) -> None:
        """Removes old snapshots until a new one fits; never the newest verified one, and none if that would not do.

        Raises Failed when there is not enough room.
        """
        missing = needed_bytes(database_bytes) - free_bytes(self.folder)
        going: list[tuple[str, str]] = []
        for one, why in retention.first_to_go(keep, self.descriptions()) if missing > 0 else ():
            if missing > 0 and self.file(one.name).exists():
                missing -= self.file(one.name).stat().st_size
                going.append((one.name, why))
        if missing <= 0:
            for name, why in going:
                self.remove(name)
                self._machine.log(f"removed {name} to make room: {why}")
        check_room(database_bytes, self.folder, ", more than old snapshots take" if missing > 0 and going else "")

    @property
    def status(self) -> dict[str, Any]:
        """How the last run ended; empty when none has."""
        text = files.read(self.folder / ".status")
        try:
            document = json.loads(text) if text else {}
        except ValueError:
            document = {}
        return document if isinstance(document, dict) else {}

    def write_outcome(self, outcome: Outcome) -> None:
        """At the end of a run, however it ends: for people and `ops`, and as metrics."""
        if outcome.skipped:
            return
        now = int(self._machine.clock.now().timestamp())
        status = self.status
        status["run"] = now
        status["outcome"] = "taken" if outcome.taken else "failed"
        status["failures"] = status.get("failures", 0) + (0 if outcome.taken else 1)
        if outcome.taken:
            status["success"] = now
            status.pop("step", None)
        else:
            status["step"] = self._machine.step_name
        if outcome.verified:
            status |= {"verified": now, "size": outcome.size}
        status["copies"] = status.get("copies", {}) | dict.fromkeys(outcome.copied, now)
        files.write(self.folder / ".status", json.dumps(status, indent=2) + "\n")
        metrics = self._machine.path(METRICS)
        metrics.parent.mkdir(parents=True, exist_ok=True)
        metrics.parent.chmod(0o755)
        files.write(metrics, metrics_text(status, sum(1 for _ in self.folder.glob("*.db"))))


def metrics_text(status: dict[str, Any], number: int) -> str:
    """In Prometheus' text format. `number` is how many snapshots there are."""
    gauges = (
        ("last_run_timestamp_seconds", "When the last run ended.", status["run"]),
        ("last_run_failed", "1 when the last run failed, also when only a copy did.",
         int(status["outcome"] != "taken")),
        ("last_success_timestamp_seconds", "When a run last did everything, 0 when none has.",
         status.get("success", 0)),
        ("last_verified_timestamp_seconds", "When a snapshot was last taken and verified by restoring it.",
         status.get("verified", 0)),
        ("last_verified_size_bytes", "Size of that snapshot.", status.get("size", 0)),
        ("snapshots", "Snapshots on this machine.", number),
    )  # fmt: skip
    lines = []
    for name, text, value in gauges:
        lines += _metric(name, text, "gauge", f"{_PREFIX}_{name} {value}")
    failures = f"{_PREFIX}_failures_total {status['failures']}"
    lines += _metric("failures_total", "Runs that failed since the machine was made.", "counter", failures)
    if status["copies"]:
        name = "copied_timestamp_seconds"
        copies = [f'{_PREFIX}_{name}{{place="{place}"}} {time}' for place, time in sorted(status["copies"].items())]
        lines += _metric(name, "When everything was last in a place off the machine.", "gauge", *copies)
    return "\n".join(lines) + "\n"


def _metric(name: str, text: str, kind: str, *values: str) -> list[str]:
    return [f"# HELP {_PREFIX}_{name} {text}", f"# TYPE {_PREFIX}_{name} {kind}", *values]
