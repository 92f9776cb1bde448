"""Parses the services' answers into facts. Pure functions, entry by entry."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter

from preflight.cloud import Existing, Flavor, FloatingIp, Image, Kind, Network, Port, Quota, Subnet

GIB = 1024**3

Entry = Mapping[str, Any]
F = TypeVar("F")
#: Made once for each kind of fact: that takes a millisecond.
_adapter: Callable[[object], TypeAdapter[Any]] = cache(TypeAdapter)


def _fact(kind: type[F], entry: Entry, **renamed: object) -> F:
    """`kind` from the fields of the same name and from `renamed`. What is null has the default."""
    given = {key: value for key, value in {**entry, **renamed}.items() if value is not None}
    fact: F = _adapter(kind).validate_python(given)
    return fact


def flavor(entry: Entry) -> Flavor:
    """Nova's flavor; RAM in MiB, disk in GiB."""
    return _fact(Flavor, entry, ram_mib=entry["ram"], disk_gib=entry["disk"])


def image(entry: Entry) -> Image:
    """Glance's image. Its size in bytes is that of the file where the virtual size is unknown: never too much."""
    size = (entry.get("virtual_size") or entry.get("size") or 0) / GIB
    return _fact(
        Image,
        entry,
        name=entry.get("name") or "",
        disk_gib=max(entry.get("min_disk") or 0, size),
        ram_mib=entry.get("min_ram"),
        created=entry.get("created_at"),
        architecture=entry.get("hw_architecture") or entry.get("architecture"),
    )


def network(entry: Entry) -> Network:
    """Neutron's network."""
    return _fact(Network, entry, external=entry.get("router:external"), project_id=owner(entry))


def subnet(entry: Entry) -> Subnet:
    """Neutron's subnet."""
    pools = [(pool["start"], pool["end"]) for pool in entry.get("allocation_pools") or ()]
    return _fact(Subnet, entry, gateway=entry.get("gateway_ip"), pools=pools)


def floating_ip(entry: Entry) -> FloatingIp:
    """Neutron's floating IP, with the name of its port where neutron shows it (extension fip-port-details)."""
    return _fact(
        FloatingIp,
        entry,
        address=entry["floating_ip_address"],
        network_id=entry["floating_network_id"],
        port_name=(entry.get("port_details") or {}).get("name"),
        fixed_address=entry.get("fixed_ip_address"),
    )


def port(entry: Entry) -> Port:
    """Neutron's port."""
    addresses = [fixed["ip_address"] for fixed in entry.get("fixed_ips") or ()]
    pairs = [pair["ip_address"] for pair in entry.get("allowed_address_pairs") or ()]
    return _fact(Port, entry, addresses=addresses, pairs=pairs)


def existing(kind: Kind, entry: Entry) -> Existing:
    """Anything. A floating IP has its address as its name, and a key pair its name as its id.

    Cinder has no tags; metadata of the same key and value is used for them.
    """
    name = entry.get("name") or entry.get("floating_ip_address") or ""
    tags = [":".join(item) for item in (entry.get("metadata") or {}).items()] if kind == "volume" else entry.get("tags")
    return Existing(kind, name, str(entry.get("id") or name), tuple(tags or ()))


def owner(entry: Entry) -> str:
    """The id of the project that owns it; empty where that is not shown."""
    return entry.get("project_id") or entry.get("tenant_id") or ""


def compute_quotas(limits: Entry, key_pairs: int) -> Iterator[Quota]:
    """Nova's limits of the project. Key pairs are counted by user: `key_pairs` is how many this one has."""
    names = (
        ("instances", "maxTotalInstances", "totalInstancesUsed"),
        ("cores", "maxTotalCores", "totalCoresUsed"),
        ("ram", "maxTotalRAMSize", "totalRAMUsed"),
        ("server_groups", "maxServerGroups", "totalServerGroupsUsed"),
        ("server_group_members", "maxServerGroupMembers", ""),
        ("key_pairs", "maxTotalKeypairs", ""),
    )
    for name, limit, used in names:
        if limit in limits:
            yield Quota(name, int(limits[limit]), key_pairs if name == "key_pairs" else limits.get(used))


def quotas_with_usage(answer: Entry) -> Iterator[Quota]:
    """The quotas of neutron (`used`) or cinder (`in_use`). Reservations are as good as used."""
    for name, quota in answer.items():
        if isinstance(quota, Mapping):
            used = int(quota.get("used", 0)) + int(quota.get("in_use", 0)) + int(quota.get("reserved", 0))
            yield Quota(name, int(quota["limit"]), used)
