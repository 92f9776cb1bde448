"""A real etcd is upgraded from 3.6 to 3.7 with a release archive of known digest, and downgraded by hand."""

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from agent.system.etcd_archive import EtcdArchive
from agent.system.services import is_active
from dev.lab.mirror.compile import compile_one
from dev.lab.mirror.content import etcd_archive
from dev.lab.mirror.product import MIRROR_PLACES
from dev.lab.mirror.programs import ETCD_AFTER, etcd
from dev.lab.progress import Progress
from tests.preview.etcd_machine import members
from tests.preview.etcd_machine.members import Machine
from tests.preview.etcd_machine.rolling_restart import good, restarts, started, want, watching


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The URL and the digest of the newer version's archive."""
    programs = compile_one(MIRROR_PLACES, etcd(ETCD_AFTER), Progress())
    folder = tmp_path_factory.mktemp("archives")
    name = f"etcd-v{ETCD_AFTER}-linux-amd64"
    archive = etcd_archive(name, {each: programs / each for each in etcd(ETCD_AFTER).programs})
    (folder / f"{name}.tar.gz").write_bytes(archive)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/{name}.tar.gz", hashlib.sha256(archive).hexdigest()
    server.shutdown()
    thread.join()


@pytest.fixture
def three(tmp_path: Path) -> Iterator[list[Machine]]:
    """Three running members with the package's version."""
    for machines, _ in started(tmp_path):
        yield machines


def status(machine: Machine) -> dict[str, Any]:
    """The status that the member reports."""
    said: dict[str, Any] = json.loads(machine.etcdctl("endpoint", "status", "--write-out", "json"))[0]["Status"]
    return said


def running(machine: Machine) -> str:
    """The version of the running process."""
    version: str = status(machine)["version"]
    return version


def until(condition: Callable[[], bool], what: str, seconds: float = 30) -> None:
    """Poll until `condition` holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.2)


@pytest.mark.parametrize(
    ("offered", "message"),
    [
        ([], "no apt source offers etcd"),
        (["arm64|{digest}|{url}"], "for amd64 is not known: set etcd.sha256"),
        (["amd64||{url}"], "for amd64 is not known: set etcd.sha256"),
        (["amd64|{zeros}|{url}"], "its SHA-256 is not 000"),
    ],
    ids=["none", "another architecture", "an empty digest", "a wrong digest"],
)
def test_no_archive_without_its_digest(
    three: list[Machine], archives: tuple[str, str], offered: list[str], message: str
) -> None:
    url, digest = archives
    known = [each.format(url=url, digest=digest, zeros="0" * 64).split("|") for each in offered]
    want(three, etcd=ETCD_AFTER, archives=tuple(EtcdArchive(*each) for each in known))
    for refused in members.converge(three):
        assert refused.status != 0
        assert message in refused.output
    assert {running(machine) for machine in three} == {members.ETCD}


def test_upgrade_after_a_snapshot_and_downgrade_by_hand(three: list[Machine], archives: tuple[str, str]) -> None:
    url, digest = archives
    three[0].etcdctl("put", "before", "1")
    want(three, etcd=ETCD_AFTER, archives=(EtcdArchive("amd64", digest, url),))
    # The incomplete download of an earlier attempt must not be used.
    state = three[0].root / "var/lib/openstack-paas"
    (state / f"etcd-{ETCD_AFTER}.tar.gz").write_text("half of it")
    with watching(three) as answering:
        said = good(three)
    assert restarts(said) == [True] * 3
    assert min(answering) == 2, answering
    assert {running(machine) for machine in three} == {ETCD_AFTER}
    for machine in three:
        (snapshot,) = machine.snapshots()
        assert (snapshot["reason"], snapshot["verified"], snapshot["etcd"]) == ("upgrade", True, members.ETCD)
    assert restarts(good(three)) == [False] * 3
    assert three[1].etcdctl("get", "before", "--print-value-only").strip() == "1"
    three[1].etcdctl("put", "since", "2")

    # The downgrade in docs/runbooks/etcd-downgrade.md keeps what was written since.
    minor = members.ETCD.rpartition(".")[0]
    newer = ".".join(ETCD_AFTER.split(".")[:2])
    until(lambda: {status(machine)["storageVersion"] for machine in three} == {f"{newer}.0"}, "the newer data version")
    three[0].etcdctl("downgrade", "validate", minor)
    three[0].etcdctl("downgrade", "enable", minor)
    until(lambda: {status(machine)["storageVersion"] for machine in three} == {f"{minor}.0"}, "the older data version")
    for machine in three:
        machine.systemctl("stop")
        for program in (machine.root / "usr/local/bin").iterdir():
            program.unlink()
        (machine.root / "var/lib/openstack-paas/etcd-archive").unlink()
        machine.systemctl("start")
        until(lambda machine=machine: is_active(machine, "etcd.service"), f"{machine.name} with the package's program")
    assert {running(machine) for machine in three} == {members.ETCD}
    for key, value in {"before": "1", "since": "2"}.items():
        assert three[2].etcdctl("get", key, "--print-value-only").strip() == value
    # The next `up` upgrades it again.
    assert restarts(good(three)) == [True] * 3
    assert {running(machine) for machine in three} == {ETCD_AFTER}
