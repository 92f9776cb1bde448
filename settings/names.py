"""Every name and tag that a platform gives in OpenStack, and the names of generations. The only place that spells them.

`cluster` is the cluster's name, `hostname` that of a machine (settings/plan.py). It imports nothing, so that the policy
pack can use it with any Python 3.11.
"""

from typing import Final

#: The generation that keys and authorities start with.
FIRST: Final = "1"


def tag(cluster: str) -> str:
    """The tag of everything that the platform creates."""
    return f"openstack-paas:{cluster}"


def private_network(cluster: str) -> str:
    """The network of the machines, and its subnet."""
    return f"{cluster}-private"


def edge_network(cluster: str) -> str:
    """The network between the router and the gateways, and its subnet."""
    return f"{cluster}-edge"


def router(cluster: str) -> str:
    """The router between the external network and the edge network."""
    return f"{cluster}-router"


def private_vip_port(cluster: str) -> str:
    """The unbound port that holds the private VIP."""
    return f"{cluster}-private-vip"


def public_vip_port(cluster: str) -> str:
    """The unbound port that holds the public VIP."""
    return f"{cluster}-public-vip"


def edge_port(hostname: str) -> str:
    """A gateway's port on the edge network; its other port has the host name alone, as every machine's."""
    return f"{hostname}-edge"


def data_volume(hostname: str) -> str:
    """The volume of a machine's data."""
    return f"{hostname}-data"


def load_balancer(cluster: str) -> str:
    """Octavia's load balancer of the API, its listener, pool and monitor."""
    return f"{cluster}-api"


def security_group(cluster: str, group: str) -> str:
    """A group of settings/security.py."""
    return f"{cluster}-{group}"


def server_group(cluster: str, group: str) -> str:
    """A group of settings/server_groups.py."""
    return f"{cluster}-{group}"


def key_pair(cluster: str, login: str) -> str:
    """The key pair of the SSH key's generation `login`."""
    return generation(cluster, login)


def in_epoch(name: str, epoch: str) -> str:
    """The name in an epoch; the empty epoch has the plain name."""
    return f"{name}-{epoch}" if epoch else name


def generation(name: str, number: str) -> str:
    """The name in a generation; the first generation has the plain name."""
    return in_epoch(name, "" if number == FIRST else number)
