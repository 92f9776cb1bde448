"""Calico by the tigera-operator chart: vxlan, network policies, the API reached by its own address inside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_kubernetes.helm.v3 import Release

from components.addons.objects import Namespace
from components.addons.release import AddonArgs, Chart, addon_options, release
from settings import ports
from settings.platform import Platform
from settings.versions import CALICO

CHART = Chart("tigera-operator", CALICO, "https://docs.tigera.io/calico/charts")
NAMESPACE = "tigera-operator"


def values(platform: Platform) -> dict[str, Any]:
    """Values of the chart: one pool for all pods, vxlan always, no BGP."""
    host, port = platform.addresses.api_address, str(ports.API)
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


@dataclass(frozen=True)
class CalicoArgs:
    """The platform and what all addons need."""

    platform: Platform
    addon: AddonArgs


class Calico(pulumi.ComponentResource):
    """The CNI as a Helm release of the Tigera operator."""

    release: Release

    def __init__(self, name: str, args: CalicoArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("openstack-paas:addons:Calico", name, None, opts)
        namespace = Namespace(
            NAMESPACE,
            {"pod-security.kubernetes.io/enforce": "privileged"},
            addon_options(self, args.addon),
        )
        self.release = release(
            "calico",
            CHART,
            args.addon,
            args.platform.settings.addons.calico,
            NAMESPACE,
            values(args.platform),
            addon_options(self, args.addon, namespace),
        )
        self.register_outputs({})
