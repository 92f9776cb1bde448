"""Every daemon of the lab: how it starts and how to tell that it works."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dev.lab import places
from dev.lab.mirror.compile import folder_of
from dev.lab.mirror.product import MIRROR_PLACES
from dev.lab.mirror.programs import OBJECT_STORE as STORE_PROGRAM
from dev.lab.places import COMPUTE_HOSTS, CONFIGURATION, DRIVER, EXTERNAL_ADDRESS, NETWORK_HOST, PORTS, STATE
from dev.lab.places import UNDERLAY_ADDRESS as UNDERLAY

PYTHON = "/usr/bin/python3"


def files(*names: str) -> str:
    """The options that name these configuration files."""
    return " ".join(f"--config-file {CONFIGURATION}/{name}" for name in names)


NOVA = files("nova.conf")


@dataclass(frozen=True)
class Service:
    """One daemon. It works when its `port` is open and, with `path`, answers there; without a port, when it runs.

    `signal` stops it at `down`: KILL for those that keep nothing on disk, which makes `down` quick.
    """

    name: str
    command: str
    port: int = 0
    path: str | None = None
    address: str = UNDERLAY
    signal: str = "KILL"
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def program(self) -> str:
        """The service's name in supervisor."""
        return f"lab-{self.name}"

    @property
    def url(self) -> str:
        """The address of its API, or "" if it has none."""
        return "" if self.path is None else f"http://{self.address}:{self.port}{self.path}"


def uwsgi(name: str, port: int, script: str, environment: Mapping[str, str]) -> Service:
    """A WSGI application as its own web server."""
    command = (
        f"/usr/bin/uwsgi_python3 --master --die-on-term --lazy-apps --need-app --http-socket {UNDERLAY}:{port} "
        f"--wsgi-file {script} --processes 1 --threads 8 --enable-threads --buffer-size 65535 "
        "--disable-logging --add-header 'Connection: close'"
    )
    return Service(name, command, port, "", environment=environment)


def in_host(host: places.Host, name: str, command: str) -> Service:
    """A service that runs as if on one of the lab's hosts."""
    return Service(name, f"{DRIVER}/in-host {host.name} {command}")


def linuxbridge(host: places.Host) -> Service:
    """The agent that wires a host's ports."""
    configuration = files("neutron.conf", "ml2.ini", f"neutron-{host.name}.conf", f"linuxbridge-{host.name}.ini")
    name = f"linuxbridge-{host.name.removeprefix('lab-')}"
    return in_host(host, name, f"{PYTHON} {DRIVER}/neutron-linuxbridge-agent {configuration}")


def compute(host: places.Host) -> Service:
    """A host's nova-compute."""
    configuration = files("nova.conf", f"nova-{host.name}.conf")
    name = f"compute-{host.name.removeprefix('lab-')}"
    return in_host(host, name, f"{PYTHON} {DRIVER}/lab-nova-compute {configuration}")


def agent(kind: str) -> str:
    """The command of one of the network node's other agents."""
    return f"/usr/bin/neutron-{kind}-agent {files('neutron.conf', f'neutron-{NETWORK_HOST.name}.conf', f'{kind}.ini')}"


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

REGISTRY = f"/usr/bin/docker-registry serve {CONFIGURATION}/registry.yml"
APT_PROXY = f"/usr/sbin/apt-cacher-ng -c {CONFIGURATION}/apt-cacher-ng"
WEB = f"{PYTHON} -m http.server --bind {EXTERNAL_ADDRESS} --directory {places.MIRROR}/www {PORTS.web}"
OBJECT_STORE = f"{folder_of(MIRROR_PLACES, STORE_PROGRAM)}/object-store {CONFIGURATION}/object-store.json"
MIRROR = (
    Service("registry", REGISTRY, PORTS.registry, "/v2/", EXTERNAL_ADDRESS, "TERM"),
    Service("apt-proxy", APT_PROXY, PORTS.apt, None, EXTERNAL_ADDRESS, "TERM"),
    Service("web", WEB, PORTS.web, None, EXTERNAL_ADDRESS),
)
# It is compiled with the mirror's content, so it starts after that and not with the mirror's other services.
STORE = (Service("object-store", OBJECT_STORE, PORTS.object_store, None, EXTERNAL_ADDRESS, "TERM"),)
MARIADB = f"/usr/sbin/mariadbd --defaults-file={CONFIGURATION}/mariadb.cnf"
MEMCACHED = f"/usr/bin/memcached -u nobody -l {UNDERLAY} -p {PORTS.memcached} -U 0 -m 32"
BASE = (
    Service("epmd", f"/usr/bin/epmd -address 127.0.0.1 -port {PORTS.epmd}", PORTS.epmd, address="127.0.0.1"),
    Service("rabbitmq", "/usr/lib/rabbitmq/bin/rabbitmq-server", PORTS.rabbitmq, environment=RABBITMQ),
    Service("mariadb", MARIADB, PORTS.mariadb, signal="TERM"),
    Service("memcached", MEMCACHED, PORTS.memcached),
    Service("lxcfs", f"{DRIVER}/start-lxcfs {places.LXCFS}", signal="TERM"),
)
KEYSTONE_FILES = {"OS_KEYSTONE_CONFIG_FILES": f"{CONFIGURATION}/keystone.conf"}
IDENTITY = (
    uwsgi("keystone", PORTS.keystone, "/usr/bin/keystone-wsgi-public", KEYSTONE_FILES),
    uwsgi("placement", PORTS.placement, "/usr/bin/placement-api", {"OS_PLACEMENT_CONFIG_DIR": str(CONFIGURATION)}),
    Service("glance-api", f"/usr/bin/glance-api {files('glance-api.conf')}", PORTS.glance, ""),
)
CONTROL = (
    Service("neutron-server", f"/usr/bin/neutron-server {files('neutron.conf', 'ml2.ini')}", PORTS.neutron, ""),
    Service("nova-conductor", f"/usr/bin/nova-conductor {NOVA}"),
    Service("nova-scheduler", f"/usr/bin/nova-scheduler {NOVA}"),
    Service("nova-api", f"/usr/bin/nova-api {NOVA}", PORTS.nova, ""),
)
COMPUTES = tuple(compute(host) for host in COMPUTE_HOSTS)
AGENTS = (
    linuxbridge(NETWORK_HOST),
    in_host(NETWORK_HOST, "l3", agent("l3")),
    in_host(NETWORK_HOST, "dhcp", agent("dhcp")),
    Service("metadata", agent("metadata")),
    *(linuxbridge(host) for host in COMPUTE_HOSTS),
)
ALL = (*MIRROR, *STORE, *BASE, *IDENTITY, *CONTROL, *AGENTS, *COMPUTES)
