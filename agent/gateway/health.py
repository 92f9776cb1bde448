"""Whether a gateway works, as seen from the network."""

import http.client
import ssl
from typing import Final

from agent.machine import NotYet

#: Seconds for one look at a balancer, and at the API through it.
BALANCER_SECONDS: Final = 2.0
API_SECONDS: Final = 3.0


def check_balancer(address: str, port: int) -> None:
    """A haproxy works there. Raises NotYet otherwise."""
    connection = http.client.HTTPConnection(address, port, timeout=BALANCER_SECONDS)
    _get(connection, "/healthz", f"no haproxy answers at {address}:{port}")


def check_api(address: str, port: int) -> None:
    """The API is ready through that gateway. Raises NotYet otherwise. Its certificate is the clients' business."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    connection = http.client.HTTPSConnection(address, port, timeout=API_SECONDS, context=context)
    _get(connection, "/readyz", f"the API does not answer at {address}:{port}")


def _get(connection: http.client.HTTPConnection, path: str, otherwise: str) -> None:
    try:
        # No proxy, whatever the environment says; no redirection is followed.
        connection.request("GET", path)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise NotYet(f"{otherwise}: {error}") from None
    finally:
        connection.close()
    if status >= 400:
        raise NotYet(f"{otherwise}: HTTP {status}")
