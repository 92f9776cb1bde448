"""What the API server's certificate holds, and how kubelets' certificates are signed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from machines.kubernetes.api import LOCAL_ADDRESS
from settings.plan import PlannedMachine
from settings.platform import Platform

#: kubeadm's folder of certificates.
PKI: Final = "/etc/kubernetes/pki"

#: The certificate of the authority that issues, alone (control-plane-state.sh puts it there).
ISSUING_CA: Final = f"{PKI}/issuing-ca.crt"

#: How long the controller-manager signs for by default (--cluster-signing-duration).
YEAR_HOURS: Final = 8760


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
    plan = platform.addresses
    names = (plan.api_address, plan.public_vip, *outside, "localhost", LOCAL_ADDRESS)
    return list(dict.fromkeys(name for name in (*names, *platform.settings.api.certificate_names) if name))


def api_server_names(platform: Platform, planned: PlannedMachine, outside: Sequence[str]) -> list[str]:
    """All that kubeadm puts into the API server's certificate (pki_helpers.go: GetAPIServerAltNames)."""
    network = platform.settings.network
    service_names = ("kubernetes", "kubernetes.default", "kubernetes.default.svc")
    own = {planned.hostname, *service_names, f"{service_names[-1]}.{network.dns_domain}", planned.address}
    service_address = str(network.services[1])
    return sorted({*own, service_address, platform.addresses.api_address, *certificate_sans(platform, outside)})
