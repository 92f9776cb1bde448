"""Parses the services' answers into facts. Pure functions, entry by entry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from preflight.cloud import Existing, Flavor, FloatingIp, Image, Kind, Network, Port, Quota, Subnet

GIB = 1024**3

Entry = Mapping[str, Any]


def tags(entry: Entry) -> tuple[str, ...]:
    """Tags; empty where the cloud has none."""
    return tuple(entry.get("tags") or ())


def flavor(entry: Entry) -> Flavor:
    """Nova's flavor; RAM in MiB, disk in GiB."""
    return Flavor(entry["id"], entry["name"], int(entry["vcpus"]), int(entry["ram"]), int(entry["disk"]))


def image(entry: Entry) -> Image:
    """Glance's image. Its size in bytes is that of the file where the virtual size is unknown: never too much."""
    size = (entry.get("virtual_size") or entry.get("size") or 0) / GIB
    return Image(
        id=entry["id"],
        name=entry.get("name") or "",
        status=entry["status"],
        disk_gib=max(float(entry.get("min_disk") or 0), size),
        ram_mib=int(entry.get("min_ram") or 0),
        created=entry.get("created_at", ""),
        architecture=entry.get("hw_architecture") or entry.get("architecture") or "",
    )


def network(entry: Entry) -> Network:
    """Neutron's network."""
    return Network(
        id=entry["id"],
        name=entry.get("name") or "",
        external=bool(entry.get("router:external")),
        shared=bool(entry.get("shared")),
        mtu=entry.get("mtu"),
        project_id=entry.get("project_id") or entry.get("tenant_id") or "",
        tags=tags(entry),
    )


def subnet(entry: Entry) -> Subnet:
    """Neutron's subnet."""
    return Subnet(
        id=entry["id"],
        name=entry.get("name") or "",
        network_id=entry["network_id"],
        cidr=entry["cidr"],
        gateway=entry.get("gateway_ip") or "",
        pools=tuple((pool["start"], pool["end"]) for pool in entry.get("allocation_pools") or ()),
        tags=tags(entry),
    )


def floating_ip(entry: Entry) -> FloatingIp:
    """Neutron's floating IP, with the name of its port where neutron shows it (extension fip-port-details)."""
    return FloatingIp(
        id=entry["id"],
        address=entry["floating_ip_address"],
        network_id=entry["floating_network_id"],
        port_id=entry.get("port_id") or "",
        port_name=(entry.get("port_details") or {}).get("name") or "",
        fixed_address=entry.get("fixed_ip_address") or "",
        tags=tags(entry),
    )


def port(entry: Entry) -> Port:
    """Neutron's port."""
    return Port(
        id=entry["id"],
        name=entry.get("name") or "",
        network_id=entry["network_id"],
        addresses=tuple(fixed["ip_address"] for fixed in entry.get("fixed_ips") or ()),
        device_id=entry.get("device_id") or "",
        device_owner=entry.get("device_owner") or "",
        pairs=tuple(pair["ip_address"] for pair in entry.get("allowed_address_pairs") or ()),
        tags=tags(entry),
    )


def existing(kind: Kind, entry: Entry) -> Existing:
    """Anything with a name; a key pair's name is its id."""
    name = entry.get("name") or ""
    return Existing(kind=kind, name=name, id=str(entry.get("id") or name), tags=tags(entry))


def compute_quotas(limits: Entry, key_pairs: int | None) -> Iterable[Quota]:
    """Nova's limits of the project; key pairs are counted by user, so their use is what the user has."""
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


def network_quotas(quota: Entry) -> Iterable[Quota]:
    """Neutron's details; a reservation is as good as used."""
    for name, value in quota.items():
        if isinstance(value, Mapping):
            yield Quota(name, int(value["limit"]), int(value.get("used", 0)) + int(value.get("reserved", 0)))


def volume_quotas(quota: Entry) -> Iterable[Quota]:
    """Cinder's quota set with usage; it names a quota a volume type too."""
    for name, value in quota.items():
        if isinstance(value, Mapping):
            yield Quota(name, int(value["limit"]), int(value.get("in_use", 0)) + int(value.get("reserved", 0)))
