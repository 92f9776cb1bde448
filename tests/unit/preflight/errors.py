"""Clouds that do not fit, and the exact words about each."""

from dataclasses import replace
from typing import Any

from preflight.cloud import Cloud, Existing, FloatingIp, Port, Quota, Unknown
from tests.unit.preflight.samples import (
    BROUGHT,
    EDGE,
    FITS,
    OURS,
    PROVIDER,
    PROVIDES,
    PUBLIC,
    PUBLIC_SUBNET,
    WITH_OCTAVIA,
    WITH_VOLUMES,
    existing,
    flavor,
    image,
)


def bring(**changes: Any) -> Cloud:
    """A cloud with one floating IP of the project."""
    return replace(FITS, floating_ips=(replace(FloatingIp("ip-id", "203.0.113.9", "public-id"), **changes),))


def vip_port(**changes: Any) -> Cloud:
    """A cloud with a port on the public VIP's address, in our edge network."""
    port = replace(Port("port-id", "dev-public-vip", "edge-id", ("10.21.0.5",), tags=OURS), **changes)
    return replace(FITS, networks=(PUBLIC, EDGE), ports=(port,))


ERRORS: list[tuple[Cloud, dict[str, Any], str]] = [
    # Services
    (
        replace(FITS, services=frozenset({"identity", "network", "image"})),
        {},
        "OpenStack compute: there is no such service (nova) in the region; its catalog has identity, image, network; "
        "check the region (OS_REGION_NAME or region_name in clouds.yaml)",
    ),
    (
        replace(FITS, flavors=None, unknown=(Unknown("flavors", "this user is not allowed to ask"),)),
        {},
        "OpenStack flavors: cannot be listed (this user is not allowed to ask); make sure that the user may list them",
    ),
    # Quotas
    (
        replace(FITS, quotas={"instances": Quota("instances", 10, 6)}),
        {},
        "quota instances 10: is too small: the plan needs 5 more (gateways 1, etcd 1, controlPlanes 1, "
        "workers.general 2), 6 are in use and 4 are left; ask the cloud's operators for 11, or make workers.general "
        "smaller",
    ),
    (
        replace(FITS, quotas={"server_group_members": Quota("server_group_members", 10)}),
        {"workers": {"general": {"count": 11}}},
        "quota server_group_members 10: is too small: the 11 machines of workers.general are one server group, so "
        "that they are spread over hosts; ask the cloud's operators for 11, or split workers.general into several "
        "pools",
    ),
    (
        replace(WITH_VOLUMES, quotas={"gigabytes_ssd": Quota("gigabytes_ssd", 20, 0)}),
        {"workers": {"general": {"count": 2, "volume": {"sizeGib": 20, "type": "ssd"}}}},
        "quota gigabytes_ssd 20 GiB: is too small: the plan needs 40 GiB more (workers.general 40), 0 are in use and "
        "20 are left; ask the cloud's operators for 40 GiB, or make workers.general smaller",
    ),
    # Flavors and images
    (
        replace(FITS, flavors=()),
        {},
        "gateways.flavor m1.small: the cloud has no such flavor; this project sees none at all",
    ),
    (
        flavor(vcpus=1),
        {},
        "controlPlanes.flavor m1.medium: has 1 vCPU, but needs 2: kubeadm init refuses less; use a flavor with 2 "
        "vCPU or more, or add NumCPU to kubernetes.ignorePreflightErrors",
    ),
    (
        flavor(ram_mib=256),
        {"kubernetes": {"ignorePreflightErrors": ["Mem"]}},
        "etcd.flavor m1.medium: has 256 MiB of RAM, but needs 512: etcd and its snapshots do not fit into less; use a "
        "flavor with 512 MiB of RAM or more",
    ),
    (
        replace(FITS, images=(), image_names=("debian-12-genericcloud", "windows")),
        {},
        "etcd.image debian-12: this project sees no image of that name; use one of debian-12-genericcloud, windows",
    ),
    (
        image(status="deactivated"),
        {},
        "etcd.image debian-12: cannot be used: it is deactivated, not active; wait until it is active, reactivate "
        "it, or use another one",
    ),
    (
        image(disk_gib=30.5),
        {},
        "gateways.image debian-12: needs a disk of 30.5 GiB, but the flavor m1.small has 20; use a larger "
        "gateways.flavor or a smaller image",
    ),
    (
        image(ram_mib=4096),
        {},
        "gateways.image debian-12: needs 4096 MiB of RAM, but the flavor m1.small has 2048; use a larger "
        "gateways.flavor or another image",
    ),
    # External network and floating IPs
    (
        replace(FITS, networks=(replace(PUBLIC, name="ext-net"), replace(PUBLIC, external=False))),
        {},
        "network.external public: is not an external network: floating IPs do not come from it; use one of ext-net",
    ),
    (
        replace(FITS, networks=(PUBLIC, replace(PUBLIC, id="other-id"))),
        {},
        "network.external public: 2 external networks have that name (public-id, other-id); ask for all but one of "
        "them to be renamed",
    ),
    (
        replace(FITS, subnets=(replace(PUBLIC_SUBNET, pools=(("198.51.100.28", "198.51.100.28"),)),)),
        {},
        "network.external public: has no room for 2 more floating IPs: its pools hold 1, 0 of them are this "
        "project's; use another external network, or ask for larger allocation pools",
    ),
    (
        bring(address="203.0.113.10"),
        BROUGHT,
        "network.apiFloatingIp 203.0.113.9: this project owns no such floating IP; allocate it, name one that is free "
        "(203.0.113.10), or leave the key out",
    ),
    (
        bring(port_id="p", port_name="somebody-elses", fixed_address="10.9.9.9"),
        BROUGHT,
        "network.apiFloatingIp 203.0.113.9: is in use by the port somebody-elses (10.9.9.9); disassociate it "
        "there, name another one, or leave the key out",
    ),
    (
        bring(network_id="another"),
        BROUGHT,
        "network.apiFloatingIp 203.0.113.9: is not of the external network public; name one of that network",
    ),
    # Provider network
    (
        replace(PROVIDES, subnets=(replace(PUBLIC_SUBNET, cidr="192.0.2.0/24"),)),
        PROVIDER,
        "network.edge 198.51.100.0/27: is not a subnet of public: it has 192.0.2.0/24; set network.edge to that range",
    ),
    (
        replace(PROVIDES, subnets=()),
        PROVIDER,
        "network.edge 198.51.100.0/27: this project cannot see the subnets of public, so its ports cannot get fixed "
        "addresses; ask for the network to be shared with this project, or use floating-ip",
    ),
    (
        replace(PROVIDES, subnets=(replace(PUBLIC_SUBNET, gateway="198.51.100.30"),)),
        PROVIDER,
        "network.edgeGateway 198.51.100.1: is not the router of 198.51.100.0/27, that is 198.51.100.30; set "
        "network.edgeGateway to 198.51.100.30",
    ),
    (
        replace(PROVIDES, ports=(Port("p", "shop", "public-id", ("198.51.100.12",)),)),
        PROVIDER,
        "gateways.edgeAddresses 198.51.100.12: is used by the port shop; use a free address",
    ),
    # Extensions, MTU, zones, volumes, load balancer
    (
        replace(FITS, extensions=FITS.extensions - {"allowed-address-pairs"} if FITS.extensions else None),
        {},
        "OpenStack extension allowed-address-pairs: the cloud's network service lacks it: gateways carry the VIPs' "
        "addresses with it; ask the cloud's operators to enable it",
    ),
    (
        replace(FITS, extensions=FITS.extensions - {"net-mtu-writable"} if FITS.extensions else None),
        {"network": {"mtu": 1400}},
        "OpenStack extension net-mtu-writable: the cloud's network service lacks it: network.mtu needs it; leave "
        "network.mtu out",
    ),
    (
        FITS,
        {"network": {"mtu": 8950}},
        "network.mtu 8950: is larger than any network of the cloud that this project sees (1500; public included); "
        "use 1500 or less, or leave it out: the cloud then uses the largest that it supports",
    ),
    (
        FITS,
        {"etcd": {"availabilityZones": ["zone-1"]}},
        "etcd.availabilityZones zone-1: the cloud has no such zone that is up; did you mean zone-2?",
    ),
    (
        WITH_VOLUMES,
        {"etcd": {"availabilityZones": ["zone-2"], "volume": {"sizeGib": 5}}},
        "etcd.availabilityZones zone-2: the cloud has no block storage in that zone; use one of nova",
    ),
    (
        FITS,
        {"etcd": {"volume": {"sizeGib": 5}}},
        "etcd.volume 5 GiB: the cloud has no block storage (cinder); leave etcd.volume out: the machines' own disks "
        "are used then",
    ),
    (
        WITH_VOLUMES,
        {"etcd": {"volume": {"sizeGib": 5, "type": "sdd"}}},
        "etcd.volume.type sdd: the cloud has no such volume type; did you mean ssd?",
    ),
    (
        FITS,
        {"api": {"loadBalancer": "octavia"}},
        "api.loadBalancer octavia: the cloud has no load balancers (no service load-balancer in its catalog); use "
        "gateways: haproxy on the gateways balances the API",
    ),
    (
        WITH_OCTAVIA,
        {"api": {"loadBalancer": "octavia", "octavia": {"provider": "f5"}}},
        "api.octavia.provider f5: octavia has no such driver; use one of amphora, ovn",
    ),
    # VIP ports and names
    (
        vip_port(device_id="a-machine", device_owner="compute:nova"),
        {},
        "network.publicVipAddress 10.21.0.5: the port dev-public-vip on that address is bound to compute:nova "
        "a-machine: a VIP's port stays unbound, or OVN does not let the address move; detach it, or set "
        "network.publicVipAddress to a free address",
    ),
    (
        vip_port(name="printer", tags=()),
        {},
        "network.publicVipAddress 10.21.0.5: is used by the port printer, which is not this platform's; remove the "
        "port, or set network.publicVipAddress to a free address",
    ),
    (
        existing(Existing("server", "dev-etcd-0", "server-id")),
        {},
        "clusterName dev: there is a server dev-etcd-0 already, and it does not belong to this platform; set "
        "clusterName to another name, or remove it (`openstack server delete server-id`)",
    ),
    (
        existing(Existing("key pair", "dev", "dev")),
        {},
        "clusterName dev: there is a key pair dev already, and it does not belong to this platform; set "
        "clusterName to another name, or remove it (`openstack keypair delete dev`) and `pulumi up --refresh`",
    ),
]
