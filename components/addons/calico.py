"""Calico by the tigera-operator chart: vxlan, network policies, the API reached by its own address inside."""

from typing import Any

from pulumi import ResourceOptions

from components.addons.release import Addon, AddonArgs, Chart
from settings import ports
from settings.platform import Platform
from settings.versions import CALICO

CHART = Chart("tigera-operator", CALICO, "https://docs.tigera.io/calico/charts")
NAMESPACE = "tigera-operator"


def values(platform: Platform) -> dict[str, Any]:
    """Values of the chart: one pool for all pods, vxlan always, no BGP."""
    host, port = platform.plan.api_address, str(ports.API)
    installation: dict[str, Any] = {
        "enabled": True,
        "kubernetesProvider": "",
        "calicoNetwork": {
            "bgp": "Disabled",
            "ipPools": [
                {
                    "name": "default-ipv4-ippool",
                    "cidr": str(platform.settings.network.pods),
                    "encapsulation": "VXLAN",
                    "natOutgoing": "Enabled",
                    "nodeSelector": "all()",
                }
            ],
        },
    }
    mirror = platform.settings.mirrors.images.get("quay.io")
    if mirror:
        installation["registry"] = mirror.split("://", 1)[1].rstrip("/") + "/"
    return {"installation": installation, "kubernetesServiceEndpoint": {"host": host, "port": port}}


class Calico(Addon):
    """The CNI as a Helm release of the Tigera operator."""

    def __init__(self, name: str, args: AddonArgs, opts: ResourceOptions | None = None) -> None:
        token, own = "openstack-paas:addons:Calico", args.platform.settings.addons.calico
        chart_values = values(args.platform)
        super().__init__(token, name, args, opts, chart=CHART, own=own, namespace=NAMESPACE, values=chart_values)
