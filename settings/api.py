"""How the Kubernetes API is balanced, and under which names it answers."""

from typing import Literal

from settings.model import Section


class OctaviaSettings(Section):
    """The load balancer of `loadBalancer: octavia`."""

    provider: str = ""
    """Octavia's provider driver (amphora, ovn, ...); the cloud's default when empty."""
    flavor: str = ""
    """Id of the load balancer's flavor; the cloud's default when empty."""


class ApiSettings(Section):
    """The Kubernetes API as clients see it."""

    load_balancer: Literal["gateways", "octavia"] = "gateways"
    """Who spreads the API's clients over the control planes: haproxy on the gateways, or a load balancer of the cloud.

    With `octavia` the gateways remain (SSH, NAT, ingress); the API has an address of its own on the edge network and a
    floating IP there, so it needs `network.publicVip: floating-ip`. It cannot change while the cluster lives.
    """
    certificate_names: tuple[str, ...] = ()
    """Further DNS names and addresses that the API server's certificate is valid for."""
    octavia: OctaviaSettings = OctaviaSettings()
    """Driver and flavor of the load balancer."""
