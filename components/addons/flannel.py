"""flannel: a vxlan overlay, small and without network policies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_kubernetes.helm.v3 import Release

from components.addons.objects import Namespace
from components.addons.release import AddonArgs, Chart, addon_options, release
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
        "kubeApi": {"host": platform.addresses.api_address, "port": str(ports.API)},
    }


@dataclass(frozen=True)
class FlannelArgs:
    """The platform and what all addons need."""

    platform: Platform
    addon: AddonArgs


class Flannel(pulumi.ComponentResource):
    """The CNI as a Helm release, in a namespace that admits privileged pods."""

    release: Release

    def __init__(self, name: str, args: FlannelArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("openstack-paas:addons:Flannel", name, None, opts)
        namespace = Namespace(
            NAMESPACE,
            {"pod-security.kubernetes.io/enforce": "privileged"},
            addon_options(self, args.addon),
        )
        self.release = release(
            "flannel",
            CHART,
            args.addon,
            args.platform.settings.addons.flannel,
            NAMESPACE,
            values(args.platform),
            addon_options(self, args.addon, namespace),
        )
        self.register_outputs({})
