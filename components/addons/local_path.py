"""local-path-provisioner: volumes in folders of the nodes, the cluster's default StorageClass."""

from typing import Any

from pulumi import ResourceOptions

from components.addons.release import Addon, AddonArgs, Chart
from settings.platform import Platform
from settings.versions import BUSYBOX, LOCAL_PATH_PROVISIONER

CHART = Chart("local-path-provisioner", LOCAL_PATH_PROVISIONER, "oci://ghcr.io/rancher/local-path-provisioner/charts")
#: It admits privileged pods: the helper pods mount host folders.
NAMESPACE = "local-path-storage"


def values(platform: Platform) -> dict[str, Any]:
    """Values of the chart: any node keeps volumes in the workers' folder, except control planes.

    All possible control planes are listed, so that the release never changes with the number of nodes.
    """
    storage = platform.settings.storage
    return {
        "storageClass": {"create": True, "defaultClass": True, "name": storage.class_name},
        "nodePathMap": [
            {"node": "DEFAULT_PATH_FOR_NON_LISTED_NODES", "paths": [storage.worker_path]},
            *(
                {"node": hostname, "paths": [storage.default_path]}
                for hostname in platform.plan.control_plane_hostnames
            ),
        ],
        # The chart's default helper image is busybox:latest: never the same twice.
        "helperImage": {"tag": BUSYBOX},
    }


class LocalPath(Addon):
    """The provisioner as a Helm release."""

    def __init__(self, name: str, args: AddonArgs, opts: ResourceOptions | None = None) -> None:
        token, own = "openstack-paas:addons:LocalPath", args.platform.settings.addons.local_path
        chart_values = values(args.platform)
        super().__init__(token, name, args, opts, chart=CHART, own=own, namespace=NAMESPACE, values=chart_values)
