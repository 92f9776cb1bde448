"""Every daemon of the lab: how it starts and how to tell that it works."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dev.lab import places
from dev.lab.mirror.compile import folder_of
from dev.lab.mirror.places import MIRROR_PLACES
from dev.lab.mirror.programs import object_store
from dev.lab.places import (
    COMPUTE_HOSTS,
    CONFIGURATION,
    DRIVER,
    EXTERNAL_ADDRESS,
    NETWORK_HOST,
    PORTS,
    STATE,
    UNDERLAY_ADDRESS,
)

PYTHON = "/usr/bin/python3"
NEUTRON = f"--config-file {CONFIGURATION}/neutron.conf"
NOVA = f"--config-file {CONFIGURATION}/nova.conf"


@dataclass(frozen=True)
class Service:
    """One daemon. It works when `port` (on `address`) is open or `url` answers; without either, when it runs.

    `signal` stops it at `down`: KILL for those that keep nothing on disk, which makes `down` quick.
    """

    name: str
    command: str
    address: str = UNDERLAY_ADDRESS
    port: int = 0
    url: str = ""
    signal: str = "KILL"
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def program(self) -> str:
        """The service's name in supervisor."""
        return f"lab-{self.name}"


def uwsgi(name: str, port: int, script: str, environment: Mapping[str, str]) -> Service:
    """A WSGI application as its own web server."""
    command = (
        f"/usr/bin/uwsgi_python3 --master --die-on-term --lazy-apps --need-app --http-socket {UNDERLAY_ADDRESS}:{port} "
        f"--wsgi-file {script} --processes 1 --threads 8 --enable-threads --buffer-size 65535 "
        "--disable-logging --add-header 'Connection: close'"
    )
    return Service(name, command, port=port, url=places.api(port), environment=environment)


def in_host(host: places.Host, command: str) -> str:
    """The command line that runs a command as if on one of the lab's hosts."""
    return f"{DRIVER}/in-host {host.namespace} {command}"


def linuxbridge(host: places.Host) -> Service:
    """The agent that wires a host's ports."""
    return Service(
        f"linuxbridge-{host.name.removeprefix('lab-')}",
        in_host(
            host,
            f"{PYTHON} {DRIVER}/neutron-linuxbridge-agent {NEUTRON} --config-file {CONFIGURATION}/ml2.ini "
            f"--config-file {CONFIGURATION}/neutron-{host.name}.conf "
            f"--config-file {CONFIGURATION}/linuxbridge-{host.name}.ini",
        ),
    )


def compute(host: places.Host) -> Service:
    """A host's nova-compute."""
    return Service(
        f"compute-{host.name.removeprefix('lab-')}",
        in_host(host, f"{PYTHON} {DRIVER}/lab-nova-compute {NOVA} --config-file {CONFIGURATION}/nova-{host.name}.conf"),
    )


def agent(name: str, program: str, configuration: str, in_network_host: bool = True) -> Service:
    """One of the network node's other agents."""
    command = (
        f"/usr/bin/{program} {NEUTRON} --config-file {CONFIGURATION}/neutron-{NETWORK_HOST.name}.conf "
        f"--config-file {CONFIGURATION}/{configuration}"
    )
    return Service(name, in_host(NETWORK_HOST, command) if in_network_host else command)


RABBITMQ = {
    "RABBITMQ_NODENAME": "lab@localhost",
    "RABBITMQ_DIST_PORT": str(PORTS.rabbitmq_distribution),
    "RABBITMQ_MNESIA_BASE": f"{STATE}/rabbitmq/mnesia",
    "RABBITMQ_LOG_BASE": f"{STATE}/rabbitmq/log",
    "RABBITMQ_ENABLED_PLUGINS_FILE": f"{STATE}/rabbitmq/plugins",
    "RABBITMQ_CONF_ENV_FILE": "/dev/null",
    "RABBITMQ_CONFIG_FILE": f"{CONFIGURATION}/rabbitmq.conf",
    "RABBITMQ_PID_FILE": f"{STATE}/run/rabbitmq.pid",
    "HOME": f"{STATE}/rabbitmq",
    "ERL_EPMD_ADDRESS": "127.0.0.1",
    "ERL_EPMD_PORT": str(PORTS.epmd),
    # One scheduler that does not spin when idle; the distribution port on loopback alone; our own epmd.
    "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} -start_epmd false "
    "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none",
}

MIRROR = (
    Service(
        "registry",
        f"/usr/bin/docker-registry serve {CONFIGURATION}/registry.yml",
        EXTERNAL_ADDRESS,
        PORTS.registry,
        f"http://{EXTERNAL_ADDRESS}:{PORTS.registry}/v2/",
        "TERM",
    ),
    Service(
        "apt-proxy",
        f"/usr/sbin/apt-cacher-ng -c {CONFIGURATION}/apt-cacher-ng",
        EXTERNAL_ADDRESS,
        PORTS.apt,
        signal="TERM",
    ),
    Service(
        "web",
        f"{PYTHON} -m http.server --bind {EXTERNAL_ADDRESS} --directory {places.MIRROR}/www {PORTS.web}",
        EXTERNAL_ADDRESS,
        PORTS.web,
    ),
)
# It is compiled with the mirror's content, so it starts after that and not with the mirror's other services.
STORE = (
    Service(
        "object-store",
        f"{folder_of(MIRROR_PLACES, object_store())}/object-store {CONFIGURATION}/object-store.json",
        EXTERNAL_ADDRESS,
        PORTS.object_store,
        signal="TERM",
    ),
)
BASE = (
    Service("epmd", f"/usr/bin/epmd -address 127.0.0.1 -port {PORTS.epmd}", "127.0.0.1", PORTS.epmd),
    Service("rabbitmq", "/usr/lib/rabbitmq/bin/rabbitmq-server", port=PORTS.rabbitmq, environment=RABBITMQ),
    Service(
        "mariadb",
        f"/usr/sbin/mariadbd --defaults-file={CONFIGURATION}/mariadb.cnf",
        port=PORTS.mariadb,
        signal="TERM",
    ),
    Service(
        "memcached",
        f"/usr/bin/memcached -u nobody -l {UNDERLAY_ADDRESS} -p {PORTS.memcached} -U 0 -m 32",
        port=PORTS.memcached,
    ),
    Service("lxcfs", f"{DRIVER}/start-lxcfs {places.LXCFS}", signal="TERM"),
)
IDENTITY = (
    uwsgi(
        "keystone",
        PORTS.keystone,
        "/usr/bin/keystone-wsgi-public",
        {"OS_KEYSTONE_CONFIG_FILES": f"{CONFIGURATION}/keystone.conf"},
    ),
    uwsgi("placement", PORTS.placement, "/usr/bin/placement-api", {"OS_PLACEMENT_CONFIG_DIR": str(CONFIGURATION)}),
    Service(
        "glance-api",
        f"/usr/bin/glance-api --config-file {CONFIGURATION}/glance-api.conf",
        port=PORTS.glance,
        url=places.api(PORTS.glance),
    ),
)
CONTROL = (
    Service(
        "neutron-server",
        f"/usr/bin/neutron-server {NEUTRON} --config-file {CONFIGURATION}/ml2.ini",
        port=PORTS.neutron,
        url=places.api(PORTS.neutron),
    ),
    Service("nova-conductor", f"/usr/bin/nova-conductor {NOVA}"),
    Service("nova-scheduler", f"/usr/bin/nova-scheduler {NOVA}"),
    Service("nova-api", f"/usr/bin/nova-api {NOVA}", port=PORTS.nova, url=places.api(PORTS.nova)),
)
COMPUTES = tuple(compute(host) for host in COMPUTE_HOSTS)
AGENTS = (
    linuxbridge(NETWORK_HOST),
    agent("l3", "neutron-l3-agent", "l3.ini"),
    agent("dhcp", "neutron-dhcp-agent", "dhcp.ini"),
    agent("metadata", "neutron-metadata-agent", "metadata.ini", in_network_host=False),
    *(linuxbridge(host) for host in COMPUTE_HOSTS),
)
ALL = (*MIRROR, *STORE, *BASE, *IDENTITY, *CONTROL, *AGENTS, *COMPUTES)
