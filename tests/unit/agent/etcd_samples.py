"""Settings and snapshots for the tests of etcd's parts."""

import json
from pathlib import Path
from typing import Any

from agent.etcd.backup_record import Description, Store, name_of
from agent.etcd.backup_settings import BackupSettings, CopyPlace, Keep
from agent.etcd.membership import Place
from agent.programs import Ended
from tests.unit.agent.fake_machine import FakeMachine

GIB = 2**30
MEMBERS = tuple(Place(f"etcd-{number}", f"10.0.0.{4 + number}") for number in range(3))
SETTINGS = BackupSettings("etcd-0", "10.0.0.4", "paas", MEMBERS, 2 * GIB, 15, Keep(2))
S3, SFTP = CopyPlace("s3", "bucket/paas"), CopyPlace("sftp", "/srv/paas")


def machine(folder: Path) -> FakeMachine:
    """A member whose programs answer as they do for a good snapshot of revision 7."""
    made = FakeMachine(folder, "etcd-0")
    made.answer("etcdutl snapshot status", json.dumps({"revision": 7, "totalKey": 6}))
    made.answer("etcdutl snapshot restore", lambda words, given: None)
    return made


def describe(time: int, revision: int, **more: Any) -> Description:
    """A good one by the timer."""
    values: dict[str, Any] = {"reason": "timer", "verified": True, "size": 10} | more
    values |= {"name": name_of(time, revision, values["reason"]), "time": time, "revision": revision}
    return Description(member="etcd-0", cluster="paas", keys=5, hash=77, etcd="3.6.14", source="10.0.0.4", **values)


def add(made: FakeMachine, *descriptions: Description, size: int = 10) -> Store:
    """Puts snapshots on the machine."""
    store = Store(made)
    store.folder.mkdir(parents=True, exist_ok=True)
    for one in descriptions:
        file = store.folder / "new"
        with file.open("wb") as content:
            content.truncate(size)
        store.add(file, one)
    return store


def failing(text: str, status: int = 1) -> Ended:
    """How a program ends that fails."""
    return Ended(status, "", f"{text}\n")
