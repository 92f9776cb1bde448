"""The Kubernetes API: its load balancer, and the names in its certificate."""

from typing import Literal

from settings.model import Section


class OctaviaSettings(Section):
    """The load balancer of `loadBalancer: octavia`."""

    provider: str = ""
    """Octavia's provider driver (amphora, ovn, ...). Empty: the cloud's default."""
    flavor: str = ""
    """Id of the load balancer's flavor. Empty: the cloud's default."""


class ApiSettings(Section):
    """The Kubernetes API as clients see it."""

    load_balancer: Literal["gateways", "octavia"] = "gateways"
    """What balances the API's clients over the control planes: haproxy on the gateways, or the cloud's load balancer.

    With `octavia` the gateways still carry SSH, NAT and ingress. The API gets its own address on the edge network and
    a floating IP, so it needs `network.publicVip: floating-ip`. It cannot change while the cluster exists.
    """
    certificate_names: tuple[str, ...] = ()
    """More DNS names and addresses for the API server's certificate."""
    octavia: OctaviaSettings = OctaviaSettings()
    """Driver and flavor of the load balancer."""
