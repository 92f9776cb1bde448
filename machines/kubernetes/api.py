"""Where the Kubernetes API is found: by machines and pods, by a node on itself, by a gateway."""

from __future__ import annotations

from typing import Final

from settings import ports
from settings.platform import Platform

#: Where each node has an API of its own: the API server of a control plane, the balancer of a worker. Kubelets and
#: kube-proxies use it, for gateways may be away. The certificates of API servers have it among their names.
LOCAL_ADDRESS: Final = "127.0.0.1"
LOCAL_ENDPOINT: Final = f"{LOCAL_ADDRESS}:{ports.API}"


def api_endpoint(platform: Platform) -> str:
    """The API as machines and pods see it, as host:port."""
    return f"{platform.addresses.api_address}:{ports.API}"


def gateway_endpoint(platform: Platform) -> str:
    """The API as the gateway that is the way in sees it, as host:port.

    Without a public VIP that gateway is the API's address outside, and another one may hold the private VIP: then it
    asks itself.
    """
    plan = platform.addresses
    return LOCAL_ENDPOINT if not (plan.public_vip or plan.load_balancer) else api_endpoint(platform)
