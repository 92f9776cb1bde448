"""An etcd of its own to look into a snapshot, or into a member's data.

It listens on sockets in a folder of its own, so that nothing reaches it and it clashes with nothing.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from agent.etcd.network import Network
from agent.etcd_api import Etcd, EtcdError
from agent.machine import Failed, Machine, NotYet
from agent.programs import last_lines

NAME: Final = "scratch"
#: A cluster of one needs the address of a peer; nobody ever calls this one.
PEER: Final = "http://127.0.0.1:1"
#: What makes it a cluster of one, for etcd and for etcdutl.
ALONE: Final = ("--initial-cluster", f"{NAME}={PEER}", "--initial-advertise-peer-urls", PEER)
#: Seconds after which it ends, should this run be killed.
_LIMIT_SECONDS: Final = 1200
_START_SECONDS: Final = 90
#: A request may read the whole database.
_REQUEST_SECONDS: Final = 900.0
#: `timeout` kills it 5 s after it was asked to end.
_STOP_SECONDS: Final = 15


@contextlib.contextmanager
def folder(parent: Path) -> Iterator[Path]:
    """A work folder on the disk of `parent`, which holds whole databases; gone at the end."""
    parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".scratch.{os.getpid()}.", dir=parent))
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def sweep(parent: Path) -> None:
    """Removes the work folders of runs that were killed; those of runs that go on stay."""
    for scratch in parent.glob(".scratch.*"):
        owner = scratch.name.split(".")[2]
        if not owner.isdigit() or not Path("/proc", owner).exists():
            shutil.rmtree(scratch, ignore_errors=True)


@contextlib.contextmanager
def serving(
    machine: Machine, network: Network, scratch: Path, data: Path, quota_bytes: int, *options: str
) -> Iterator[Etcd]:
    """An etcd that serves the data folder until the end of the block. Raises Failed with its log."""
    log_file = scratch / "etcd.log"
    # A socket's path is short (108 bytes, unix(7)).
    sockets = Path(tempfile.mkdtemp(prefix="paas-"))
    client = f"unix://{sockets}/client"
    words = (
        *("timeout", "--kill-after=5", str(_LIMIT_SECONDS), "etcd", "--name", NAME, "--data-dir", str(data)),
        *("--unsafe-no-fsync", "--log-level", "warn", "--quota-backend-bytes", str(quota_bytes)),
        *("--listen-client-urls", client, "--advertise-client-urls", PEER),
        *("--listen-peer-urls", f"unix://{sockets}/peer", *ALONE, *options),
    )
    try:
        process = network.start(words, log_file)
        try:
            _wait(machine, process, network.api(client, seconds=2.0), log_file)
            yield network.api(client, seconds=_REQUEST_SECONDS)
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    finally:
        shutil.rmtree(sockets, ignore_errors=True)


def _wait(machine: Machine, process: "subprocess.Popen[bytes]", etcd: Etcd, log_file: Path) -> None:
    def answers() -> None:
        if process.poll() is not None:
            raise Failed("the scratch etcd has ended")
        try:
            etcd.check_health()
        except EtcdError as error:
            raise NotYet(str(error)) from error

    try:
        machine.retry_until(_START_SECONDS, "the scratch etcd to answer", answers)
    except Failed as failed:
        # Its log will be gone when the failure is reported.
        log = last_lines(log_file.read_text(errors="replace"), 5) if log_file.exists() else ""
        raise Failed(f"{failed}; the end of its log: {log or 'empty'}") from failed
