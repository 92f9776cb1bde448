"""The gate before addons: a step on a gateway that ends when the API answers at the address that machines use."""

from __future__ import annotations

from machines.common.bundle import CONVERGE, Bundle, File
from machines.common.templates import read_script
from machines.kubernetes.api import gateway_endpoint
from settings.platform import Platform

#: Seconds: from etcd's health to the first answer an API server takes some 15 s, its packages a few minutes on a
#: plain image.
LIMIT_SECONDS = 900


def api_gate_bundle(platform: Platform, ca_certificate: str) -> Bundle:
    """The step that waits for the API, whose certificate `ca_certificate` (PEM) has signed."""
    return Bundle(
        "api-gate",
        (
            File(CONVERGE, read_script("gateway/api-gate.sh"), 0o755),
            File("gate", f"{gateway_endpoint(platform)} {LIMIT_SECONDS}\n"),
            File("ca.crt", ca_certificate),
        ),
        limit_seconds=LIMIT_SECONDS + 30,
    )
