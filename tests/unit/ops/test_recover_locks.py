"""The lock of a killed Pulumi goes only when its process is dead on this very machine."""

import json
import os
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ops.recover import dead_locks
from ops.recover.dead_locks import clear, lives, started

NOW = datetime.now(UTC)


class Fake:
    """One process of the number 7: its name, and when it started; nothing when another user's processes are hidden."""

    def __init__(self, name: str = "", started: datetime = NOW) -> None:
        self.shown = (name, started) if name else None


def lock(folder: Path, process: int = 7, host: str = "", taken: datetime = NOW) -> Path:
    """A lock as the engine writes it, in a backend in `folder`."""
    file = folder / ".pulumi/locks/organization/openstack-paas/lab/0b5e.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    moment = taken.isoformat().replace("+00:00", "123Z")
    content = {"pid": process, "username": "ann", "hostname": host or socket.gethostname(), "timestamp": moment}
    file.write_text(json.dumps(content))
    return file


def cleared(folder: Path, process: Fake | None = None) -> bool:
    """Whether the lock in `folder` is gone afterwards: with this one process, or with the real ones."""
    said: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        if process:
            patch.setattr(dead_locks, "lives", lambda number: number == 7)
            patch.setattr(dead_locks, "started", lambda _: process.shown)
        clear(f"file://{folder}", said.append)
    left = list(folder.rglob("*.json"))
    assert len(said) + len(left) == 1, "what is removed is said, and nothing else"
    return not left


def test_a_dead_process_of_this_machine(tmp_path: Path) -> None:
    file = lock(tmp_path, process=8)
    assert cleared(tmp_path, Fake())
    assert not file.exists()


def test_a_living_process_keeps_its_lock(tmp_path: Path) -> None:
    file = lock(tmp_path)
    assert not cleared(tmp_path, Fake("pulumi", NOW - timedelta(minutes=1)))
    assert not cleared(tmp_path, Fake("pulumi-wrapped", NOW - timedelta(minutes=1))), "whatever it is called"
    assert not cleared(tmp_path, Fake()), "nor when it is another user's, and hidden"
    assert file.exists()


def test_a_number_that_another_process_has_got_later(tmp_path: Path) -> None:
    lock(tmp_path)
    assert not cleared(tmp_path, Fake("pulumi", NOW + timedelta(hours=1))), "the clock may have been set"
    assert not cleared(tmp_path, Fake("cron", NOW + timedelta(seconds=1))), "the kernel rounds"
    assert cleared(tmp_path, Fake("cron", NOW + timedelta(hours=1)))


def test_a_lock_of_another_host_stays(tmp_path: Path) -> None:
    lock(tmp_path, process=8, host="far")
    assert not cleared(tmp_path, Fake())


def test_what_cannot_be_read_stays(tmp_path: Path) -> None:
    file = lock(tmp_path, process=8)
    for text in ("", "{", '{"pid": 8}', json.dumps({"pid": 8, "hostname": socket.gethostname(), "timestamp": "then"})):
        file.write_text(text)
        assert not cleared(tmp_path, Fake())


@pytest.mark.parametrize("backend", ["s3://bucket/path", "https://api.pulumi.com", ""])
def test_backends_elsewhere_are_none_of_our_business(backend: str) -> None:
    assert dead_locks.folder(backend) is None
    clear(backend, pytest.fail)


def test_the_folder_of_a_backend_on_disk(tmp_path: Path) -> None:
    assert dead_locks.folder("file:///var/state?no_tmp_dir=true") == Path("/var/state/.pulumi/locks")
    assert dead_locks.folder("file://~") == Path.home() / ".pulumi/locks"
    clear(f"file://{tmp_path}", pytest.fail)  # It was never locked.


def test_real_processes(tmp_path: Path) -> None:
    """This one is alive since before now; one that has ended is dead."""
    assert lives(os.getpid())
    shown = started(os.getpid())
    assert shown is not None
    name, moment = shown
    assert name and moment < datetime.now(UTC) + timedelta(seconds=2)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait(timeout=30)
    assert not lives(ended.pid)
    assert lives(1), "another user's process lives, too"
    lock(tmp_path, process=os.getpid(), taken=datetime.now(UTC))
    assert not cleared(tmp_path)
    lock(tmp_path, process=ended.pid)
    assert cleared(tmp_path)
