"""Security groups, as one table: who may reach what. Least privilege.

Gateways reach the machines from their private addresses, one aligned range.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Literal

from settings import ports
from settings.plan import Plan
from settings.platform_settings import PlatformSettings

Group = Literal["gateway", "ingress", "etcd", "control-plane", "node", "worker"]

#: Groups of each port of a role. A gateway's private port has no port security (it routes): nftables guards it.
GROUPS_OF_ROLE: dict[str, tuple[Group, ...]] = {
    "gateway": ("gateway", "ingress"),
    "etcd": ("etcd",),
    "control-plane": ("control-plane", "node"),
    "worker": ("worker", "node"),
}

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
    listed: str = ""
    """The name of its list of ranges. Empty for a single rule."""


def table(settings: PlatformSettings, plan: Plan) -> tuple[Rule, ...]:
    """Every rule of the platform."""
    gateways, private = plan.gateway_range, str(settings.network.private)
    access, overlay = settings.access, ports.OVERLAY[settings.kubernetes.cni]
    rules: list[Rule] = []
    rules += _by_cidr("gateway", "ssh", ports.SSH, access.ssh_cidrs)
    # A load balancer of the cloud guards the API itself.
    rules += _by_cidr("gateway", "api", ports.API, () if plan.load_balancer else access.api_cidrs)
    for index, peers in enumerate(plan.edge_gateway_ranges):
        rules.append(Rule("gateway", f"vrrp-{index}" if index else "vrrp", VRRP, cidr=peers))
    rules += _by_cidr("ingress", "http", ports.HTTP, access.ingress_cidrs)
    rules += _by_cidr("ingress", "https", ports.HTTPS, access.ingress_cidrs)
    rules.append(Rule("ingress", "icmp", "icmp", cidr="0.0.0.0/0"))
    rules += [
        Rule("etcd", "ssh", "tcp", ports.SSH, ports.SSH, gateways),
        Rule("etcd", "icmp", "icmp", cidr=private),
        Rule("etcd", "peers", "tcp", ports.ETCD_CLIENTS, ports.ETCD_PEERS, source="etcd"),
        Rule("etcd", "clients", "tcp", ports.ETCD_CLIENTS, ports.ETCD_CLIENTS, source="control-plane"),
        Rule("control-plane", "api", "tcp", ports.API, ports.API, private),
        # A member of etcd without data asks whether there is a cluster already.
        Rule("control-plane", "kubelet-etcd", "tcp", ports.KUBELET, ports.KUBELET, source="etcd"),
        Rule("node", "ssh", "tcp", ports.SSH, ports.SSH, gateways),
        Rule("node", "icmp", "icmp", cidr=private),
        Rule("node", "overlay", "udp", overlay, overlay, source="node"),
        Rule("node", "kubelet", "tcp", ports.KUBELET, ports.KUBELET, source="node"),
        Rule("node", "node-ports", "tcp", *ports.NODE_PORTS, private),
        Rule("node", "node-ports-udp", "udp", *ports.NODE_PORTS, private),
        Rule("worker", "ingress", "tcp", ports.INGRESS_HTTP, ports.INGRESS_HTTP, gateways),
        Rule("worker", "ingress-tls", "tcp", ports.INGRESS_HTTPS, ports.INGRESS_HTTPS, gateways),
    ]
    if settings.kubernetes.cni == "calico":
        rules.append(Rule("node", "typha", "tcp", ports.CALICO_TYPHA, ports.CALICO_TYPHA, source="node"))
    return tuple(rules)


def _by_cidr(group: Group, what: str, port: int, cidrs: Iterable[IPv4Network]) -> list[Rule]:
    """One rule for each range, named by the range: another order, or one range fewer, changes no other rule."""
    return [
        Rule(group, f"{what}-{cidr}".replace("/", "-"), "tcp", port, port, str(cidr), listed=what) for cidr in cidrs
    ]


def former_name(rule: Rule, numbered: Mapping[str, str]) -> str:
    """The name of the rule's resource in an earlier release, which numbered it. Empty where there is none.

    `numbered` are the ranges of such resources by name, from the stack's state. By its number alone a rule could take
    the resource of another range, and so be created twice, which OpenStack refuses.
    """
    prefix = f"{rule.group}-{rule.listed}-"
    names = (name for name, cidr in numbered.items() if rule.listed and cidr == rule.cidr)
    return next((name for name in names if name.startswith(prefix) and name.removeprefix(prefix).isdecimal()), "")
