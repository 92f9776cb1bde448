"""Networks: the external one, the edge, the machines', the pods' and the services'; and who may come in."""

from ipaddress import IPv4Network
from typing import Annotated, Literal

from pydantic import Field

from settings.certificates import Generation
from settings.model import Address, Cidr, CloudName, Section, Whole, text
from settings.names import FIRST

PublicVip = Literal["floating-ip", "provider-network", "none"]
DnsDomain = Annotated[
    str,
    text(
        r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?){0,7}$",
        "must be a DNS domain: lower-case letters, digits and dashes between dots",
        "write it as cluster.local",
    ),
]
UserName = Annotated[
    str,
    text(
        r"^[a-z_][a-z0-9_-]{0,31}$",
        "must be a user name: 1 to 32 lower-case letters, digits, dashes and underscores, no digit first",
        "write the user that the image's cloud-init creates, such as debian",
    ),
]


class NetworkSettings(Section):
    """Address ranges, names and the kind of the public VIP. None of the four ranges may overlap another."""

    external: CloudName = "public"
    """Name of the external network: floating IPs come from it.

    With `publicVip: provider-network` the gateways stand on it.
    """
    public_vip: PublicVip = "floating-ip"
    """How the platform is reached from outside.

    `floating-ip`: a floating IP on an unbound port of the edge network, whose address moves between the gateways.

    `provider-network`: the gateways stand on the external network itself; the VIP and every gateway have public
    addresses there (`publicVipAddress`, `gateways.edgeAddresses`), and there is neither edge network nor router nor
    floating IP.

    `none`: no public VIP; each gateway has its floating IP, and the first one's is the API's address. The private VIP
    fails over as ever.
    """
    public_vip_address: Address | None = None
    """Address of the public VIP in `edge`; the plan's (the fifth) when empty. Needed with `provider-network`."""
    private_vip_address: Address | None = None
    """Address of the private VIP in `private`; the plan's (the fifth) when empty.

    It is the machines' default gateway and API endpoint, and cannot change while the cluster lives.
    """
    edge: Cidr = IPv4Network("10.21.0.0/27")
    """Network between the OpenStack router and the gateways. It cannot change while the cluster lives.

    With `provider-network` it is the range of the external network's own subnet.
    """
    edge_gateway: Address | None = None
    """Router of `edge`; its first address when empty."""
    private: Cidr = IPv4Network("10.20.0.0/22")
    """Network of all machines; the private VIP is its default gateway. It cannot change while the cluster lives."""
    pods: Cidr = IPv4Network("10.244.0.0/16")
    """Range of the pods; each node takes a /24 of it. It cannot change while the cluster lives."""
    services: Cidr = IPv4Network("10.96.0.0/16")
    """Range of the services. It cannot change while the cluster lives."""
    dns_servers: tuple[Address, ...] = ()
    """Name servers of the machines; the cloud's own when empty."""
    dns_domain: DnsDomain = "cluster.local"
    """Domain of the cluster's services. It cannot change while the cluster lives."""
    api_floating_ip: Address | None = None
    """A floating IP that the project owns, for the API and ingress (it outlives the stack); a new one when empty."""
    mtu: Whole | None = Field(None, ge=1280, le=9000)
    """MTU of the networks that the stack makes, bytes; the cloud's own when empty.

    A vxlan overlay takes 50 of it for the pods.
    """


class SshKeySettings(Section):
    """Generations of Pulumi's own SSH key for the machines, by name.

    Another one takes its place in three `pulumi up` (docs/rotation.md).
    """

    login: Generation = FIRST
    """The key that Pulumi logs in with. It must be accepted since the `up` before."""
    accepted: tuple[Generation, ...] = (FIRST,)
    """The keys that the machines accept. Keys that people have added themselves stay."""


class AccessSettings(Section):
    """Who may reach the platform from outside, and as whom Pulumi logs in."""

    ssh_user: UserName = "debian"
    """The user that the images' cloud-init creates (debian, ubuntu, ...); must be able to sudo."""
    ssh_cidrs: tuple[Cidr, ...] = (IPv4Network("0.0.0.0/0"),)
    """From where SSH to the gateways is allowed."""
    api_cidrs: tuple[Cidr, ...] = (IPv4Network("0.0.0.0/0"),)
    """From where the Kubernetes API is allowed."""
    ingress_cidrs: tuple[Cidr, ...] = (IPv4Network("0.0.0.0/0"),)
    """From where HTTP and HTTPS are allowed."""
    ssh_keys: SshKeySettings = SshKeySettings()
    """Which of Pulumi's own keys the machines accept, and which it uses."""
