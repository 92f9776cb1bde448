"""The steps of a gateway: the route by the edge, firewall and NAT, haproxy, keepalived with the virtual addresses."""

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
    """The desired state of a gateway, besides what every machine has.

    `keepalived` has marks where the names of the interfaces belong, and so has the machine's firewall. `haproxy_runs`
    is a script of shell built-ins, which keepalived calls each second. `ways` are sshd's settings for connections to
    other machines.
    """

    edge_cidr: str
    private_cidr: str
    balancing: Balancing
    haproxy: str
    haproxy_runs: str
    keepalived: str
    ways: str
    edge_route: EdgeRoute


class Gateway:
    """The steps of a gateway, in their order."""

    def __init__(self, machine: Machine, desired: DesiredGateway, ground: Ground) -> None:
        self.machine = machine
        self.desired = desired
        self.ground = ground
        self.serves = False

    def converge(self) -> None:
        """Runs all of them. Raises Failed."""
        machine, desired, ground = self.machine, self.desired, self.ground
        self.serves = machine.step("version", lambda: serves(machine))
        ground.prepare(DEFERRED if self.serves else ())
        # One that serves goes through the epoch in its turn.
        machine.step("epoch", lambda: None if self.serves else ground.maintenance.renew_new_machine())
        machine.step("unused services", lambda: services.disable(machine, *UNUSED))
        interfaces = machine.step(
            "interfaces", lambda: find_interfaces(machine, desired.edge_cidr, desired.private_cidr)
        )
        machine.step("route", self._route_by_edge)
        machine.step("firewall", lambda: ground.apply_firewall(interfaces.fill_in(ground.wanted.firewall.table)))
        machine.step("ways", self._close_silent_ways)
        machine.step("haproxy", self._balance)
        machine.step("keepalived", lambda: self._share_addresses(interfaces))
        machine.step("turn", self._change_in_turn)
        machine.step_name = "gateway"
        machine.log("ready")

    def _route_by_edge(self) -> None:
        machine, route = self.machine, self.desired.edge_route
        unit = f"/etc/systemd/system/{EDGE_ROUTE_UNIT}"
        files.install(machine, route.script, EDGE_ROUTE, 0o755)
        files.install(machine, route.service, f"{unit}.service")
        files.install(machine, route.timer, f"{unit}.timer")
        services.apply(machine, f"{EDGE_ROUTE_UNIT}.service", "restart", (f"{unit}.service", EDGE_ROUTE))
        # A lease that is lost and had again takes the route with it.
        services.apply(machine, f"{EDGE_ROUTE_UNIT}.timer", "restart", (f"{unit}.timer",))

    def _close_silent_ways(self) -> None:
        """A way to a machine that is gone is silent, and neither sshd nor Pulumi's client would find out.

        sshd has ChannelTimeout since OpenSSH 9.2; before that, a step whose machine is gone waits until its `up` ends.
        """
        machine, ways = self.machine, self.desired.ways
        with machine.work_folder() as folder:
            files.write(folder / "ways.conf", ways)
            known = machine.run("sshd", "-t", "-f", folder / "ways.conf")
        files.install_or_remove(machine, ways if known else "", WAYS_FILE)
        folder_of_settings = machine.path(WAYS_FILE).parent
        paths = sorted(folder_of_settings.glob("*openstack-paas*.conf"))
        services.apply(machine, "ssh.service", "reload", [f"/{path.relative_to(machine.root)}" for path in paths])

    def _balance(self) -> None:
        machine = self.machine
        files.install(
            machine,
            self.desired.haproxy,
            HAPROXY_FILE,
            check=lambda file: machine.run("haproxy", "-c", "-q", "-f", file),
        )
        files.install(machine, self.desired.haproxy_runs, HAPROXY_RUNS, 0o755)
        if not (self.serves and waits_for_turn(machine, HAPROXY)):
            services.apply(machine, HAPROXY, "reload", HAPROXY_READS)
        machine.retry_until(20, "haproxy to run", lambda: keepalived.check_haproxy_runs(machine))

    def _share_addresses(self, interfaces: Interfaces) -> None:
        machine, balancing = self.machine, self.desired.balancing
        files.install(
            machine,
            interfaces.fill_in(self.desired.keepalived),
            KEEPALIVED_FILE,
            check=lambda file: machine.run("keepalived", "--config-test", "--use-file", file),
        )
        if not (self.serves and waits_for_turn(machine, KEEPALIVED)):
            services.apply(machine, KEEPALIVED, "reload", keepalived.KEEPALIVED_READS)
        keepalived.wait_until_settled(machine, balancing.private_vip, balancing.virtual)

    def _change_in_turn(self) -> None:
        if self.serves:
            RollingRestart(self.machine, self.desired.balancing, self.ground).run()
