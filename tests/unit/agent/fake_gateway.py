"""A gateway for tests: its units, addresses and journal, and the health of all gateways as others see it."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agent.gateway import rolling_restart
from agent.gateway.keepalived import HAPROXY_RUNS, KEEPALIVED
from agent.gateway.rolling_restart import Balancing, Peer
from agent.machine import NotYet
from agent.programs import Ended
from agent.system.apt_sources import AptSources
from agent.system.firewall import Firewall
from agent.system.ground import Base, Ground, MachineState
from agent.system.kernel import Kernel
from agent.system.login import Login
from agent.system.maintenance import Maintenance
from agent.system.packages import DesiredPackages, Packages
from tests.unit.agent.fake_machine import FakeMachine

OWN, OTHER, PRIVATE_VIP, PUBLIC_VIP = "10.0.0.11", "10.0.0.12", "10.0.0.5", "192.0.2.5"
BALANCING = Balancing(PRIVATE_VIP, PUBLIC_VIP, (Peer("gateway-1", OTHER),), 9000, 6443)
MACHINE = MachineState(
    "gateway-0",
    OWN,
    Base(Login("debian", ()), "", "", Kernel()),
    DesiredPackages((), AptSources()),
    Firewall('define edge = "@EDGE_INTERFACE@"\n', "[Service]\n"),
)
WELL = "(private) Entering BACKUP STATE (init)\nVRRP_Script(haproxy) succeeded\n"


def number_of(unit: str) -> int:
    """The process of a unit."""
    return sum(map(ord, unit))


@dataclass
class FakeGateway:
    """`events` are the changes in their order. The addresses go where `taker` is when keepalived stops here."""

    machine: FakeMachine
    active: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)
    links: dict[str, list[str]] = field(default_factory=lambda: {"eth0": ["192.0.2.11"], "eth1": [OWN]})
    balancers: set[str] = field(default_factory=lambda: {OWN, OTHER})
    apis: set[str] = field(default_factory=lambda: {OWN, OTHER})
    taker: str = OTHER
    journal: str = WELL
    events: list[str] = field(default_factory=list)
    broken: dict[str, Ended] = field(default_factory=dict)
    on_event: Callable[[str], None] = lambda event: None

    def note(self, event: str) -> None:
        self.events.append(event)
        self.on_event(event)

    def systemctl(self, words: tuple[str, ...], given: str) -> Ended:
        del given
        verb, unit = next(word for word in words[1:] if not word.startswith("-")), words[-1]
        if verb == "is-active":
            return Ended(0 if unit in self.active else 3)
        if verb == "is-enabled":
            return Ended(0)
        if verb == "show":
            return Ended(0, self.show(unit, " ".join(words)))
        if verb in ("reset-failed", "daemon-reload"):
            return Ended(0)
        self.note(" ".join(words[1:]))
        if verb == "disable":
            return Ended(0)
        if (event := f"{verb} {unit}") in self.broken:
            return self.broken[event]
        if verb == "stop":
            self.active.discard(unit)
            if unit == KEEPALIVED:
                self.held = set()
        else:
            self.active.add(unit)
            process = self.machine.path(f"/proc/{number_of(unit)}/exe")
            process.unlink(missing_ok=True)
        return Ended(0)

    def show(self, unit: str, words: str) -> str:
        if "MainPID" in words:
            return str(number_of(unit))
        if "ActiveState" in words:
            return "active" if unit in self.active else "inactive"
        return "no"

    def run_old_program(self, unit: str) -> None:
        """Its program has been replaced."""
        process = self.machine.path(f"/proc/{number_of(unit)}/exe")
        process.parent.mkdir(parents=True, exist_ok=True)
        process.symlink_to("/usr/sbin/program (deleted)")

    def ip(self, words: tuple[str, ...], given: str) -> str:
        del given
        prefix = words[-1].split("/")[0].rpartition(".")[0] if "to" in words else ""
        links = []
        for name, addresses in self.links.items():
            virtual = [one for one in sorted(self.held) if one.rpartition(".")[0] == addresses[0].rpartition(".")[0]]
            found = [{"local": one, "prefixlen": 24} for one in addresses if one.startswith(prefix)]
            found += [{"local": one, "prefixlen": 32} for one in virtual if one.startswith(prefix)]
            links.append({"ifname": name, "addr_info": found} if found else {})
        return json.dumps(links)

    def ping(self, words: tuple[str, ...], given: str) -> Ended:
        del given
        return Ended(0) if self.taker else Ended(1, "", f"{words[-1]} is silent")

    def check_balancer(self, address: str, port: int) -> None:
        where = address if address != PRIVATE_VIP else OWN if self.held else self.taker
        if where not in self.balancers:
            raise NotYet(f"no haproxy answers at {address}:{port}")

    def check_api(self, address: str, port: int) -> None:
        if address not in self.apis:
            raise NotYet(f"the API does not answer at {address}:{port}")


def fake_gateway(root: Path, monkeypatch: pytest.MonkeyPatch, serves: bool = True) -> FakeGateway:
    """A gateway that serves and has the addresses, or a new one."""
    machine = FakeMachine(root, "gateway-0")
    gateway = FakeGateway(machine)
    machine.answer("systemctl", gateway.systemctl)
    machine.answer("ip", gateway.ip)
    machine.answer("ping", gateway.ping)
    machine.answer("journalctl", lambda words, given: gateway.journal)
    machine.answer(HAPROXY_RUNS, lambda words, given: Ended(0 if "haproxy.service" in gateway.active else 1))
    for program in ("haproxy", "keepalived", "sshd", "nft"):
        machine.answer(program)
    monkeypatch.setattr(rolling_restart, "check_balancer", gateway.check_balancer)
    monkeypatch.setattr(rolling_restart, "check_api", gateway.check_api)
    if serves:
        machine.write(f"/var/lib/openstack-paas/applied/{KEEPALIVED}", "something\n")
        gateway.active = {"haproxy.service", KEEPALIVED}
        gateway.held = {PRIVATE_VIP, PUBLIC_VIP}
    return gateway


class FakeGround(Ground):
    """Packages that wait, and the epoch, with no apt: `broken` is raised when the packages are installed.

    `deferred` is what the steps before the role's own got.
    """

    def __init__(
        self, gateway: FakeGateway, waits: str = "haproxy 2.6.12", broken: BaseException | None = None
    ) -> None:
        super().__init__(gateway.machine, MACHINE)
        self.deferred: tuple[str, ...] | None = None
        self.packages = FakePackages(gateway, broken)
        self.maintenance = FakeMaintenance(gateway, self.packages, waits)

    def prepare(self, deferred: Iterable[str] = ()) -> None:
        self.deferred = tuple(deferred)


class FakePackages(Packages):
    def __init__(self, gateway: FakeGateway, broken: BaseException | None) -> None:
        super().__init__(gateway.machine, MACHINE.packages)
        self.gateway, self.broken = gateway, broken

    def change(self, *names: str) -> None:
        assert not names
        self.gateway.note("change")
        if self.broken:
            raise self.broken


class FakeMaintenance(Maintenance):
    def __init__(self, gateway: FakeGateway, packages: Packages, waits: str) -> None:
        super().__init__(gateway.machine, packages)
        self.gateway, self.waits = gateway, waits

    def what_waits(self, *names: str) -> str:
        assert not names
        return self.waits

    def fetch(self) -> None:
        self.gateway.note("fetch")

    def renew(self) -> None:
        self.gateway.note("renew")

    def end_epoch(self) -> None:
        self.gateway.note("end epoch")
