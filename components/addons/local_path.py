"""local-path-provisioner: volumes in folders of the nodes, the cluster's default StorageClass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_kubernetes.helm.v3 import Release

from components.addons.objects import Namespace
from components.addons.release import AddonArgs, Chart, addon_options, release
from settings.platform import Platform
from settings.versions import BUSYBOX, LOCAL_PATH_PROVISIONER

CHART = Chart("local-path-provisioner", LOCAL_PATH_PROVISIONER, "oci://ghcr.io/rancher/local-path-provisioner/charts")
NAMESPACE = "local-path-storage"


def values(platform: Platform) -> dict[str, Any]:
    """Values of the chart: any node keeps volumes in the workers' folder, but for those that are control planes.

    All of these that there may be are listed, so that the release never changes with the number of nodes.
    """
    storage = platform.settings.storage
    return {
        "storageClass": {"create": True, "defaultClass": True, "name": storage.class_name},
        "nodePathMap": [
            {"node": "DEFAULT_PATH_FOR_NON_LISTED_NODES", "paths": [storage.worker_path]},
            *(
                {"node": hostname, "paths": [storage.default_path]}
                for hostname in platform.addresses.control_plane_hostnames
            ),
        ],
        # The chart's default helper image is busybox:latest: never the same twice.
        "helperImage": {"tag": BUSYBOX},
    }


@dataclass(frozen=True)
class LocalPathArgs:
    """The platform and what all addons need."""

    platform: Platform
    addon: AddonArgs


class LocalPath(pulumi.ComponentResource):
    """The provisioner as a Helm release; its helper pods mount host folders, so the namespace admits them."""

    release: Release

    def __init__(self, name: str, args: LocalPathArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("openstack-paas:addons:LocalPath", name, None, opts)
        namespace = Namespace(
            NAMESPACE,
            {"pod-security.kubernetes.io/enforce": "privileged"},
            addon_options(self, args.addon),
        )
        self.release = release(
            "local-path",
            CHART,
            args.addon,
            args.platform.settings.addons.local_path,
            NAMESPACE,
            values(args.platform),
            addon_options(self, args.addon, namespace),
        )
        self.register_outputs({})
