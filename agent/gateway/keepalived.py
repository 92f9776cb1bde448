"""keepalived and the virtual addresses: who holds them, and whether this gateway may."""

import re
from typing import Final

from agent.gateway.interfaces import held_addresses
from agent.machine import Machine, NotYet
from agent.system import services

KEEPALIVED: Final = "keepalived.service"
HAPROXY: Final = "haproxy.service"
#: Where their configuration lies, and the script by which keepalived sees each second whether haproxy runs.
KEEPALIVED_FILE: Final = "/etc/keepalived/keepalived.conf"
HAPROXY_FILE: Final = "/etc/haproxy/haproxy.cfg"
HAPROXY_RUNS: Final = "/usr/local/sbin/openstack-paas-haproxy-runs"
#: With other content of these, the service has to read them again.
KEEPALIVED_READS: Final = (KEEPALIVED_FILE, HAPROXY_RUNS)
HAPROXY_READS: Final = (HAPROXY_FILE,)

_STATE: Final = re.compile(r"Entering (BACKUP|MASTER|FAULT) STATE")
_SCRIPT: Final = re.compile(r"VRRP_Script\(haproxy\) (succeeded|failed)")


def wait_for_haproxy(machine: Machine) -> None:
    """Until it runs, as keepalived sees it."""

    def look() -> None:
        if not machine.run(HAPROXY_RUNS, seconds=5):
            raise NotYet("haproxy does not run")

    machine.retry_until(20, "haproxy to run", look)


def check_settled(machine: Machine, virtual: tuple[str, ...]) -> None:
    """This gateway has all virtual addresses, or none, and keepalived runs. Raises NotYet otherwise."""
    held = held_addresses(machine, virtual)
    active = services.is_active(machine, KEEPALIVED)
    if not active or len(held) not in (0, len(virtual)):
        state = "keepalived runs" if active else "keepalived does not run"
        raise NotYet(f"{len(held)} of the {len(virtual)} virtual addresses are here, {state}")


def check_held(machine: Machine, address: str) -> None:
    """Somebody holds the address, after three adverts if this gateway just started. Raises NotYet otherwise."""
    if held_addresses(machine, (address,)):
        return
    if not (ended := machine.run("ping", "-c", "1", "-W", "1", address, seconds=5)):
        raise NotYet(f"nobody answers at {address}: {ended.said}")


def check_may_hold(machine: Machine, since: int) -> None:
    """keepalived has settled since that time (seconds since 1970), and finds the local haproxy well.

    Raises NotYet otherwise. The last word counts: a script that succeeded and then failed is a gateway in FAULT.
    """
    words = ("--since", f"@{since}", "--output=cat", "--no-pager")
    said = machine.run("journalctl", "--unit", KEEPALIVED, *words, seconds=10).output
    states, looks = _STATE.findall(said), _SCRIPT.findall(said)
    if looks[-1:] != ["succeeded"] or states[-1:] == ["FAULT"]:
        state = states[-1] if states else "no state yet"
        look = looks[-1] if looks else "has not said anything"
        raise NotYet(f"keepalived: {state}; its look at haproxy {look}")


def wait_until_settled(machine: Machine, virtual: tuple[str, ...]) -> None:
    """Until somebody holds the first of the addresses, the private one, and this gateway all of them or none."""
    machine.retry_until(30, f"the virtual address {virtual[0]} to be held", lambda: check_held(machine, virtual[0]))
    machine.retry_until(30, "the virtual addresses to be on one gateway", lambda: check_settled(machine, virtual))
