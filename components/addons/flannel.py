"""flannel: a vxlan overlay, small and without network policies."""

from typing import Any

from pulumi import ResourceOptions

from components.addons.release import Addon, AddonArgs, Chart
from settings import ports
from settings.platform import Platform
from settings.versions import FLANNEL

CHART = Chart("flannel", FLANNEL.removeprefix("v"), "https://flannel-io.github.io/flannel/")
NAMESPACE = "kube-flannel"


def values(platform: Platform) -> dict[str, Any]:
    """Values of the chart. The API is reached by the VIP, so that flannel does not wait for kube-proxy."""
    return {
        "podCidr": str(platform.settings.network.pods),
        "flannel": {"backend": "vxlan"},
        # Upstream's chart has no such value and ignores it: its flannel waits for kube-proxy instead.
        "kubeApi": {"host": platform.plan.api_address, "port": str(ports.API)},
    }


class Flannel(Addon):
    """The CNI as a Helm release."""

    def __init__(self, name: str, args: AddonArgs, opts: ResourceOptions | None = None) -> None:
        token, own = "openstack-paas:addons:Flannel", args.platform.settings.addons.flannel
        chart_values = values(args.platform)
        super().__init__(token, name, args, opts, chart=CHART, own=own, namespace=NAMESPACE, values=chart_values)
