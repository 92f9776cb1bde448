"""Networks: the external one, the edge, the machines', the pods' and the services'."""

from ipaddress import IPv4Address, IPv4Network

from pydantic import Field, model_validator

from settings.model import Cidr, Section


class NetworkSettings(Section):
    """Address ranges and names. None of the four ranges may overlap another."""

    external: str = "public"
    """Name of the external network; floating IPs come from it."""
    edge: Cidr = IPv4Network("10.21.0.0/27")
    """Network between the OpenStack router and the gateways."""
    private: Cidr = IPv4Network("10.20.0.0/22")
    """Network of all machines; the private VIP is its default gateway."""
    pods: Cidr = IPv4Network("10.244.0.0/16")
    services: Cidr = IPv4Network("10.96.0.0/16")
    dns_servers: tuple[IPv4Address, ...] = ()
    """Name servers of the machines; the cloud's own when empty."""
    api_floating_ip: IPv4Address | None = None
    """A floating IP that the project owns, for the API and ingress (it outlives the stack); a new one when empty."""
    dns_domain: str = Field("cluster.local", pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$")

    @model_validator(mode="after")
    def _ranges_are_apart(self) -> "NetworkSettings":
        ranges = {"edge": self.edge, "private": self.private, "pods": self.pods, "services": self.services}
        names = list(ranges)
        clashes = [
            f"{a} {ranges[a]} overlaps {b} {ranges[b]}"
            for i, a in enumerate(names)
            for b in names[i + 1 :]
            if ranges[a].overlaps(ranges[b])
        ]
        if clashes:
            raise ValueError("; ".join(clashes) + ": choose ranges that are apart")
        return self


class AccessSettings(Section):
    """Who may reach the platform from outside, and as whom Pulumi logs in."""

    ssh_user: str = Field("debian", pattern=r"^[a-z_][a-z0-9_-]{0,31}$")
    """The user that the images' cloud-init creates (debian, ubuntu, ...); must be able to sudo."""
    ssh_cidrs: tuple[IPv4Network, ...] = (IPv4Network("0.0.0.0/0"),)
    api_cidrs: tuple[IPv4Network, ...] = (IPv4Network("0.0.0.0/0"),)
    ingress_cidrs: tuple[IPv4Network, ...] = (IPv4Network("0.0.0.0/0"),)
