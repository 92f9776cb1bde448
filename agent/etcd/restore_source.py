"""The snapshot to restore: from a place off the machine, or what can be saved of a member's own data."""

import shutil
from pathlib import Path
from typing import Final

from agent.etcd import scratch as scratch_etcd
from agent.etcd.backup import record
from agent.etcd.backup_copies import Copies, CopyError
from agent.etcd.backup_record import Description, Store, put
from agent.etcd.backup_settings import BackupSettings, CopyPlace
from agent.etcd.membership import DATA, has_data
from agent.etcd.network import Network
from agent.etcd.restore_plan import RestorePlan
from agent.etcd.snapshot_proof import MIB, PROGRAM_SECONDS, check_room, free_bytes, prove, revision_of
from agent.etcd_api import EtcdError
from agent.machine import Failed, Machine

#: What stays free while somebody only looks.
_SPARE_BYTES: Final = 256 * MIB


def _database(machine: Machine) -> Path | None:
    file = machine.path(f"{DATA}/member/snap/db")
    return file if has_data(machine) and file.exists() else None


def data_revision(machine: Machine) -> int | None:
    """The last revision in this machine's data; None where it cannot be read, or a copy would fill the disk. Nothing is
    printed."""
    file = _database(machine)
    if file is None:
        return None
    with scratch_etcd.folder(Store(machine).folder) as scratch:
        if free_bytes(scratch) < file.stat().st_size + _SPARE_BYTES:
            return None
        # On a copy: etcd may hold a lock on the file, and etcdutl writes to what it reads.
        copy = scratch / "copy"
        if not machine.run("cp", "--reflink=auto", "--", file, copy, seconds=PROGRAM_SECONDS):
            return None
        revision = revision_of(machine, copy)
    return revision if isinstance(revision, int) else None


def salvage(machine: Machine, settings: BackupSettings, network: Network) -> Description:
    """A snapshot of all that was committed in the data of an etcd that does not run, also of the log that the database
    had not taken in yet. Nothing is deleted to make room for it. Raises Failed."""
    database = _database(machine)
    if database is None:
        raise Failed(f"there is no data in {machine.path(DATA)}")
    store = Store(machine)
    with store.locked(), scratch_etcd.folder(store.folder) as scratch:
        check_room(database.stat().st_size, store.folder)
        time = int(machine.clock.now().timestamp())
        file = scratch / "snapshot.db"
        version = _snapshot_of_data(machine, settings, network, scratch, file)
        proof = prove(machine, network, scratch, file, settings.quota_bytes)
        if proof.problem:
            raise Failed(f"the data in {machine.path(DATA)} makes no good snapshot: {proof.problem}")
        return record(store, file, settings, time, "salvaged", version, settings.address, proof)


def _snapshot_of_data(machine: Machine, settings: BackupSettings, network: Network, scratch: Path, file: Path) -> str:
    """Takes it, and returns the version of etcd that did."""
    data, member = scratch / "data", machine.path(f"{DATA}/member")
    data.mkdir()
    copy = ("cp", "--archive", "--reflink=auto", "--", member, data / "member")
    machine.must(*copy, what="a copy of the data", seconds=PROGRAM_SECONDS)
    try:
        with scratch_etcd.serving(machine, network, scratch, data, settings.quota_bytes, "--force-new-cluster") as etcd:
            version = etcd.status().version
            etcd.save_snapshot(file)
    except EtcdError as error:
        raise Failed(f"no snapshot can be taken of the data in {member}: {error}") from error
    finally:
        shutil.rmtree(data, ignore_errors=True)
    return version


def fetch(
    machine: Machine,
    settings: BackupSettings,
    network: Network,
    plan: RestorePlan,
    place: CopyPlace,
    identity: str,
    file: Path,
) -> None:
    """The planned one becomes `file`, proven; age alone gets the identity. Raises Failed."""
    with scratch_etcd.folder(file.parent) as scratch:
        copy, plain = scratch / "copy", scratch / "plain"
        try:
            Copies(machine, settings).fetch(place, plan.path, copy)
        except CopyError as error:
            raise Failed(f"{plan.path} cannot be had from {plan.kind}: {error}") from error
        if plan.encrypted:
            words = ("age", "--decrypt", "--identity", "-", "--output", plain, copy)
            ended = machine.run(*words, given=identity, seconds=PROGRAM_SECONDS)
            if not ended:
                raise Failed(
                    f"age cannot decrypt {plan.path}: give the identity of one of its recipients ({ended.said})"
                )
            plain.replace(copy)
        proof = prove(machine, network, scratch, copy, settings.quota_bytes)
        if proof.problem:
            raise Failed(f"{plan.path} is no good: {proof.problem}")
        put(copy, file)
