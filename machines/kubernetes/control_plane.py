"""The bundle of a control plane."""

from collections.abc import Mapping
from typing import Final

from machines.common.bundle import Bundle, File, key_pair, script_file, scripts, secret_key
from machines.common.packages import role_packages
from machines.common.templates import read_plain, read_script
from machines.etcd.bundle import endpoints
from machines.kubernetes.api import api_endpoint, api_server_names, signing
from machines.kubernetes.kubeadm import init_configuration
from machines.kubernetes.node import NODE_SCRIPTS, node_files
from settings import ports
from settings.plan import PlannedMachine
from settings.platform import Platform

_SCRIPTS: Final = (
    "kubernetes/control-plane-state.sh",
    "common/issuer.sh",
    "kubernetes/api-server-restart.sh",
    "kubernetes/upgrade-control-plane.sh",
    "kubernetes/static-pods.sh",
    "kubernetes/control-plane-certificates.sh",
    "kubernetes/kube-proxy.sh",
)


def control_plane_bundle(platform: Platform, planned: PlannedMachine, secrets: Mapping[str, str]) -> Bundle:
    """A control plane with external etcd: initialises the cluster or joins it, whichever is needed.

    `secrets` has certificates and keys in PEM by the names of the component's inputs, and `api_addresses`, those by
    which the API is reached from outside, separated by commas.
    """
    outside, ca = secrets["api_addresses"].split(","), secrets["ca"]
    wanted = role_packages(platform.settings, node=True, etcd=True)
    script_settings = {
        "API_PORT": str(ports.API),
        "ETCD_ENDPOINTS": ",".join(endpoints(platform)),
        "API_NAMES": api_server_names(platform, planned, outside),
        "SIGNING": [f"--{name}={value}" for name, value in signing(platform, ca).items()],
    }
    return Bundle(
        "control-plane",
        (
            *scripts("kubernetes/control-plane.sh", *NODE_SCRIPTS, *_SCRIPTS),
            File("initialise", read_script("kubernetes/initialise.sh"), 0o755),
            File("etcd-endpoints", read_script("kubernetes/etcd-endpoints.sh"), 0o755),
            script_file("kubernetes/api-server.sh", 0o755),
            *node_files(platform, planned, secrets, api_endpoint(platform), wanted, script_settings),
            # A machine that joins may remove the lost node whose name it has, and change labels and taints of its own
            # node. A node itself may not change its taints. Whoever has the certificate to join with could get any
            # node's certificate.
            File("files/rights.yaml", read_plain("kubernetes/rights.yaml")),
            # The cluster's DNS does not leave all at once when nodes are drained: kubeadm makes no such budget.
            File("files/disruption.yaml", read_plain("kubernetes/disruption.yaml")),
            File("files/init.yaml", init_configuration(platform, planned, outside, ca)),
            secret_key("pki/ca", secrets["ca_key"]),
            *key_pair("pki/front-proxy-ca", secrets["front_proxy_ca"], secrets["front_proxy_ca_key"]),
            File("pki/sa.pub", secrets["service_account"]),
            secret_key("pki/sa", secrets["service_account_key"]),
            File("pki/etcd/ca.crt", secrets["etcd_ca"]),
            *key_pair("pki/apiserver-etcd-client", secrets["etcd_client"], secrets["etcd_client_key"]),
        ),
        # Longer than its waits one after another: cloud-init, etcd, the lock, the API, the join, others' API servers.
        limit_seconds=1500,
    )
