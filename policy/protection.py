"""Production data and addresses are protected and have backups: `pulumi destroy` and replacements stop before them."""

from collections.abc import Sequence

from policy.record import FLOATING_IP, INSTANCE, PLATFORM, PORT, RELEASE, VOLUME, Facts, Found, Problems, Record, Rule

LOAD_BALANCER = "openstack:loadbalancer/loadBalancer:LoadBalancer"
#: Names in Pulumi of the floating IPs by which clients reach the API; the gateways' own are for SSH.
API_ADDRESSES = ("api", "api-load-balancer")
NAMESPACE = "kubernetes:core/v1:Namespace"


def etcd(records: Sequence[Record], _: Facts) -> Found:
    """What holds etcd's data: a member's volume, or without one its machine."""
    members = [record for record in records if record.within(":EtcdCluster")]
    volumes = [record for record in members if record.type == VOLUME]
    with_volume = {record.name.removesuffix("-data") for record in volumes}
    machines = [record for record in members if record.type == INSTANCE and record.name not in with_volume]
    for record in (*volumes, *machines):
        if not record.protect:
            yield record, "holds data of etcd and is not protected", "set protection.etcd to true"


def database(record: Record, _: Facts) -> Problems:
    """The database's release and namespace, and the volumes of workers, on which its data lies."""
    held = record.within(":WorkerPool") if record.type == VOLUME else record.within(":addons:MariaDb")
    if held and not record.protect:
        yield "holds the database and is not protected", "set protection.database to true"


def vips(record: Record, _: Facts) -> Problems:
    """The ports of the VIPs, the API's floating IP and a load balancer: clients and DNS know their addresses."""
    held = record.type == LOAD_BALANCER or (record.type == PORT and record.name.endswith("vip"))
    held = held or (record.type == FLOATING_IP and record.name in API_ADDRESSES)
    if held and not record.protect:
        yield "holds an address that clients know and is not protected", "set protection.vips to true"


def backups(platform: Record, _: Facts) -> Problems:
    """Without backups, what is deleted by mistake is lost, however many machines hold it.

    A platform that says nothing of etcd's, as in earlier releases, has none.
    """
    kinds = platform.props.get("backups") or {}
    if not kinds.get("etcd"):
        yield "takes no snapshots of etcd", "set backups.etcd.enabled to true"
    # A platform without a database says nothing of it.
    if not kinds.get("database", True):
        yield "takes no backups of the database", "set backups.database.enabled to true"


_DATABASE_TYPES = (RELEASE, NAMESPACE, VOLUME)
RULES = (
    Rule("etcd-protected", "In production the data of etcd is protected.", check_plan=etcd, production=True),
    Rule("database-protected", "In production the database is protected.", database, _DATABASE_TYPES, production=True),
    Rule("vips-protected", "In production the VIPs are protected.", vips, production=True),
    Rule("backups-on", "In production etcd and the database have backups.", backups, (PLATFORM,), production=True),
)
