"""The commands of the agent on a gateway: its desired state, and the gate that addons wait for."""

from collections.abc import Mapping
from typing import Final

from agent.gateway.converge import DesiredGateway, EdgeRoute
from agent.gateway.rolling_restart import Balancing, Peer
from agent.kubernetes.api_gate import ApiGate
from agent.output import WORD_SECONDS
from agent.roles import gateway
from machines.common.agent_command import AgentCommand
from machines.common.machine import machine_state
from machines.common.packages import role_packages
from machines.common.templates import read_plain, render_template
from machines.kubernetes.api import gateway_endpoint
from settings import ports
from settings.plan import PlannedMachine
from settings.platform import Platform

#: Where the local haproxy says on the private network that it works.
HEALTH_PORT: Final = 9000
#: Seconds after which a silent connection to another machine is closed. A step says something three times meanwhile, an
#: sshd with our settings a dozen times.
WAY_SECONDS: Final = 3 * int(WORD_SECONDS)
#: VRRP priority of the first gateway, each further one has 10 less: it decides a tie at the start (nopreempt). High,
#: because a backup waits (256 - priority) / 256 of an interval longer (RFC 9568, section 6.1: skew time).
FIRST_PRIORITY: Final = 254
#: Seconds: from etcd's health to the first answer an API server takes some 15 s, its packages a few minutes on a
#: plain image.
GATE_SECONDS: Final = 900


def gateway_command(platform: Platform, planned: PlannedMachine, secrets: Mapping[str, str]) -> AgentCommand:
    """keepalived with the VIPs in one group, haproxy, firewall and NAT, the route by the edge."""
    settings, plan = platform.settings, platform.plan
    others = [other for other in plan.gateways if other != planned]
    values = {
        "settings": settings,
        "plan": plan,
        "planned": planned,
        "others": others,
        "api_port": ports.API,
        "health_port": HEALTH_PORT,
        "ingress": _ingress(platform),
        "priority": FIRST_PRIORITY - 10 * plan.gateways.index(planned),
    }
    machine = machine_state(
        platform,
        planned,
        role_packages(settings, gateway=True),
        secrets["login_keys"],
        firewall=render_template("gateway/firewall.nft.j2", **values),
        kernel_values=("net.ipv4.ip_forward=1",),
    )
    desired = DesiredGateway(
        edge_cidr=str(settings.network.edge),
        private_cidr=str(settings.network.private),
        balancing=Balancing(
            private_vip=plan.private_vip,
            public_vip=plan.public_vip,
            peers=tuple(Peer(other.hostname, other.address) for other in others),
            health_port=HEALTH_PORT,
            # A load balancer of the cloud serves the API itself.
            api_port=0 if plan.load_balancer else ports.API,
        ),
        haproxy=render_template("gateway/haproxy.cfg.j2", **values),
        # keepalived asks it each second. Shell built-ins only: no process is started for it.
        haproxy_runs=read_plain("gateway/haproxy-runs.sh"),
        # The agent fills in the names of the two interfaces, here and in the firewall.
        keepalived=render_template("gateway/keepalived.conf.j2", **values),
        ways=f"ChannelTimeout direct-tcpip={WAY_SECONDS}\n",
        edge_route=EdgeRoute(
            # As user_data has written it.
            script=read_plain("gateway/edge-route.sh"),
            service=edge_route_unit(platform),
            timer=read_plain("gateway/edge-route.timer"),
        ),
    )
    return AgentCommand("gateway", gateway.State(machine, desired))


def api_gate_command(platform: Platform, ca_certificate: str) -> AgentCommand:
    """Ends when the API answers at the address that machines use; `ca_certificate` (PEM) has signed its own."""
    gate = ApiGate(gateway_endpoint(platform), GATE_SECONDS, ca_certificate)
    return AgentCommand("gateway", gate, "gate", GATE_SECONDS + 30, installed=True)


def edge_route_unit(platform: Platform) -> str:
    """The unit that sends everything by the edge network; user_data brings the same for the time before converge."""
    return render_template(
        "gateway/edge-route.service.j2",
        edge_cidr=platform.settings.network.edge,
        edge_gateway=platform.plan.edge_gateway,
    )


def _ingress(platform: Platform) -> list[tuple[int, int, list[tuple[str, str]]]]:
    """For each port of the ingress its port on nodes, and where it is looked for, by name and address.

    At the first places of each pool, or at the control planes without workers.
    """
    plan = platform.plan
    places = [(place.name, place.address) for place in plan.ingress_places] or [
        (machine.hostname, machine.address) for machine in plan.control_planes
    ]
    return [(ports.HTTP, ports.INGRESS_HTTP, places), (ports.HTTPS, ports.INGRESS_HTTPS, places)]
