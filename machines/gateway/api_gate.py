"""The gate before addons: a step on a gateway that ends when the API answers at the address that machines use."""

from machines.common.bundle import CONVERGE, Bundle, File
from machines.common.templates import read_script

#: Seconds: from etcd's health to the first answer an API server takes some 15 s, its packages a few minutes on a
#: plain image.
LIMIT_SECONDS = 900


def api_gate(endpoint: str, ca_certificate: str) -> Bundle:
    """The step that waits for the API at `endpoint` (host:port), whose certificate `ca_certificate` (PEM) signed."""
    return Bundle(
        "api-gate",
        (
            File(CONVERGE, read_script("gateway/api-gate.sh"), 0o755),
            File("gate", f"{endpoint} {LIMIT_SECONDS}\n"),
            File("ca.crt", ca_certificate),
        ),
        limit_seconds=LIMIT_SECONDS + 30,
    )
