"""Production data and addresses are protected: `pulumi destroy` and replacements stop before them."""

from __future__ import annotations

from collections.abc import Sequence

from policy.record import FLOATING_IP, INSTANCE, PORT, RELEASE, VOLUME, Facts, Found, Record, Rule

LOAD_BALANCER = "openstack:loadbalancer/loadBalancer:LoadBalancer"
#: Names in Pulumi of the floating IPs by which clients reach the API; the gateways' own are for SSH.
API_ADDRESSES = ("api", "api-load-balancer")
NAMESPACE = "kubernetes:core/v1:Namespace"


def etcd(records: Sequence[Record], facts: Facts) -> Found:
    """What holds etcd's data: a member's volume, or without one its machine."""
    if not facts.production:
        return
    members = [record for record in records if record.within(":EtcdCluster")]
    volumes = [record for record in members if record.type == VOLUME]
    with_volume = {record.name.removesuffix("-data") for record in volumes}
    machines = [record for record in members if record.type == INSTANCE and record.name not in with_volume]
    for record in (*volumes, *machines):
        if not record.protect:
            yield record, "holds data of etcd and is not protected", "set protection.etcd to true"


def database(records: Sequence[Record], facts: Facts) -> Found:
    """The database's release and namespace, and the volumes of workers, on which its data lies."""
    for record in records if facts.production else ():
        held = record.within(":addons:MariaDb") and record.type in (RELEASE, NAMESPACE)
        held = held or (record.type == VOLUME and record.within(":WorkerPool"))
        if held and not record.protect:
            yield record, "holds the database and is not protected", "set protection.database to true"


def vips(records: Sequence[Record], facts: Facts) -> Found:
    """The ports of the VIPs, the API's floating IP and a load balancer: clients and DNS know their addresses."""
    for record in records if facts.production else ():
        held = record.type == PORT and record.name.endswith("vip")
        held = held or (record.type == FLOATING_IP and record.name in API_ADDRESSES) or record.type == LOAD_BALANCER
        if held and not record.protect:
            yield record, "holds an address that clients know and is not protected", "set protection.vips to true"


RULES = (
    Rule("etcd-protected", "In production the data of etcd is protected.", etcd, each=False),
    Rule("database-protected", "In production the database is protected.", database),
    Rule("vips-protected", "In production the VIPs are protected.", vips),
)
