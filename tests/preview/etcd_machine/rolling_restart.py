"""Rolling restarts of running members of a real etcd, as an `up` does them."""

import json
import re
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from urllib.request import Request, urlopen

from agent.programs import Ended
from agent.system.etcd_archive import EtcdArchive
from tests.preview.etcd_machine import members
from tests.preview.etcd_machine.members import Done, Machine

#: What the apt sources offer.
OFFERED = ("3.6.15-1", "3.6.14-1")


class Debian:
    """Stands for dpkg and apt on a machine: an installation of etcd is a new version."""

    def __init__(self, machine: Machine) -> None:
        self.etcd = f"{members.ETCD}-1"
        self.calls: list[str] = []
        machine.fakes |= {
            "dpkg-query": self.query,
            "dpkg": lambda words: Ended(0, "amd64\n"),
            "apt-mark": lambda words: Ended(0),
            "apt-get": self.get,
            "apt-cache": self.show,
        }

    def query(self, words: tuple[str, ...]) -> Ended:
        names = words[words.index("--showformat") + 2 :]
        return Ended(
            0, "".join(f"{name}\tinstalled\thold\t{self.etcd if name == 'etcd' else '1-1'}\n" for name in names)
        )

    def get(self, words: tuple[str, ...]) -> Ended:
        self.calls.append(" ".join(words))
        if "--download-only" not in words:
            self.etcd = next((word.removeprefix("etcd=") for word in words if word.startswith("etcd=")), self.etcd)
        return Ended(0)

    def show(self, words: tuple[str, ...]) -> Ended:
        return Ended(0, "\n\n".join(f"Package: {words[-1]}\nVersion: {one}\nFilename: x" for one in OFFERED))


def good(machines: list[Machine]) -> list[str]:
    """Do what an `up` does on these machines, all at the same time. None may fail. Returns the outputs."""
    done = members.converge(machines)
    assert [each.status for each in done] == [0] * len(machines), "\n".join(each.output for each in done)
    return [each.output for each in done]


def option(machines: list[Machine], name: str, value: str) -> None:
    """Change one of etcd's options in the desired states."""
    for machine in machines:
        etcd = machine.desired.etcd
        environment = re.sub(rf"(?m)^{name}=.*$", f"{name}={value}", etcd.files.environment)
        wanted = replace(etcd, files=replace(etcd.files, environment=environment))
        machine.desired = replace(machine.desired, etcd=wanted)


def want(machines: list[Machine], etcd: str = "", kubernetes: str = "", archives: tuple[EtcdArchive, ...] = ()) -> None:
    """Change the versions in the desired states."""
    for machine in machines:
        desired = machine.desired
        had = desired.etcd.versions
        versions = replace(had, etcd=etcd or had.etcd, kubernetes=kubernetes or had.kubernetes)
        packages = desired.machine.packages
        wanted = tuple(f"etcd={versions.etcd}" if entry.startswith("etcd=") else entry for entry in packages.wanted)
        packages = replace(packages, wanted=wanted, etcd_archives=archives)
        machine.desired = replace(
            desired,
            machine=replace(desired.machine, packages=packages),
            etcd=replace(desired.etcd, versions=versions),
        )


def started(folder: Path) -> Iterator[tuple[list[Machine], list[Debian]]]:
    """Three running members with everything that a rolling restart needs."""
    with members.here():
        machines = members.make(folder, 3)
        debian = [Debian(machine) for machine in machines]
        try:
            good(machines)
            yield machines, debian
        finally:
            for machine in machines:
                machine.kill()


@contextmanager
def watching(machines: list[Machine]) -> Iterator[list[int]]:
    """During the block, count again and again how many members can answer for the whole cluster."""
    found: list[int] = []
    end = Event()
    pki = machines[0].root / "etc/etcd/pki"
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


def texts(done: list[Done]) -> list[str]:
    """What each said."""
    return [each.output for each in done]
