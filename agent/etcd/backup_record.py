"""What is remembered of snapshots: a description beside each, the outcome of the last run, and both as metrics."""

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

from agent.etcd import retention, scratch
from agent.etcd.backup_settings import Keep
from agent.etcd.snapshot_proof import check_room, free_bytes, needed_bytes
from agent.machine import Machine
from agent.system import files, lock

#: On the machine's own disk also when etcd's data has a volume: what takes one must not take the other.
BACKUPS: Final = "/var/lib/etcd-backup"
#: A folder that everyone may read: node_exporter is another user.
METRICS: Final = "/var/lib/openstack-paas-metrics/etcd-backup.prom"
#: Seconds that another snapshot may take.
_LOCK_SECONDS: Final = 900
_PREFIX: Final = "openstack_paas_etcd_backup"


@dataclass(frozen=True, kw_only=True)
class Description(retention.Snapshot):
    """One snapshot on this machine; `size` in bytes, `source` is the address of the member that gave it."""

    member: str
    cluster: str
    keys: int
    hash: int
    size: int
    etcd: str
    source: str
    problem: str = ""

    @property
    def document(self) -> dict[str, Any]:
        """As it is written beside the snapshot, and listed."""
        document = {("from" if name == "source" else name): value for name, value in vars(self).items()}
        return document if self.problem else {name: value for name, value in document.items() if name != "problem"}

    @staticmethod
    def parse(document: dict[str, Any]) -> "Description":
        """From its JSON. Raises KeyError or TypeError where something is missing."""
        found = {"problem": ""} | document | {"source": document["from"]}
        return Description(**{one.name: found[one.name] for one in fields(Description)})


def name_of(time: int, revision: int, reason: str) -> str:
    """The name of a snapshot says what must be known of it where its description is not."""
    return f"{datetime.fromtimestamp(time, timezone.utc):%Y%m%dT%H%M%SZ}-r{revision}-{reason}"


def put(file: Path, target: Path) -> None:
    """Moves a file on one disk, its content before its name."""
    with file.open("rb") as content:
        os.fsync(content.fileno())
    file.replace(target)
    files.sync_folder(target.parent)


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
        self._machine = machine
        self.folder = machine.path(BACKUPS)

    def file(self, name: str) -> Path:
        """The snapshot itself."""
        return self.folder / f"{name}.db"

    @contextlib.contextmanager
    def locked(self, wait_seconds: float = _LOCK_SECONDS) -> Iterator[None]:
        """Keeps others from adding or removing, or raises Failed; what an interrupted run left is swept up first."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        with lock.hold(self._machine, f"{BACKUPS}/.lock", wait_seconds, "another snapshot"):
            # A snapshot counts from the moment its description is there.
            for file in self.folder.glob("*.db"):
                if not file.with_suffix(".json").exists():
                    file.unlink()
            for file in (file for file, description in self._read().items() if not description):
                self._machine.log(f"{file} is not the description of a snapshot: it is left alone")
            for file in self.folder.glob(".new.*"):
                file.unlink()
            scratch.sweep(self.folder)
            yield

    def descriptions(self) -> list[Description]:
        """All snapshots, the newest last. One whose description cannot be read is left alone; nothing is printed."""
        return sorted((one for one in self._read().values() if one), key=retention.age_order)

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
        put(file, self.file(description.name))
        files.write(self.folder / f"{description.name}.json", json.dumps(description.document, indent=2) + "\n")

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
        """Removes old snapshots until a new one fits, never the newest verified one; none, and raises Failed, if that
        would not do."""
        missing = needed_bytes(database_bytes) - free_bytes(self.folder)
        going: dict[str, str] = {}
        for one, why in retention.first_to_go(keep, self.descriptions()):
            if missing > 0 and self.file(one.name).exists():
                missing -= self.file(one.name).stat().st_size
                going[one.name] = why
        for name, why in going.items() if missing <= 0 else ():
            self.remove(name)
            self._machine.log(f"removed {name} to make room: {why}")
        check_room(database_bytes, self.folder, ", more than old snapshots take" if missing > 0 and going else "")

    @property
    def status(self) -> dict[str, Any]:
        """How the last run ended; empty when none has."""
        try:
            return dict(json.loads(files.read(self.folder / ".status")))
        except (ValueError, TypeError):
            return {}

    def write_outcome(self, outcome: Outcome) -> None:
        """At the end of a run, however it ends: for people and `ops`, and as metrics."""
        if outcome.skipped:
            return
        now = int(self._machine.clock.now().timestamp())
        status: dict[str, Any] = {"failures": 0, "copies": {}} | self.status | {"run": now}
        if outcome.taken:
            status |= {"outcome": "taken", "success": now}
            status.pop("step", None)
        else:
            status |= {"outcome": "failed", "step": self._machine.step_name, "failures": status["failures"] + 1}
        if outcome.verified:
            status |= {"verified": now, "size": outcome.size}
        status["copies"] |= dict.fromkeys(outcome.copied, now)
        files.write(self.folder / ".status", json.dumps(status, indent=2) + "\n")
        metrics = self._machine.path(METRICS)
        metrics.parent.mkdir(parents=True, exist_ok=True)
        metrics.parent.chmod(0o755)
        files.write(metrics, _metrics(status, len(list(self.folder.glob("*.db")))))


def _metrics(status: dict[str, Any], snapshots: int) -> str:
    """In Prometheus' text format: a name, its kind, its help, and for each label its value."""
    metrics: list[tuple[str, str, str, dict[str, int]]] = [
        ("last_run_timestamp_seconds", "gauge", "When the last run ended.", {"": status["run"]}),
        ("last_run_failed", "gauge", "1 when the last run failed, also when only a copy did.",
         {"": int(status["outcome"] != "taken")}),
        ("last_success_timestamp_seconds", "gauge", "When a run last did everything, 0 when none has.",
         {"": status.get("success", 0)}),
        ("last_verified_timestamp_seconds", "gauge",
         "When a snapshot was last taken and verified by restoring it.", {"": status.get("verified", 0)}),
        ("last_verified_size_bytes", "gauge", "Size of that snapshot.", {"": status.get("size", 0)}),
        ("snapshots", "gauge", "Snapshots on this machine.", {"": snapshots}),
        ("failures_total", "counter", "Runs that failed since the machine was made.", {"": status["failures"]}),
        ("copied_timestamp_seconds", "gauge", "When everything was last in a place off the machine.",
         {f'{{place="{place}"}}': time for place, time in sorted(status["copies"].items())}),
    ]  # fmt: skip
    lines = []
    for name, kind, text, values in metrics:
        if values:
            lines += [f"# HELP {_PREFIX}_{name} {text}", f"# TYPE {_PREFIX}_{name} {kind}"]
            lines += [f"{_PREFIX}_{name}{label} {value}" for label, value in values.items()]
    return "\n".join(lines) + "\n"
