"""Where the Kubernetes API is found, what its certificate holds, and how kubelets' certificates are signed."""

from collections.abc import Sequence
from typing import Final

from settings import ports
from settings.plan import PlannedMachine
from settings.platform import Platform

#: Where each node has an API of its own: the API server of a control plane, the balancer of a worker. Kubelets and
#: kube-proxies use it, for gateways may be away. The certificates of API servers have it among their names.
LOCAL_ADDRESS: Final = "127.0.0.1"
LOCAL_ENDPOINT: Final = f"{LOCAL_ADDRESS}:{ports.API}"

#: kubeadm's folder of certificates.
PKI: Final = "/etc/kubernetes/pki"

#: The certificate of the authority that issues, alone (agent/kubernetes/control_plane_state.py puts it there).
ISSUING_CA: Final = f"{PKI}/issuing-ca.crt"

#: How long the controller-manager signs for by default (--cluster-signing-duration).
YEAR_HOURS: Final = 8760


def api_endpoint(platform: Platform) -> str:
    """The API as machines and pods see it, as host:port."""
    return f"{platform.plan.api_address}:{ports.API}"


def gateway_endpoint(platform: Platform) -> str:
    """The API as the gateway that is the way in sees it, as host:port.

    Without a public VIP that gateway is the API's address outside, and another one may hold the private VIP: then it
    asks itself.
    """
    plan = platform.plan
    return api_endpoint(platform) if plan.public_vip or plan.load_balancer else LOCAL_ENDPOINT


def signing(platform: Platform, ca_certificate: str) -> dict[str, str]:
    """The controller-manager's arguments for signing.

    It refuses a file with more than one certificate to sign with ("expected 1 certificate"): while there are more in
    ca.crt it has one with the first alone.
    """
    arguments, hours = {}, platform.settings.certificates.leaf_validity_hours
    if ca_certificate.count("BEGIN CERTIFICATE") > 1:
        arguments["cluster-signing-cert-file"] = ISSUING_CA
    if hours != YEAR_HOURS:
        arguments["cluster-signing-duration"] = f"{hours}h"
    return arguments


def certificate_sans(platform: Platform, outside: Sequence[str]) -> list[str]:
    """Every name and address that clients call the API server by; `outside` are those that only the cloud knows."""
    plan = platform.plan
    names = (plan.api_address, plan.public_vip, *outside, "localhost", LOCAL_ADDRESS)
    return list(dict.fromkeys(name for name in (*names, *platform.settings.api.certificate_names) if name))


def api_server_names(platform: Platform, planned: PlannedMachine, outside: Sequence[str]) -> list[str]:
    """All that kubeadm puts into the API server's certificate (pki_helpers.go: GetAPIServerAltNames)."""
    network = platform.settings.network
    service_names = ("kubernetes", "kubernetes.default", "kubernetes.default.svc")
    own = {planned.hostname, *service_names, f"{service_names[-1]}.{network.dns_domain}", planned.address}
    service_address = str(network.services[1])
    return sorted({*own, service_address, platform.plan.api_address, *certificate_sans(platform, outside)})
