"""What the API server's certificate holds, and how kubelets' certificates are signed."""

from __future__ import annotations

import ipaddress
from typing import Final

from machines.specs import ControlPlaneSpec, Kubernetes

#: kubeadm's folder of certificates.
PKI: Final = "/etc/kubernetes/pki"

#: The certificate of the authority that issues, alone (control-plane-state.sh puts it there).
ISSUING_CA: Final = f"{PKI}/issuing-ca.crt"

#: How long the controller-manager signs for unless told otherwise (--cluster-signing-duration).
YEAR_HOURS: Final = 8760


def signing(kubernetes: Kubernetes) -> dict[str, str]:
    """The controller-manager's arguments for signing.

    It refuses a file with more than one certificate to sign with ("expected 1 certificate"): while there are more in
    ca.crt it has one with the first alone.
    """
    arguments = {}
    if kubernetes.ca_certificate.count("BEGIN CERTIFICATE") > 1:
        arguments["cluster-signing-cert-file"] = ISSUING_CA
    if kubernetes.renewal.validity_hours != YEAR_HOURS:
        arguments["cluster-signing-duration"] = f"{kubernetes.renewal.validity_hours}h"
    return arguments


def api_server_names(spec: ControlPlaneSpec) -> list[str]:
    """All that kubeadm puts into the API server's certificate (pki_helpers.go: GetAPIServerAltNames)."""
    kubernetes = spec.kubernetes
    service_names = ("kubernetes", "kubernetes.default", "kubernetes.default.svc")
    own = {spec.base.name, *service_names, f"{service_names[-1]}.{kubernetes.dns_domain}", spec.base.address}
    service_address = str(ipaddress.ip_network(kubernetes.service_cidr)[1])
    endpoint = kubernetes.endpoint.rpartition(":")[0]
    return sorted({*own, service_address, endpoint, *spec.certificate_sans})
