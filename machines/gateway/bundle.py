"""The bundle of a gateway."""

from collections.abc import Mapping
from typing import Final

from machines.common.bundle import WORD_SECONDS, Bundle, File, script_file, scripts
from machines.common.machine import machine_files
from machines.common.packages import role_packages
from machines.common.templates import read_plain, render_template
from settings import ports
from settings.plan import PlannedMachine
from settings.platform import Platform

#: Where the local haproxy says on the private network that it works.
HEALTH_PORT: Final = 9000
#: Seconds after which a silent connection to another machine is closed. A step says something three times meanwhile, an
#: sshd with our settings a dozen times.
WAY_SECONDS: Final = 3 * WORD_SECONDS
#: VRRP priority of the first gateway, each further one has 10 less: it decides a tie at the start (nopreempt). High,
#: because a backup waits (256 - priority) / 256 of an interval longer (RFC 9568, section 6.1: skew time).
FIRST_PRIORITY: Final = 254

_SCRIPTS: Final = ("gateway/rolling-restart.sh",)
_KERNEL_VALUES: Final = ("net.ipv4.ip_forward=1",)


def gateway_bundle(platform: Platform, planned: PlannedMachine, secrets: Mapping[str, str]) -> Bundle:
    """keepalived with the VIPs in one group, haproxy, firewall and NAT, the route by the edge."""
    del secrets
    settings, plan = platform.settings, platform.plan
    others = [gateway for gateway in plan.gateways if gateway != planned]
    wanted = role_packages(settings, gateway=True)
    script_settings = {
        "EDGE_CIDR": str(settings.network.edge),
        "PRIVATE_CIDR": str(settings.network.private),
        "PUBLIC_VIP": plan.public_vip,
        "PRIVATE_VIP": plan.private_vip,
        "PEERS": [f"{peer.hostname} {peer.address}" for peer in others],
        "HEALTH_PORT": str(HEALTH_PORT),
        # A load balancer of the cloud serves the API itself.
        "API_PORT": "" if plan.load_balancer else str(ports.API),
    }
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
    return Bundle(
        "gateway",
        (
            *scripts("gateway/converge.sh", *_SCRIPTS),
            *machine_files(platform, planned, wanted, script_settings, _KERNEL_VALUES),
            File("files/sshd-ways.conf", f"ChannelTimeout direct-tcpip={WAY_SECONDS}\n"),
            # As user_data has written it.
            File("edge-route.sh", read_plain("gateway/edge-route.sh"), 0o755),
            script_file("gateway/haproxy-runs.sh", 0o755),
            File("files/openstack-paas-edge-route.service", edge_route_unit(platform)),
            File("files/openstack-paas-edge-route.timer", read_plain("gateway/edge-route.timer")),
            # converge fills in the names of the two interfaces, here and in keepalived's configuration.
            File("files/firewall.nft", render_template("gateway/firewall.nft.j2", **values)),
            File("files/haproxy.cfg", render_template("gateway/haproxy.cfg.j2", **values)),
            File("files/keepalived.conf", render_template("gateway/keepalived.conf.j2", **values)),
        ),
    )


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
