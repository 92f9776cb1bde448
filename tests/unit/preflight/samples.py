"""Facts of clouds for the tests of the preflight: one that the dev preset fits into, and variations of it."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from preflight.cloud import Cloud, Existing, Flavor, Image, Network, Quota, Subnet
from preflight.context import Context
from settings.load import parse
from settings.running import Running

OURS = ("openstack-paas:dev",)
PROJECT = "project"
PUBLIC = Network("public-id", "public", external=True, mtu=1500, project_id="provider")
EDGE = Network("edge-id", "dev-edge", mtu=1450, project_id=PROJECT)
PUBLIC_SUBNET = Subnet("public-subnet-id", "public", "public-id", "198.51.100.0/27", "198.51.100.1")
M1 = [
    Flavor("small-id", "m1.small", 1, 2048, 20),
    Flavor("medium-id", "m1.medium", 2, 4096, 40),
    Flavor("large-id", "m1.large", 4, 8192, 80),
]
#: Limits of a project in which there is nothing yet; generous.
PLENTY = {
    name: Quota(name, 100000, 0)
    for name in [
        "instances",
        "cores",
        "ram",
        "server_groups",
        "key_pairs",
        "port",
        "network",
        "subnet",
        "router",
        "floatingip",
        "security_group",
        "security_group_rule",
        "volumes",
        "gigabytes",
        "load_balancer",
    ]
} | {"server_group_members": Quota("server_group_members", 10)}
FITS = Cloud(
    project_id=PROJECT,
    services=frozenset({"compute", "network", "image", "identity"}),
    flavors=tuple(M1),
    images=(Image("image-id", "debian-12", "active", disk_gib=2, created="2026-01-01T00:00:00Z"),),
    networks=(PUBLIC,),
    subnets=(),
    floating_ips=(),
    ports=(),
    zones=("nova", "zone-2"),
    extensions=frozenset(
        [
            "allowed-address-pairs",
            "port-security",
            "security-group",
            "standard-attr-tag",
            "router",
            "external-net",
            "quota_details",
            "net-mtu-writable",
        ]
    ),
    quotas=PLENTY,
)
WITH_VOLUMES = replace(FITS, services=FITS.services | {"volumev3"}, volume_types=("ssd",), volume_zones=("nova",))
WITH_OCTAVIA = replace(FITS, services=FITS.services | {"load-balancer"}, load_balancer_providers=("amphora", "ovn"))
PROVIDER: dict[str, Any] = {
    "network": {
        "publicVip": "provider-network",
        "edge": "198.51.100.0/27",
        "publicVipAddress": "198.51.100.5",
    },
    "gateways": {"edgeAddresses": ["198.51.100.12"]},
}
PROVIDES = replace(FITS, networks=(replace(PUBLIC, shared=True, project_id=PROJECT),), subnets=(PUBLIC_SUBNET,))


def context(cloud: Cloud, /, running: Running | None = None, **values: Any) -> Context:
    """The dev preset in a cloud."""
    return Context.of(parse({"preset": "dev", **values}, "dev"), cloud, running)


def texts(problems: Iterable[object]) -> list[str]:
    """The problems as people read them."""
    return list(map(str, problems))


def flavor(**changes: Any) -> Cloud:
    """A cloud whose m1.medium, the flavor of control planes and etcd, is different."""
    return replace(FITS, flavors=(M1[0], replace(M1[1], **changes), M1[2]))


def image(**changes: Any) -> Cloud:
    """A cloud whose only image is different."""
    assert FITS.images
    return replace(FITS, images=(replace(FITS.images[0], **changes),))


BROUGHT: dict[str, Any] = {"network": {"apiFloatingIp": "203.0.113.9"}}


def existing(*things: Existing) -> Cloud:
    """A cloud in which something has our names."""
    return replace(FITS, existing=things)
