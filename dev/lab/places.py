"""The lab's folders, names, addresses and ports."""

import os
from dataclasses import dataclass
from pathlib import Path

STATE = Path(os.environ.get("LAB_STATE", "/var/lib/openstack-paas-lab"))
CACHE = Path(os.environ.get("OPENSTACK_PAAS_CACHE", str(Path.home() / ".cache/openstack-paas")))
HERE = Path(__file__).resolve().parent

CONFIGURATION = STATE / "config"
LOGS = STATE / "logs"
RUN = STATE / "run"
DRIVER = STATE / "driver"
INSTANCES = STATE / "instances"
IMAGES = STATE / "images"
LXCFS = STATE / "lxcfs"
CLOUDS = STATE / "clouds.yaml"
MIRROR = CACHE / "mirror"
# Each folder in it is a bucket of the S3 store.
OBJECT_STORE = STATE / "object-store"
BUCKET = "backups"
# Public, like the passphrase of the stack that uses them (Pulumi.lab.yaml): they open nothing but that store.
STORE_ACCESS_KEY, STORE_SECRET_KEY = "lab-backups", "lab-protects-nothing"

# Every process that the lab starts has this environment variable, with the state folder as its value, and passes it on
# to its children. It is the only way in which `down` recognises the lab's processes.
MARKER = "OPENSTACK_PAAS_LAB"

EXTERNAL_BRIDGE, EXTERNAL_ADDRESS, EXTERNAL_NETWORK = "lab-external", "172.24.4.1", "172.24.4.0/24"
EXTERNAL_POOL = ("172.24.4.100", "172.24.4.200")
UNDERLAY_BRIDGE, UNDERLAY_ADDRESS, UNDERLAY_NETWORK = "lab-underlay", "172.24.5.1", "172.24.5.0/24"
PREFIX_LENGTH = 24
# vxlan's header takes 50 bytes of each packet, so a full-sized packet of 1500 still fits.
UNDERLAY_MTU = 1550
# Packets from the external bridge are routed by this table. Its only route is "unreachable".
ROUTING_TABLE = 2404
ROUTING_PRIORITY = 100

REGION = "RegionOne"
PROJECT = USER = "paas"
EXTERNAL_NAME = "public"
PHYSICAL_NETWORK = "external"
# The end of the external network inside the network node, to which neutron adds its routers' ports.
PROVIDER_BRIDGE = "lab-provider"


@dataclass(frozen=True)
class Host:
    """A host of the cloud: the network node or a compute host. It is a network namespace of the same name."""

    name: str
    address: str


NETWORK_HOST = Host("lab-network", "172.24.5.10")
COMPUTE_HOSTS = tuple(Host(f"lab-host-{number}", f"172.24.5.{10 + number}") for number in (1, 2, 3))
HOSTS = (NETWORK_HOST, *COMPUTE_HOSTS)


@dataclass(frozen=True)
class Ports:
    """TCP ports. The APIs use OpenStack's own; the inner services use their usual port plus one."""

    keystone: int = 5000
    placement: int = 8778
    glance: int = 9292
    neutron: int = 9696
    nova: int = 8774
    metadata: int = 8775
    mariadb: int = 3307
    rabbitmq: int = 5673
    rabbitmq_distribution: int = 25673
    epmd: int = 4370
    memcached: int = 11212
    registry: int = 5000
    apt: int = 3142
    web: int = 8480
    object_store: int = 8490


PORTS = Ports()


def api(port: int) -> str:
    """The base URL of an API."""
    return f"http://{UNDERLAY_ADDRESS}:{port}"
