"""The steps of a gateway: the route by the edge, firewall and NAT, haproxy, keepalived with the virtual addresses."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agent.gateway import keepalived
from agent.gateway.interfaces import Interfaces, find_interfaces
from agent.gateway.keepalived import HAPROXY, HAPROXY_FILE, HAPROXY_READS, HAPROXY_RUNS, KEEPALIVED, KEEPALIVED_FILE
from agent.gateway.rolling_restart import DEFERRED, Balancing, RollingRestart, serves, waits_for_turn
from agent.machine import Machine
from agent.system import files, services
from agent.system.ground import Ground

#: Services of other roles, which an image for all of them may have.
UNUSED: Final = ("kubelet.service", "containerd.service", "etcd.service")
EDGE_ROUTE: Final = "/usr/local/sbin/openstack-paas-edge-route"
EDGE_ROUTE_UNIT: Final = "openstack-paas-edge-route"
WAYS_FILE: Final = "/etc/ssh/sshd_config.d/51-openstack-paas-ways.conf"


@dataclass(frozen=True)
class EdgeRoute:
    """The script that sends everything by the edge network, its unit, and the timer that repeats it.

    They are the bytes that user_data has written for the time before the first run, so this changes nothing then.
    """

    script: str
    service: str
    timer: str


@dataclass(frozen=True)
class DesiredGateway:
    """The desired state of a gateway, besides what every machine has."""

    edge_cidr: str
    private_cidr: str
    balancing: Balancing
    haproxy: str
    haproxy_runs: str  # A script of shell built-ins, which keepalived calls each second.
    keepalived: str  # With marks where the names of the interfaces belong; so is the machine's firewall.
    ways: str  # sshd's settings for connections to other machines.
    edge_route: EdgeRoute


def converge(machine: Machine, desired: DesiredGateway, ground: Ground) -> None:
    """Brings this gateway to its desired state. Raises Failed."""
    serving = machine.step("version", lambda: serves(machine))
    ground.prepare(DEFERRED if serving else ())
    # One that serves goes through the epoch in its turn.
    machine.step("epoch", lambda: None if serving else ground.maintenance.renew_new_machine())
    machine.step("unused services", lambda: services.disable(machine, *UNUSED))
    names = machine.step("interfaces", lambda: find_interfaces(machine, desired.edge_cidr, desired.private_cidr))
    machine.step("route", lambda: _route_by_edge(machine, desired.edge_route))
    machine.step("firewall", lambda: ground.apply_firewall(names.fill_in(ground.wanted.firewall.table)))
    machine.step("ways", lambda: _close_silent_ways(machine, desired.ways))
    machine.step("haproxy", lambda: _balance(machine, desired, serving))
    machine.step("keepalived", lambda: _share_addresses(machine, desired, names, serving))
    turn = RollingRestart(machine, desired.balancing, ground)
    machine.step("turn", lambda: turn.run() if serving else None)
    machine.step_name = "gateway"
    machine.log("ready")


def _route_by_edge(machine: Machine, route: EdgeRoute) -> None:
    unit = f"/etc/systemd/system/{EDGE_ROUTE_UNIT}"
    files.install(machine, route.script, EDGE_ROUTE, 0o755)
    files.install(machine, route.service, f"{unit}.service")
    files.install(machine, route.timer, f"{unit}.timer")
    services.apply(machine, f"{EDGE_ROUTE_UNIT}.service", "restart", (f"{unit}.service", EDGE_ROUTE))
    # A lease that is lost and had again takes the route with it.
    services.apply(machine, f"{EDGE_ROUTE_UNIT}.timer", "restart", (f"{unit}.timer",))


def _close_silent_ways(machine: Machine, ways: str) -> None:
    """A way to a machine that is gone is silent, and neither sshd nor Pulumi's client would find out.

    sshd has ChannelTimeout since OpenSSH 9.2; before that, a step whose machine is gone waits until its `up` ends.
    """
    with machine.work_folder() as folder:
        files.write(folder / "ways.conf", ways)
        known = machine.run("sshd", "-t", "-f", folder / "ways.conf")
    files.install_or_remove(machine, ways if known else "", WAYS_FILE)
    paths = sorted(machine.path(WAYS_FILE).parent.glob("*openstack-paas*.conf"))
    services.apply(machine, "ssh.service", "reload", [f"/{path.relative_to(machine.root)}" for path in paths])


def _load(machine: Machine, unit: str, reads: Sequence[str], serving: bool) -> None:
    if not (serving and waits_for_turn(machine, unit)):
        services.apply(machine, unit, "reload", reads)


def _balance(machine: Machine, desired: DesiredGateway, serving: bool) -> None:
    check = ("haproxy", "-c", "-q", "-f")
    files.install(machine, desired.haproxy, HAPROXY_FILE, check=lambda file: machine.run(*check, file))
    files.install(machine, desired.haproxy_runs, HAPROXY_RUNS, 0o755)
    _load(machine, HAPROXY, HAPROXY_READS, serving)
    keepalived.wait_for_haproxy(machine)


def _share_addresses(machine: Machine, desired: DesiredGateway, names: Interfaces, serving: bool) -> None:
    check = ("keepalived", "--config-test", "--use-file")
    settings = names.fill_in(desired.keepalived)
    files.install(machine, settings, KEEPALIVED_FILE, check=lambda file: machine.run(*check, file))
    _load(machine, KEEPALIVED, keepalived.KEEPALIVED_READS, serving)
    keepalived.wait_until_settled(machine, desired.balancing.virtual)
