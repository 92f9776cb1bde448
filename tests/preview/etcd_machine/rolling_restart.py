"""Rolling restarts of running members of a real etcd, as an `up` does them."""

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

from tests.preview.etcd_machine import members
from tests.preview.etcd_machine.members import Done, Machine

SCRIPT = Path(__file__).parent / "rolling_restart.sh"
#: Stand-ins for dpkg and apt: the installed version is a file, and an installation writes it.
DPKG = """#!/bin/sh
case "$*" in *Package*) printf "etcd installed hold " ;; *) printf "installed " ;; esac
cat "$ROOT/package"
"""
APT = """#!/bin/bash
case "$*" in *download-only*) ;; *" etcd="*) echo "${@: -1}" | cut -d = -f 2 >"$ROOT/package" ;; esac
echo "$*" >>"$ROOT/apt"
"""
MADISON = '#!/bin/sh\nfor version in 3.6.14 3.6.15; do echo " etcd | $version-1 | http://mirror"; done\n'


def up(machines: list[Machine]) -> list[Done]:
    """Do what an `up` does on these machines, all at the same time. Each may fail."""
    with ThreadPoolExecutor(len(machines)) as pool:
        return list(pool.map(lambda machine: machine.run(SCRIPT), machines))


def good(machines: list[Machine]) -> list[str]:
    """The same, but none may fail. Returns the outputs."""
    done = up(machines)
    assert [each.status for each in done] == [0] * len(machines), "\n".join(each.output for each in done)
    return [each.output for each in done]


def setting(machines: list[Machine], name: str, value: str) -> None:
    """Change a variable in settings.sh or in etcd's options."""
    for machine in machines:
        for path in (machine.root / "bundle/settings.sh", machine.root / "bundle/files/etcd.env"):
            path.write_text(re.sub(rf"(?m)^{name}=.*$", f"{name}={value}", path.read_text()))


def started(folder: Path) -> Iterator[list[Machine]]:
    """Three running members with everything that a rolling restart needs."""
    machines = members.make(folder, 3)
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
    """During the block, count again and again how many members can answer for the whole cluster."""
    found: list[int] = []
    end = Event()
    pki = machines[0].root / "bundle/pki"
    context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
    context.load_cert_chain(pki / "client.crt", pki / "client.key")

    def answers(machine: Machine) -> bool:
        body = json.dumps({"key": "aGVhbHRo"}).encode()
        # Like other clients, repeat a request that fails during a change of the leader.
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
    """For each machine, whether its member was restarted."""
    return ["well again" in text for text in said]
