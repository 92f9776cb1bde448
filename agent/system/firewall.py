"""The table inet openstack_paas of nftables: the metadata guard, and on gateways firewall and NAT."""

from dataclasses import dataclass
from functools import partial
from typing import Final

from agent.machine import Machine
from agent.system import files, services

TABLE_FILE: Final = "/etc/openstack-paas/firewall.nft"
UNIT: Final = "openstack-paas-firewall.service"
UNIT_FILE: Final = f"/etc/systemd/system/{UNIT}"


@dataclass(frozen=True)
class Firewall:
    """The table as nft reads it, and the unit that loads it at each boot, before the network comes up."""

    table: str
    unit: str


def apply(machine: Machine, firewall: Firewall) -> None:
    """Loads the table, now and at each boot. Raises Failed when nft refuses it; the old one then stays."""
    accepted = partial(machine.run, "nft", "--check", "--file")
    files.install(machine, firewall.table, TABLE_FILE, 0o600, check=accepted)
    files.install(machine, firewall.unit, UNIT_FILE)
    services.apply(machine, UNIT, "reload", (TABLE_FILE, UNIT_FILE))
    if not machine.run("nft", "list", "table", "inet", "openstack_paas"):
        machine.log("the table inet openstack_paas was gone")
        machine.must("systemctl", "restart", UNIT)
