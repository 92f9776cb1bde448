"""Members of a real etcd that work are changed one after another: options, version; and what stops them."""

from __future__ import annotations

import json
import re
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from urllib.request import Request, urlopen

import pytest

from tests.preview.etcd_machine import members
from tests.preview.etcd_machine.members import Done, Machine

TURN = Path(__file__).parent / "etcd_machine/turn.sh"
#: Stand for dpkg and apt: the package's version is a file, and installing writes it.
DPKG = """#!/bin/sh
case "$*" in *Package*) printf "etcd installed hold " ;; *) printf "installed " ;; esac
cat "$ROOT/package"
"""
APT = """#!/bin/bash
case "$*" in *download-only*) ;; *" etcd="*) echo "${@: -1}" | cut -d = -f 2 >"$ROOT/package" ;; esac
echo "$*" >>"$ROOT/apt"
"""
MADISON = '#!/bin/sh\nfor version in 3.6.5 3.6.6 3.7.0; do echo " etcd | $version-1 | http://mirror"; done\n'


def up(machines: list[Machine]) -> list[Done]:
    """What an `up` does on these machines, all at the same time; each may fail."""
    with ThreadPoolExecutor(len(machines)) as pool:
        return list(pool.map(lambda machine: machine.run(TURN), machines))


def good(machines: list[Machine]) -> list[str]:
    """The same, where none may fail; what was said."""
    done = up(machines)
    assert [each.status for each in done] == [0] * len(machines), "\n".join(each.output for each in done)
    return [each.output for each in done]


def setting(machines: list[Machine], name: str, value: str) -> None:
    """A word of settings.sh, or of etcd's own options, becomes another one."""
    for machine in machines:
        for path in (machine.root / "bundle/settings.sh", machine.root / "bundle/files/etcd.env"):
            path.write_text(re.sub(rf"(?m)^{name}=.*$", f"{name}={value}", path.read_text()))


@pytest.fixture
def three(tmp_path: Path) -> Iterator[list[Machine]]:
    """Three members at work."""
    machines = members.make(tmp_path, 3)
    for machine in machines:
        (machine.root / "usr/sbin").mkdir(parents=True)
        (machine.root / "package").write_text(f"{members.ETCD}-1\n")
        for command, text in {
            "dpkg-query": DPKG,
            "apt-get": APT,
            "apt-cache": MADISON,
            "apt-mark": "#!/bin/sh\n",
        }.items():
            (machine.fakes / command).write_text(text)
            (machine.fakes / command).chmod(0o755)
        with (machine.root / "bundle/settings.sh").open("a") as settings:
            settings.write("STAYING_SECONDS=30\nWELL_SECONDS=15\n")
    try:
        good(machines)
        yield machines
    finally:
        for machine in machines:
            machine.kill()


@contextmanager
def watching(machines: list[Machine]) -> Iterator[list[int]]:
    """How many members could answer for the whole cluster, looked at again and again while the block runs."""
    found: list[int] = []
    end = Event()
    pki = machines[0].root / "bundle/pki"
    context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
    context.load_cert_chain(pki / "client.crt", pki / "client.key")

    def answers(machine: Machine) -> bool:
        body = json.dumps({"key": "aGVhbHRo"}).encode()
        # A request that meets a change of the leader is asked again, as clients do.
        for _ in range(3):
            try:
                request = Request(f"https://{machine.address}:2379/v3/kv/range", body)
                with urlopen(request, timeout=3, context=context) as answer:
                    return bool(answer.status == 200)
            except OSError:
                time.sleep(0.2)
        return False

    def look() -> None:
        with ThreadPoolExecutor(len(machines)) as pool:
            while not end.is_set():
                found.append(sum(pool.map(answers, machines)))
                time.sleep(0.05)

    thread = Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        end.set()
        thread.join()


def restarts(said: list[str]) -> list[bool]:
    """Of each machine whether its member was restarted."""
    return ["well again" in text for text in said]


def test_an_option_changes_one_member_at_a_time_and_the_lead_is_given_away(three: list[Machine]) -> None:
    said = good(three)
    assert restarts(said) == [False] * 3, said[0]
    three[0].etcdctl("put", "before", "1")
    setting(three, "ETCD_HEARTBEAT_INTERVAL", "120")
    with watching(three) as answering:
        said = good(three)
    assert restarts(said) == [True] * 3
    assert min(answering) == 2, answering
    assert sum("gave the lead to" in text for text in said) >= 1
    assert not any("the lead was not to be given away" in text for text in said)
    assert three[2].etcdctl("get", "before", "--print-value-only").strip() == "1"
    assert restarts(good(three)) == [False] * 3


def test_a_version_comes_after_a_snapshot_of_each_member_and_only_once(three: list[Machine]) -> None:
    assert not three[0].backups.exists(), "a new cluster has nothing to lose"
    setting(three, "ETCD_VERSION", "3.6.6")
    with watching(three) as answering:
        said = good(three)
    assert restarts(said) == [True] * 3
    assert min(answering) == 2, answering
    for machine, text in zip(three, said, strict=True):
        # The archive is here before anything stops, and the snapshot before that.
        fetched, installed = [line for line in (machine.root / "apt").read_text().splitlines() if "etcd=3.6.6" in line]
        assert "--download-only" in fetched
        assert "--download-only" not in installed
        assert text.index("a snapshot before") < text.index("installing etcd=3.6.6")
        assert [(one["reason"], one["verified"]) for one in machine.listing("--here")["snapshots"]] == [
            ("upgrade", True)
        ]
    # Nothing is repeated; the control planes' version alone makes one more snapshot and restarts nothing.
    assert restarts(good(three)) == [False] * 3
    assert len(three[0].listing("--here")["snapshots"]) == 1
    setting(three, "KUBERNETES_VERSION", "1.35.0")
    time.sleep(1.1)
    assert restarts(good(three)) == [False] * 3
    assert len(three[0].listing("--here")["snapshots"]) == 2


def test_no_upgrade_without_a_snapshot(three: list[Machine]) -> None:
    setting(three, "ETCD_VERSION", "3.6.6")
    for machine in three:
        (machine.fakes / "df").write_text("#!/bin/sh\necho Avail\necho 1000000\n")
        (machine.fakes / "df").chmod(0o755)
    for refused in up(three):
        assert refused.status != 0
        assert "nothing is upgraded without a snapshot" in refused.output
    assert {(machine.root / "package").read_text() for machine in three} == {f"{members.ETCD}-1\n"}


@pytest.mark.parametrize(
    ("wanted", "message"), [("3.6.4", "etcd does not go back here"), ("3.8.0", "Bring up the newest 3.7")]
)
def test_neither_back_nor_over_a_minor_version(three: list[Machine], wanted: str, message: str) -> None:
    setting(three[:1], "ETCD_VERSION", wanted)
    (refused,) = up(three[:1])
    assert refused.status != 0
    assert message in refused.output


def test_while_a_member_is_away_no_other_is_changed(three: list[Machine]) -> None:
    three[1].kill()
    setting(three, "ETCD_HEARTBEAT_INTERVAL", "120")
    with (three[0].root / "bundle/settings.sh").open("a") as settings:
        settings.write("STAYING_SECONDS=2\n")
    (refused,) = up(three[:1])
    assert refused.status != 0
    assert "etcd-0 healthy, etcd-1 not healthy, etcd-2 healthy" in refused.output
    # The same `up` brings it back, and all have their turn.
    assert restarts(good(three)) == [True, False, True]


def test_a_change_that_breaks_a_member_ends_there_and_is_mended(three: list[Machine]) -> None:
    (three[0].root / "bundle/settings.sh").open("a").write("STAYING_SECONDS=2\n")
    setting(three, "ETCD_HEARTBEAT_INTERVAL", "nonsense")
    with watching(three) as answering:
        done = up(three)
    assert [each.status != 0 for each in done] == [True] * 3
    said = [each.output for each in done]
    assert sum("this member to be well after its change" in text for text in said) == 1, said
    assert sum("none is changed before" in text and "not healthy" in text for text in said) == 2, said
    assert min(answering) == 2, answering
    setting(three, "ETCD_HEARTBEAT_INTERVAL", "100")
    good(three)
    assert restarts(good(three)) == [False] * 3
