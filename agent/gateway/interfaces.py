"""The interfaces and addresses of a gateway, by what `ip` says in JSON; names of interfaces differ between clouds."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from agent.machine import Machine, NotYet

#: Seconds that DHCP may take on both networks.
DHCP_SECONDS: Final = 60


@dataclass(frozen=True)
class Interfaces:
    """The names of the two interfaces."""

    edge: str
    private: str

    def fill_in(self, text: str) -> str:
        """The text that the program has rendered, with the names in the place of its marks."""
        return text.replace("@EDGE_INTERFACE@", self.edge).replace("@PRIVATE_INTERFACE@", self.private)


def interface_within(machine: Machine, cidr: str) -> str:
    """The interface that has an address within the network. Raises NotYet while none has."""
    for link in _links(machine, "to", cidr):
        if link.get("addr_info"):
            return str(link["ifname"])
    raise NotYet(f"no interface has an address within {cidr}")


def find_interfaces(machine: Machine, edge_cidr: str, private_cidr: str) -> Interfaces:
    """Both interfaces. Raises Failed when DHCP has given no address on one of them."""

    def find(cidr: str) -> str:
        return machine.retry_until(DHCP_SECONDS, f"an address within {cidr}", lambda: interface_within(machine, cidr))

    return Interfaces(find(edge_cidr), find(private_cidr))


def held_addresses(machine: Machine, virtual: Iterable[str]) -> frozenset[str]:
    """Those of the virtual addresses that are on this gateway. Raises NotYet when `ip` does not answer."""
    held = {
        address.get("local")
        for link in _links(machine)
        for address in link.get("addr_info", ())
        if address.get("prefixlen") == 32  # As keepalived sets them; no network of a gateway is one address large.
    }
    return frozenset(virtual) & held


def _links(machine: Machine, *words: str) -> list[dict[str, Any]]:
    # `ip` prints an empty object for each interface that it leaves out.
    ended = machine.run("ip", "-json", "-4", "address", "show", *words, seconds=5)
    if not ended:
        raise NotYet(f"`ip address show` does not answer: {ended.said}")
    try:
        return [link for link in json.loads(ended.output or "[]") if link]
    except ValueError:
        raise NotYet("`ip address show` does not answer in JSON") from None
