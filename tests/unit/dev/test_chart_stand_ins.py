"""The stand-in charts of the lab's mirror: they honour the upstream values that the program sets, and refuse others."""

import json
from typing import Any

import pytest
import yaml

from settings import versions
from tests.unit.charts.helm import PROJECT, RenderError, render

#: Helm's engine renders them, which Go builds.
pytestmark = pytest.mark.system
LOCAL_PATH = "dev/lab/mirror/charts/local-path-provisioner"
FLANNEL = "dev/lab/mirror/charts/flannel"


@pytest.mark.parametrize(
    ("chart", "version"), [(LOCAL_PATH, versions.LOCAL_PATH_PROVISIONER), (FLANNEL, versions.FLANNEL.removeprefix("v"))]
)
def test_says_that_it_is_a_stand_in_for_this_version(chart: str, version: str) -> None:
    metadata = yaml.safe_load((PROJECT / chart / "Chart.yaml").read_text())
    assert metadata["description"].startswith("Stand-in")
    assert (metadata["version"], metadata["appVersion"]) == (version, f"v{version}")


def test_local_path() -> None:
    paths = [
        {"node": "DEFAULT_PATH_FOR_NON_LISTED_NODES", "paths": ["/opt/local-path-provisioner"]},
        {"node": "paas-worker-a", "paths": ["/disks"]},
    ]
    values = {
        "storageClass": {
            "create": True,
            "defaultClass": True,
            "name": "disks",
            "reclaimPolicy": "Retain",
            "volumeBindingMode": "Immediate",
        },
        "nodePathMap": paths,
        "image": {"repository": "mirror/provisioner", "tag": "v1"},
        "helperImage": {"repository": "mirror/busybox", "tag": "1.35"},
    }
    manifests = render(LOCAL_PATH, values, "local-path", "local-path-storage")
    storage_class = manifests["StorageClass", "disks"]
    assert storage_class["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"] == "true"
    assert (storage_class["reclaimPolicy"], storage_class["volumeBindingMode"]) == ("Retain", "Immediate")
    settings = manifests["ConfigMap", "local-path-config"]["data"]
    assert json.loads(settings["config.json"]) == {"nodePathMap": paths}
    assert yaml.safe_load(settings["helperPod.yaml"])["spec"]["containers"][0]["image"] == "mirror/busybox:1.35"
    name = "local-path-local-path-provisioner"
    container = manifests["Deployment", name]["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "mirror/provisioner:v1"
    assert f"--provisioner-name={storage_class['provisioner']}" in container["command"]
    assert {"name": "SERVICE_ACCOUNT_NAME", "value": name} in container["env"]
    assert {"name": "CONFIG_MOUNT_PATH", "value": "/etc/config/"} in container["env"]
    assert "pods/log" in manifests["ClusterRole", name]["rules"][0]["resources"]


def test_local_path_without_a_class_and_named_as_upstream_does() -> None:
    manifests = render(LOCAL_PATH, {"storageClass": {"create": False}}, "local-path-provisioner")
    assert not [name for kind, name in manifests if kind == "StorageClass"]
    assert ("Deployment", "local-path-provisioner") in manifests


def flannel(**values: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Network configuration and container."""
    manifests = render(FLANNEL, values, "flannel", "kube-flannel")
    network = json.loads(manifests["ConfigMap", "kube-flannel-cfg"]["data"]["net-conf.json"])
    return network, manifests["DaemonSet", "kube-flannel-ds"]["spec"]["template"]["spec"]["containers"][0]


def test_flannel() -> None:
    network, container = flannel(
        podCidr="10.1.0.0/16",
        flannel={"backend": "vxlan", "mtu": 1450, "backendPort": 4789, "image": {"repository": "m/f", "tag": "t"}},
        kubeApi={"host": "10.0.0.5", "port": "6443"},
    )
    backend = {"Type": "vxlan", "MTU": 1450, "Port": 4789}
    assert network == {"Network": "10.1.0.0/16", "EnableNFTables": False, "Backend": backend}
    assert container["image"] == "m/f:t"
    assert container["args"] == ["--ip-masq", "--kube-subnet-mgr", "--cni-conf=/etc/cni/net.d/10-flannel.conflist"]
    assert {"name": "KUBERNETES_SERVICE_HOST", "value": "10.0.0.5"} in container["env"]
    assert {"name": "KUBERNETES_SERVICE_PORT", "value": "6443"} in container["env"]


def test_flannel_by_default() -> None:
    network, container = flannel()
    assert network["Backend"] == {"Type": "vxlan"}
    assert container["image"] == f"docker.io/flannel/flanneld:{versions.FLANNEL}"
    assert [variable["name"] for variable in container["env"]] == ["POD_NAME", "POD_NAMESPACE"]


@pytest.mark.parametrize(
    ("chart", "values"),
    [
        (LOCAL_PATH, {"sharedFileSystemPath": "/shared"}),
        (LOCAL_PATH, {"nodePathMap": [{"node": "a", "paths": ["relative"]}]}),
        (FLANNEL, {"netpol": {"enabled": True}}),
        (FLANNEL, {"flannel": {"backend": "wireguard"}}),
    ],
)
def test_refuses_what_it_does_not_honour(chart: str, values: dict[str, Any]) -> None:
    with pytest.raises(RenderError):
        render(chart, values)
