"""The proof of a snapshot: it is restored into an etcd of its own, which must serve what the file says."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.clock import Clock
from agent.etcd import scratch as scratch_etcd
from agent.etcd.network import Network
from agent.etcd_api import EtcdError
from agent.machine import Failed, Machine
from agent.programs import Ended, last_lines

MIB: Final = 1024 * 1024
#: A program that reads or writes a whole database.
PROGRAM_SECONDS: Final = 900.0


class TimeLimit:
    """How long something may take in all, from now; `what` it is, for the message."""

    def __init__(self, clock: Clock, seconds: float, what: str) -> None:
        self._clock, self._seconds, self._what = clock, seconds, what
        self._began = clock.monotonic()

    def left(self) -> float:
        """Seconds for the next program. Raises Failed when none are left."""
        left = self._began + self._seconds - self._clock.monotonic()
        if left <= 0:
            raise Failed(f"{self._what} did not end within {self._seconds:.0f} s")
        return min(left, PROGRAM_SECONDS)


@dataclass(frozen=True)
class Proof:
    """What a snapshot holds, the `hash` of all keys with their history since `compacted`, or what is wrong with it."""

    revision: int = 0
    keys: int = 0
    hash: int = 0
    compacted: int = 0
    problem: str = ""


def needed_bytes(database_bytes: int) -> int:
    """What a snapshot with its proof needs: two copies of the database, and the logs of a scratch etcd."""
    return 2 * database_bytes + database_bytes // 5 + 256 * MIB


def free_bytes(folder: Path) -> int:
    """Free room on the disk of a folder."""
    return shutil.disk_usage(folder).free


def check_room(database_bytes: int, folder: Path, could_go: str = "") -> None:
    """Raises Failed where there is not enough room: the disk would be full."""
    free, needed = free_bytes(folder), needed_bytes(database_bytes)
    if free < needed:
        raise Failed(
            f"{folder} has {free // MIB} MiB free, and a snapshot with its proof needs {needed // MIB} MiB{could_go}: "
            "free some, or keep fewer (backups.etcd.keep)"
        )


def revision_of(machine: Machine, file: Path, seconds: float = PROGRAM_SECONDS) -> int | Ended:
    """The revision of a snapshot or database file, or how etcdutl ended when it is none. etcdutl writes to the file."""
    ended = machine.run("etcdutl", "snapshot", "status", file, "--write-out", "json", seconds=seconds)
    if not ended:
        return ended
    # A store without a key is at revision 1, and etcdutl says 0.
    return max(int(json.loads(ended.output)["revision"]), 1)


def prove(
    machine: Machine, network: Network, scratch: Path, file: Path, quota_bytes: int, limit: TimeLimit | None = None
) -> Proof:
    """Restores the file into a scratch etcd and compares the revision that it serves with the one in the file.

    The restore itself compares the file with the SHA-256 at its end. The hash comes from the scratch etcd: `etcdutl
    hashkv` panics on a file whose keys have leases, as Kubernetes' do (3.6.5). Raises Failed when no etcd starts.
    """
    limit = limit or TimeLimit(machine.clock, 2 * PROGRAM_SECONDS, "the proof")
    revision = revision_of(machine, file, limit.left())
    if isinstance(revision, Ended):
        return Proof(problem=f"the file is not a snapshot: {_last_line(revision)}")
    restored = scratch / "restored"
    shutil.rmtree(restored, ignore_errors=True)
    words = ("etcdutl", "snapshot", "restore", file, "--data-dir", restored, "--name", scratch_etcd.NAME)
    ended = machine.run(*words, *scratch_etcd.ALONE, seconds=limit.left())
    if not ended:
        return Proof(revision, problem=f"it cannot be restored: {_last_line(ended)}")
    try:
        with scratch_etcd.serving(machine, network, scratch, restored, quota_bytes) as etcd:
            served = etcd.status().revision
            if served != revision:
                return Proof(revision, problem=f"restored it serves revision {served}, and the file says {revision}")
            # Counted by an etcd: etcdutl's own count has one more after a restore.
            found, keys = etcd.hash_kv(revision), etcd.count(revision)
    except EtcdError as error:
        raise Failed(f"the scratch etcd does not say what the snapshot holds: {error}") from error
    finally:
        shutil.rmtree(restored, ignore_errors=True)
    limit.left()
    return Proof(revision, keys, found.hash, found.compact_revision)


def _last_line(ended: Ended) -> str:
    return last_lines(f"{ended.output}\n{ended.errors}", 1) or f"exit status {ended.status}"
