"""Replaces the programs of haproxy and keepalived on a gateway that serves: another one takes the addresses over first.

The engine changes one gateway after another, so there is one.
"""

import contextlib
import http.client
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from agent.gateway import keepalived
from agent.gateway.interfaces import held_addresses
from agent.gateway.keepalived import HAPROXY, HAPROXY_READS, KEEPALIVED, KEEPALIVED_READS
from agent.machine import Failed, Machine, NotYet
from agent.system import services
from agent.system.ground import Ground

#: Packages whose change waits for this gateway's turn.
DEFERRED: Final = ("haproxy", "keepalived")
#: Seconds: for another gateway to be able to take over, and then to do it.
TAKE_OVER_SECONDS: Final = 60
HAND_OVER_SECONDS: Final = 10
#: Seconds in which the API has to answer once to count as served by this gateway.
SERVED_SECONDS: Final = 5


@dataclass(frozen=True)
class Peer:
    """Another gateway, by its address on the private network."""

    name: str
    address: str


@dataclass(frozen=True)
class Balancing:
    """What a gateway balances, and with whom it shares the virtual addresses."""

    private_vip: str
    public_vip: str  # Empty where there is none.
    peers: tuple[Peer, ...]
    health_port: int
    api_port: int  # 0 where a load balancer of the cloud serves the API.

    @property
    def virtual(self) -> tuple[str, ...]:
        """All virtual addresses, the private one first."""
        return tuple(filter(None, (self.private_vip, self.public_vip)))


def serves(machine: Machine) -> bool:
    """Whether this gateway runs already. Asked first of all: its programs wait for their turn then."""
    return services.is_active(machine, KEEPALIVED) and services.applied(machine, KEEPALIVED).exists()


def waits_for_turn(machine: Machine, unit: str) -> bool:
    """On a gateway that serves: a program that an interrupted run has installed and that has not been started yet."""
    return services.is_active(machine, unit) and services.runs_old_program(machine, unit)


def check_balancer(address: str, port: int) -> None:
    """A haproxy works there. Raises NotYet otherwise."""
    connection = http.client.HTTPConnection(address, port, timeout=2)
    _get(connection, "/healthz", f"no haproxy answers at {address}:{port}")


def check_api(address: str, port: int) -> None:
    """The API is ready through that gateway. Raises NotYet otherwise. Its certificate is the clients' business."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    connection = http.client.HTTPSConnection(address, port, timeout=3, context=context)
    _get(connection, "/readyz", f"the API does not answer at {address}:{port}")


def _get(connection: http.client.HTTPConnection, path: str, otherwise: str) -> None:
    try:
        # No proxy, whatever the environment says; no redirection is followed.
        connection.request("GET", path)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise NotYet(f"{otherwise}: {error}") from None
    finally:
        connection.close()
    if status >= 400:
        raise NotYet(f"{otherwise}: HTTP {status}")


class RollingRestart:
    """This gateway's turn."""

    def __init__(self, machine: Machine, balancing: Balancing, ground: Ground) -> None:
        self.machine, self.balancing, self.address = machine, balancing, ground.wanted.address
        self.packages, self.maintenance = ground.packages, ground.maintenance
        #: Whether the API answered through this gateway before.
        self.served = False

    def run(self) -> None:
        """The step. Everything is fetched before, and this gateway is as good as before when the next has its turn."""
        machine, maintenance = self.machine, self.maintenance
        change = self._what_changes()
        if not change:
            return
        machine.log(f"to be changed: {change}")
        maintenance.fetch()
        self.served = self._leads_to_api()
        with self._handed_over(change):
            self.packages.change()
            maintenance.renew()
            services.restart(machine, HAPROXY, HAPROXY_READS)
            keepalived.wait_for_haproxy(machine)
            self._wait_for_own_answers()
            since = int(machine.clock.now().timestamp())
            services.restart(machine, KEEPALIVED, KEEPALIVED_READS)
        machine.unit = KEEPALIVED
        what = "keepalived to find this gateway well"
        machine.retry_until(30, what, lambda: keepalived.check_may_hold(machine, since))
        keepalived.wait_until_settled(machine, self.balancing.virtual)
        maintenance.end_epoch()
        machine.log(f"changed: {change}")

    def _what_changes(self) -> str:
        late = [name for name in DEFERRED if waits_for_turn(self.machine, f"{name}.service")]
        words = [f"{name} (installed already, not started yet)" for name in late]
        return ", ".join(filter(None, [self.maintenance.what_waits(), *words]))

    def _leads_to_api(self) -> bool:
        """Whether the API answers through this gateway. One lost answer must not lower what is asked of the others."""
        port = self.balancing.api_port
        if not port:
            return False
        with contextlib.suppress(Failed):
            self.machine.retry_until(SERVED_SECONDS, "the API to answer", lambda: check_api(self.address, port))
            return True
        return False

    def _wait_for_own_answers(self) -> None:
        balancing, address = self.balancing, self.address
        self.machine.retry_until(20, "haproxy to answer", lambda: check_balancer(address, balancing.health_port))
        if self.served:
            what = "the API to answer through this gateway, as it did before"
            self.machine.retry_until(30, what, lambda: check_api(address, balancing.api_port))

    @contextlib.contextmanager
    def _handed_over(self, why: str) -> Iterator[None]:
        """Another gateway has the addresses meanwhile.

        However that ends, this one is there when the other is lost. It does not take the addresses back (nopreempt);
        keepalived gives none to a gateway whose haproxy does not run.
        """
        machine, virtual = self.machine, self.balancing.virtual
        if not self.balancing.peers:
            machine.log("this is the only gateway: what goes through it is cut off for a moment")
            yield
            return
        what = f"another gateway that can take over; this one is not changed before ({why})"
        machine.retry_until(TAKE_OVER_SECONDS, what, self._check_take_over)
        if machine.retry_until(10, "the addresses of this machine", lambda: held_addresses(machine, virtual)):
            machine.log("another gateway takes the virtual addresses over")
        began = machine.clock.monotonic()
        try:
            # keepalived says on its way out that it goes (priority 0), so another gateway has the addresses at once.
            machine.must("systemctl", "stop", KEEPALIVED, seconds=services.RESTART_SECONDS)
            what = "another gateway to hold the virtual addresses"
            machine.retry_until(HAND_OVER_SECONDS, what, self._check_held_elsewhere)
            passed = (machine.clock.monotonic() - began) * 1000
            machine.log(f"the virtual addresses are on another gateway after {passed:.0f} ms")
            yield
        except BaseException:
            machine.run("systemctl", "start", "--no-block", KEEPALIVED)
            raise

    def _check_take_over(self) -> None:
        """One of the other gateways balances, and leads to the API where this one does."""
        seen = []
        for peer in self.balancing.peers:
            try:
                check_balancer(peer.address, self.balancing.health_port)
                if self.served:
                    check_api(peer.address, self.balancing.api_port)
                return
            except NotYet as said:
                seen.append(f"{peer.name}: {said}")
        raise NotYet("\n".join(seen))

    def _check_held_elsewhere(self) -> None:
        if held_addresses(self.machine, self.balancing.virtual):
            raise NotYet("the virtual addresses are still here")
        check_balancer(self.balancing.private_vip, self.balancing.health_port)
