"""The bundle of a gateway."""

from __future__ import annotations

from typing import Final

from machines.common.base import machine_files, machine_settings, role_packages, script_file, scripts, settings_file
from machines.common.bundle import WORD_SECONDS, Bundle, File
from machines.specs import GatewaySpec
from machines.common.templates import read_script, read_unit, render_template

#: Where the local haproxy says on the private network that it works.
HEALTH_PORT: Final = 9000
#: Seconds after which a silent way to another machine is closed. A step says something three times meanwhile, an sshd
#: with our settings a dozen times.
WAY_SECONDS: Final = 3 * WORD_SECONDS

#: What acts on the cluster from a gateway: components/leave.py, components/kube_proxy.py.
ON_CLUSTER: Final = ("kubernetes/drain.sh", "gateway/administrator.sh", "gateway/leave.sh", "kubernetes/kube-proxy.sh", "gateway/point-kube-proxy.sh")
_SCRIPTS: Final = ("common/machine.sh", "common/packages.sh", "common/maintenance.sh", "gateway/rolling-restart.sh", *ON_CLUSTER)
_KERNEL_VALUES: Final = ("net.ipv4.ip_forward=1",)


def gateway(spec: GatewaySpec) -> Bundle:
    """keepalived with the VIPs in one group, haproxy, firewall and NAT, the route by the edge."""
    wanted = role_packages(spec.base.packages, gateway=True)
    settings = machine_settings(spec.base, wanted, _KERNEL_VALUES) | {
        "EDGE_CIDR": spec.edge_cidr,
        "PRIVATE_CIDR": spec.private_cidr,
        "PUBLIC_VIP": spec.public_vip,
        "PRIVATE_VIP": spec.private_vip,
        "PEERS": [f"{peer.name} {peer.address}" for peer in spec.peers],
        "HEALTH_PORT": str(HEALTH_PORT),
        "API_PORT": str(spec.api_port) if spec.api_backends else "",
    }
    return Bundle(
        "gateway",
        (
            *scripts("gateway/converge.sh", *_SCRIPTS),
            *machine_files(spec.base, _KERNEL_VALUES, gateway=True),
            settings_file(settings),
            File("files/sshd-ways.conf", f"ChannelTimeout direct-tcpip={WAY_SECONDS}\n"),
            # For administrator.sh.
            File("ca.crt", spec.ca_certificate),
            # As user_data has written it.
            File("edge-route.sh", read_script("gateway/edge-route.sh", comments=True), 0o755),
            script_file("gateway/haproxy-runs.sh", 0o755),
            File("files/openstack-paas-edge-route.service", edge_route_unit(spec.edge_cidr, spec.edge_gateway)),
            File("files/openstack-paas-edge-route.timer", read_unit("gateway/edge-route.timer")),
            File("files/firewall.nft", _firewall(spec)),
            File("files/haproxy.cfg", _haproxy(spec)),
            File("files/keepalived.conf", _keepalived(spec)),
        ),
    )


def edge_route_unit(edge_cidr: str, edge_gateway: str) -> str:
    """The unit that sends everything by the edge network; user_data brings the same for the time before converge."""
    return render_template("gateway/edge-route.service.j2", edge_cidr=edge_cidr, edge_gateway=edge_gateway)


def _firewall(spec: GatewaySpec) -> str:
    """The table of a gateway; converge fills in the names of its two interfaces."""
    return render_template(
        "gateway/firewall.nft.j2",
        metadata_open=spec.base.metadata_open,
        private_cidr=spec.private_cidr,
        edge_cidr=spec.edge_cidr,
        private_peers=[peer.address for peer in spec.peers],
        edge_peers=[peer.address for peer in spec.edge_peers],
        ssh_cidrs=spec.ssh_cidrs,
        api_cidrs=spec.api_cidrs,
        api_port=spec.api_port,
        serves_api=bool(spec.api_backends),
        load_balancer=spec.load_balancer,
        edge_is_open=spec.edge_is_open,
        health_port=HEALTH_PORT,
        ingress=bool(spec.ingress_backends),
    )


def _haproxy(spec: GatewaySpec) -> str:
    """The load balancer before the API servers and the ingress."""
    return render_template(
        "gateway/haproxy.cfg.j2",
        api_port=spec.api_port,
        health_port=HEALTH_PORT,
        api_backends=spec.api_backends,
        ingress_backends=spec.ingress_backends,
        ingress_http_node_port=spec.ingress_http_node_port,
        ingress_https_node_port=spec.ingress_https_node_port,
    )


def _keepalived(spec: GatewaySpec) -> str:
    """The virtual addresses; converge fills in the names of the interfaces."""
    instances = [
        {
            "name": "public",
            "interface": "@EDGE_INTERFACE@",
            "address": spec.edge_address,
            "peers": spec.edge_peers,
            "virtual_address": spec.public_vip,
        },
        {
            "name": "private",
            "interface": "@PRIVATE_INTERFACE@",
            "address": spec.base.address,
            "peers": spec.peers,
            "virtual_address": spec.private_vip,
        },
    ]
    return render_template(
        "gateway/keepalived.conf.j2",
        name=spec.base.name,
        router_id=spec.router_id,
        priority=spec.priority,
        advert_interval_seconds=spec.advert_interval_seconds,
        instances=[instance for instance in instances if instance["virtual_address"]],
    )
