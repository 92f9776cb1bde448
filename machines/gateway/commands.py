"""What Pulumi runs on a gateway that acts on the cluster: the gate before addons."""

from typing import Final

from machines.common.bundle import CONVERGE, Bundle, File
from machines.common.templates import read_script
from machines.kubernetes.api import gateway_endpoint
from settings.platform import Platform

#: Seconds: from etcd's health to the first answer an API server takes some 15 s, its packages a few minutes on a
#: plain image.
GATE_SECONDS: Final = 900


def api_gate_bundle(platform: Platform, ca_certificate: str) -> Bundle:
    """The step that ends when the API answers at the address that machines use.

    `ca_certificate` (PEM) has signed the API's certificate.
    """
    return Bundle(
        "api-gate",
        (
            File(CONVERGE, read_script("gateway/api-gate.sh"), 0o755),
            File("gate", f"{gateway_endpoint(platform)} {GATE_SECONDS}\n"),
            File("ca.crt", ca_certificate),
        ),
        limit_seconds=GATE_SECONDS + 30,
    )
