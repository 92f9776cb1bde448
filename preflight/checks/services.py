"""What the cloud offers: services and whether they answer, network extensions, zones, block storage, octavia."""

from collections.abc import Iterator, Mapping
from typing import Final

from preflight import planned
from preflight.cloud import BLOCK_STORAGE
from preflight.context import Context, suggestion
from settings.problem import Problem

#: Types of services in keystone's catalog that no platform goes without, with what they are.
NEEDED: Final = {"compute": "nova", "network": "neutron", "image": "glance"}
#: Facts without which nothing can be planned: their ids are inputs of resources.
ESSENTIAL: Final = ("flavors", "images", "networks")

#: Alias (https://docs.openstack.org/api-ref/network/v2/#extensions) and what it is needed for.
EXTENSIONS: Final = {
    "allowed-address-pairs": "gateways carry the VIPs' addresses with it",
    "port-security": "a gateway forwards other machines' packets, which it would drop otherwise",
    "security-group": "it guards every machine",
    "standard-attr-tag": "the platform recognises its resources by tags",
}
FOR_ROUTER: Final = {
    "router": "the edge network is connected to a router",
    "external-net": "floating IPs come from such a network",
}
FOR_MTU: Final = {"net-mtu-writable": "network.mtu needs it"}
FOR_QUOTAS: Final = {"quota_details": "without it the usage of quotas is not shown"}


def summary(context: Context) -> str:
    """The services of the catalog."""
    return ", ".join(sorted(context.cloud.services))


def missing(context: Context) -> Iterator[Problem]:
    """A service that the region does not have."""
    for service, project in NEEDED.items():
        if service not in context.cloud.services:
            rule = f"there is no such service ({project}) in the region; its catalog has {summary(context) or 'none'}"
            fix = "check the region (OS_REGION_NAME or region_name in clouds.yaml)"
            yield Problem("OpenStack", service, rule, fix)


def unlisted(context: Context) -> Iterator[Problem]:
    """Facts on which everything depends, and which a service does not list."""
    for unknown in context.cloud.unknown:
        if unknown.what in ESSENTIAL and context.cloud.services >= NEEDED.keys():
            fix = "make sure that the user may list them"
            yield Problem("OpenStack", unknown.what, f"cannot be listed ({unknown.reason})", fix)


def unanswered(context: Context) -> Iterator[Problem]:
    """Facts that stay unknown. Only `pulumi up` finds what they would have shown."""
    for unknown in context.cloud.unknown:
        if unknown.what not in ESSENTIAL:
            rule = f"could not be asked ({unknown.reason}), so nothing about it is checked"
            fix = "make sure that the service is up and that the user may list them"
            yield Problem("OpenStack", unknown.what, rule, fix)


def _needed_extensions(context: Context) -> Mapping[str, str]:
    network = context.settings.network
    router = {} if network.public_vip == "provider-network" else FOR_ROUTER
    return EXTENSIONS | router | (FOR_MTU if network.mtu else {})


def extensions_summary(context: Context) -> str:
    """Those that are needed."""
    return ", ".join(_needed_extensions(context))


def _without_extensions(context: Context, wanted: Mapping[str, str], fix: str) -> Iterator[Problem]:
    known = context.cloud.extensions
    for alias, reason in wanted.items():
        if known is not None and alias not in known:
            own_fix = "leave network.mtu out" if alias in FOR_MTU else fix
            rule = f"the cloud's network service lacks it: {reason}"
            yield Problem("OpenStack", f"extension {alias}", rule, own_fix)


def missing_extensions(context: Context) -> Iterator[Problem]:
    """An extension that nothing works without."""
    return _without_extensions(context, _needed_extensions(context), "ask the cloud's operators to enable it")


def useful_extensions(context: Context) -> Iterator[Problem]:
    """An extension that only the checks miss."""
    return _without_extensions(context, FOR_QUOTAS, "check the quotas yourself")


def zones_summary(context: Context) -> str:
    """The cloud's zones."""
    return ", ".join(context.cloud.zones or ()) or "unknown"


def unknown_zones(context: Context) -> Iterator[Problem]:
    """A zone that nova does not have, or in which there is no block storage for a volume."""
    cloud, with_volume = context.cloud, {volume.key for volume in planned.volumes(context.platform).values()}
    for key, settings in context.settings.roles.items():
        for zone in dict.fromkeys(settings.availability_zones):
            lacks, known = "no such zone that is up", cloud.zones
            if (known is None or zone in known) and key in with_volume:
                lacks, known = "no block storage in that zone", cloud.volume_zones
            if known is not None and zone not in known:
                yield Problem(f"{key}.availabilityZones", zone, f"the cloud has {lacks}", suggestion(zone, known))


def volumes_summary(context: Context) -> str:
    """How many volumes there are and of which size."""
    sizes = [volume.size_gib for volume in planned.volumes(context.platform).values()]
    return f"{len(sizes)} volumes, {sum(sizes)} GiB" if sizes else "not asked for"


def block_storage(context: Context) -> Iterator[Problem]:
    """Volumes without block storage, or of a type that it does not have."""
    types = context.cloud.volume_types
    # The machines of a key have equal volumes.
    for key, kind, size_gib in dict.fromkeys(planned.volumes(context.platform).values()):
        if context.cloud.services.isdisjoint(BLOCK_STORAGE):
            fix = f"leave {key}.volume out: the machines' own disks are used then"
            yield Problem(f"{key}.volume", f"{size_gib} GiB", "the cloud has no block storage (cinder)", fix)
        elif kind and types is not None and kind not in types:
            yield Problem(f"{key}.volume.type", kind, "the cloud has no such volume type", suggestion(kind, types))


def load_balancer_summary(context: Context) -> str:
    """Whether octavia is asked for, and its drivers."""
    if context.settings.api.load_balancer != "octavia":
        return "not asked for"
    return ", ".join(context.cloud.load_balancer_providers or ("octavia",))


def load_balancer(context: Context) -> Iterator[Problem]:
    """No octavia, or not the driver that is asked for."""
    api, known = context.settings.api, context.cloud.load_balancer_providers
    if api.load_balancer != "octavia":
        return
    if "load-balancer" not in context.cloud.services:
        rule = "the cloud has no load balancers (no service load-balancer in its catalog)"
        yield Problem("api.loadBalancer", "octavia", rule, "use gateways: haproxy on the gateways balances the API")
    elif (driver := api.octavia.provider) and known is not None and driver not in known:
        yield Problem("api.octavia.provider", driver, "octavia has no such driver", suggestion(driver, known))
