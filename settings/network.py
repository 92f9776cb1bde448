"""Networks: external, edge, private, pods and services, and who may reach the platform."""

from ipaddress import IPv4Network
from typing import Annotated, Literal

from pydantic import Field

from settings.certificates import Generation
from settings.model import NO_BOOLEAN, Address, Cidr, CloudName, Section, text
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
TimeServer = Annotated[
    str,
    text(
        r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$",
        "must be the host name or the IPv4 address of a time server, without a port",
        "write it as ntp.example.org",
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
    """Address ranges, names, and the kind of public VIP. The four ranges must not overlap."""

    external: CloudName = "public"
    """Name of the external network, which floating IPs come from.

    With `publicVip: provider-network` the gateways are on this network.
    """
    public_vip: PublicVip = "floating-ip"
    """How the platform is reached from outside.

    `floating-ip`: a floating IP on an unbound port of the edge network. Its address moves between the gateways.

    `provider-network`: the gateways are on the external network itself. The VIP and every gateway have public
    addresses there (`publicVipAddress`, `gateways.edgeAddresses`). There is no edge network, router or floating IP.

    `none`: no public VIP. Each gateway has its own floating IP, and the first gateway's is the API's address. The
    private VIP still fails over.
    """
    public_vip_address: Address | None = None
    """Address of the public VIP in `edge`. Empty: the fifth address. Needed with `provider-network`."""
    private_vip_address: Address | None = None
    """Address of the private VIP in `private`. Empty: the fifth address.

    It is the machines' default gateway and API endpoint, and cannot change while the cluster exists.
    """
    edge: Cidr = IPv4Network("10.21.0.0/27")
    """Network between the OpenStack router and the gateways. It cannot change while the cluster exists.

    With `provider-network` it is the range of the external network's own subnet.
    """
    edge_gateway: Address | None = None
    """Router of `edge`. Empty: its first address."""
    private: Cidr = IPv4Network("10.20.0.0/22")
    """Network of all machines. Its default gateway is the private VIP. It cannot change while the cluster exists."""
    pods: Cidr = IPv4Network("10.244.0.0/16")
    """Range of the pods. Each node takes a /24 of it. It cannot change while the cluster exists."""
    services: Cidr = IPv4Network("10.96.0.0/16")
    """Range of the services. It cannot change while the cluster exists."""
    dns_servers: tuple[Address, ...] = ()
    """Name servers of the machines. Empty: the cloud's own."""
    dns_domain: DnsDomain = "cluster.local"
    """Domain of the cluster's services. It cannot change while the cluster exists."""
    api_floating_ip: Address | None = None
    """A floating IP of the project for the API and ingress. It outlives the stack. Empty: a new one."""
    mtu: Annotated[int, Field(ge=1280, le=9000), NO_BOOLEAN] | None = None
    """MTU of the stack's networks, in bytes. Empty: the cloud's own.

    The pods get 50 less, for the vxlan overlay.
    """


class TimeSettings(Section):
    """Time servers of the machines. Certificates, tokens and etcd need clocks that agree."""

    servers: tuple[TimeServer, ...] = ()
    """NTP servers by host name or address; machines must reach UDP port 123 there. Four let a wrong one be outvoted.

    Empty: those that the cloud gives by DHCP, or the image's own (Debian's pool on the internet). An HTTP proxy carries
    no NTP, so a closed site sets its own.
    """


class SshKeySettings(Section):
    """Generations of Pulumi's own SSH key for the machines.

    A new generation takes over in three runs of `pulumi up` (docs/rotation.md).
    """

    login: Generation = FIRST
    """The key that Pulumi logs in with. The previous `up` must have made it accepted."""
    accepted: tuple[Generation, ...] = (FIRST,)
    """The keys that the machines accept. Keys that people added themselves stay."""


class AccessSettings(Section):
    """Who may reach the platform from outside, and as whom Pulumi logs in."""

    ssh_user: UserName = "debian"
    """The user that the images' cloud-init creates (debian, ubuntu, ...). It must be able to use sudo."""
    ssh_cidrs: tuple[Cidr, ...] = (IPv4Network("0.0.0.0/0"),)
    """Ranges from which SSH to the gateways is allowed."""
    api_cidrs: tuple[Cidr, ...] = (IPv4Network("0.0.0.0/0"),)
    """Ranges from which the Kubernetes API is allowed."""
    ingress_cidrs: tuple[Cidr, ...] = (IPv4Network("0.0.0.0/0"),)
    """Ranges from which HTTP and HTTPS are allowed."""
    ssh_keys: SshKeySettings = SshKeySettings()
    """Which of Pulumi's own keys the machines accept, and which it uses."""
