"""Security groups, as one table: who may reach what. Least privilege, and few rules a group.

Few, because the OpenStack provider deletes the rules of one group one after another (5 s each): the largest group sets
the time of `pulumi destroy`. Gateways reach the machines from their private addresses, one aligned range.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from settings.addresses import AddressPlan
from settings.platform import PlatformSettings

Group = Literal["gateway", "ingress", "etcd", "control-plane", "node", "worker"]

#: Groups of each port of a role. A gateway's private port has no port security (it routes): nftables guards it.
GROUPS_OF_ROLE: dict[str, tuple[Group, ...]] = {
    "gateway": ("gateway", "ingress"),
    "etcd": ("etcd",),
    "control-plane": ("control-plane", "node"),
    "worker": ("worker", "node"),
}

#: Overlay of each CNI: flannel's vxlan (backend default), Calico's vxlan (https://docs.tigera.io/calico requirements).
OVERLAY_PORT = {"flannel": 8472, "calico": 4789}
CALICO_TYPHA = 5473
VRRP = "112"
"""IP protocol number of VRRP (RFC 9568); OpenStack takes numbers where a name is not in its list."""


@dataclass(frozen=True)
class Rule:
    """One ingress rule of `group`: a protocol, a port range (0: none) and a source, a CIDR or another group."""

    group: Group
    name: str
    protocol: str
    first_port: int = 0
    last_port: int = 0
    cidr: str = ""
    source: Group | None = None


def table(settings: PlatformSettings, addresses: AddressPlan) -> tuple[Rule, ...]:
    """Every rule of the platform."""
    gateways, private = addresses.gateway_range, str(settings.network.private)
    access = settings.access
    rules: list[Rule] = []
    for index, cidr in enumerate(access.ssh_cidrs):
        rules.append(Rule("gateway", f"ssh-{index}", "tcp", 22, 22, str(cidr)))
    # A load balancer of the cloud guards the API itself.
    for index, cidr in enumerate(() if addresses.load_balancer else access.api_cidrs):
        rules.append(Rule("gateway", f"api-{index}", "tcp", 6443, 6443, str(cidr)))
    for index, peers in enumerate(addresses.edge_gateway_ranges):
        rules.append(Rule("gateway", f"vrrp-{index}" if index else "vrrp", VRRP, cidr=peers))
    for index, cidr in enumerate(access.ingress_cidrs):
        rules.append(Rule("ingress", f"http-{index}", "tcp", 80, 80, str(cidr)))
        rules.append(Rule("ingress", f"https-{index}", "tcp", 443, 443, str(cidr)))
    rules.append(Rule("ingress", "icmp", "icmp", cidr="0.0.0.0/0"))
    rules += [
        Rule("etcd", "ssh", "tcp", 22, 22, gateways),
        Rule("etcd", "icmp", "icmp", cidr=private),
        Rule("etcd", "peers", "tcp", 2379, 2380, source="etcd"),
        Rule("etcd", "clients", "tcp", 2379, 2379, source="control-plane"),
        Rule("control-plane", "api", "tcp", 6443, 6443, private),
        # A member of etcd without data asks whether there is a cluster already.
        Rule("control-plane", "kubelet-etcd", "tcp", 10250, 10250, source="etcd"),
        Rule("node", "ssh", "tcp", 22, 22, gateways),
        Rule("node", "icmp", "icmp", cidr=private),
        Rule("node", "overlay", "udp", *(2 * (OVERLAY_PORT[settings.kubernetes.cni],)), source="node"),
        Rule("node", "kubelet", "tcp", 10250, 10250, source="node"),
        Rule("worker", "ingress", "tcp", 30080, 30080, gateways),
        Rule("worker", "ingress-tls", "tcp", 30443, 30443, gateways),
    ]
    if settings.kubernetes.cni == "calico":
        rules.append(Rule("node", "typha", "tcp", CALICO_TYPHA, CALICO_TYPHA, source="node"))
    return tuple(rules)
