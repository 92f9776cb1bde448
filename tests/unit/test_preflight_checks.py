"""Each check of the preflight both ways: silent about a cloud that fits, in exact words about one that does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from preflight import checks
from preflight.cloud import Cloud, Existing, FloatingIp, Port, Quota, Unknown
from preflight.subject import Subject
from settings.running import Running
from tests.unit.preflight_samples import (
    BROUGHT,
    EDGE,
    FITS,
    OURS,
    PLENTY,
    PROVIDER,
    PROVIDES,
    PUBLIC,
    PUBLIC_SUBNET,
    WITH_OCTAVIA,
    WITH_VOLUMES,
    existing,
    flavor,
    image,
    subject,
    texts,
)


@pytest.mark.parametrize(
    ("cloud", "values"),
    [
        (FITS, {}),
        (
            FITS,
            {"preset": "production", "workers": {"general": {"count": 3}}, "access": {"sshCidrs": ["192.0.2.0/24"]}},
        ),
        (FITS, {"gateways": {"availabilityZones": ["zone-2"]}, "network": {"mtu": 1500}}),
        (FITS, {"network": {"publicVip": "none"}}),
        (WITH_VOLUMES, {"etcd": {"volume": {"sizeGib": 5, "type": "ssd"}, "availabilityZones": ["nova"]}}),
        (WITH_OCTAVIA, {"api": {"loadBalancer": "octavia", "octavia": {"provider": "ovn"}}}),
        (PROVIDES, PROVIDER),
        (flavor(vcpus=1, ram_mib=1024), {"kubernetes": {"ignorePreflightErrors": ["numcpu", "Mem"]}}),
        (flavor(vcpus=1, ram_mib=1024), {"kubernetes": {"ignorePreflightErrors": ["all"]}}),
        (flavor(disk_gib=0), {}),
        (replace(FITS, zones=None, ports=None, floating_ips=None, extensions=None, quotas={}), {}),
    ],
)
def test_a_cloud_that_fits_has_no_errors(cloud: Cloud, values: dict[str, Any]) -> None:
    assert texts(checks.errors(subject(cloud, **values))) == []


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
        replace(FITS, flavors=None, unknown=(Unknown("flavors", "this user may not ask"),)),
        {},
        "OpenStack flavors: cannot be listed (this user may not ask); see that the user may list them",
    ),
    # Quotas
    (
        replace(FITS, quotas={"instances": Quota("instances", 10, 6)}),
        {},
        "quota instances 10: is too small: the plan takes 5 more (gateways 1, etcd 1, controlPlanes 1, "
        "workers.general 2), 6 are in use and 4 are left; ask the cloud's operators for 11, or make workers.general "
        "smaller",
    ),
    (
        replace(FITS, quotas={"server_group_members": Quota("server_group_members", 10)}),
        {"workers": {"general": {"count": 11}}},
        "quota server_group_members 10: is too small: the 11 machines of workers.general are one server group, so "
        "that they are spread over hosts; ask the cloud's operators for 11, or divide workers.general into several "
        "pools",
    ),
    (
        replace(WITH_VOLUMES, quotas={"gigabytes_ssd": Quota("gigabytes_ssd", 20, 0)}),
        {"workers": {"general": {"count": 2, "volume": {"sizeGib": 20, "type": "ssd"}}}},
        "quota gigabytes_ssd 20 GiB: is too small: the plan takes 40 GiB more (workers.general 40), 0 are in use and "
        "20 are left; ask the cloud's operators for 40 GiB, or make workers.general smaller",
    ),
    # Flavors and images
    (
        replace(FITS, flavors=()),
        {},
        "gateways.flavor m1.small: the cloud has no such flavor; the cloud shows this project none at all",
    ),
    (
        flavor(vcpus=1),
        {},
        "controlPlanes.flavor m1.medium: has 1 vCPU, it needs 2: kubeadm init stops below it; use a flavor with 2 "
        "vCPU or more, or put NumCPU into kubernetes.ignorePreflightErrors",
    ),
    (
        flavor(ram_mib=256),
        {"kubernetes": {"ignorePreflightErrors": ["Mem"]}},
        "etcd.flavor m1.medium: has 256 MiB of RAM, it needs 512: etcd and its snapshots do not fit into less; use a "
        "flavor with 512 MiB of RAM or more",
    ),
    (
        replace(FITS, images=(), image_names=("debian-12-genericcloud", "windows")),
        {},
        "etcd.image debian-12: the cloud shows this project no such image; use one of debian-12-genericcloud, windows",
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
        "gateways.image debian-12: needs a disk of 30.5 GiB, the flavor m1.small has 20; use a larger "
        "gateways.flavor or a smaller image",
    ),
    (
        image(ram_mib=4096),
        {},
        "gateways.image debian-12: needs 4096 MiB of RAM, the flavor m1.small has 2048; use a larger gateways.flavor "
        "or another image",
    ),
    # External network and floating IPs
    (
        replace(FITS, networks=(replace(PUBLIC, name="ext-net"), replace(PUBLIC, external=False))),
        {},
        "network.external public: is no external network: floating IPs do not come from it; use one of ext-net",
    ),
    (
        replace(FITS, networks=(PUBLIC, replace(PUBLIC, id="other-id"))),
        {},
        "network.external public: 2 external networks bear that name (public-id, other-id); have all but one of them "
        "renamed",
    ),
    (
        replace(FITS, subnets=(replace(PUBLIC_SUBNET, pools=(("198.51.100.28", "198.51.100.28"),)),)),
        {},
        "network.external public: has no room for 2 more floating IPs: its pools hold 1, 0 of them are this "
        "project's; use another external network, or have its allocation pools enlarged",
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
        "network.apiFloatingIp 203.0.113.9: is taken, it serves the port somebody-elses (10.9.9.9); disassociate it "
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
        "network.edge 198.51.100.0/27: is no subnet of public: it has 192.0.2.0/24; set network.edge to that range",
    ),
    (
        replace(PROVIDES, subnets=()),
        PROVIDER,
        "network.edge 198.51.100.0/27: this project is not shown the subnets of public, so its ports cannot be given "
        "addresses; have the network shared with this project, or use floating-ip",
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
        "gateways.edgeAddresses 198.51.100.12: is taken by the port shop; use a free address",
    ),
    # Extensions, MTU, zones, volumes, load balancer
    (
        replace(FITS, extensions=FITS.extensions - {"allowed-address-pairs"} if FITS.extensions else None),
        {},
        "OpenStack extension allowed-address-pairs: the cloud's network service lacks it: gateways carry the VIPs' "
        "addresses by it; have the cloud's operators turn it on",
    ),
    (
        replace(FITS, extensions=FITS.extensions - {"net-mtu-writable"} if FITS.extensions else None),
        {"network": {"mtu": 1400}},
        "OpenStack extension net-mtu-writable: the cloud's network service lacks it: network.mtu is set by it; leave "
        "network.mtu out",
    ),
    (
        FITS,
        {"network": {"mtu": 8950}},
        "network.mtu 8950: is larger than any network of the cloud that this project sees (1500; public included); "
        "use 1500 or less, or leave it out: then the cloud takes the largest that it carries",
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
        "network.publicVipAddress 10.21.0.5: is taken by the port printer, which is not this platform's; remove the "
        "port, or set network.publicVipAddress to a free address",
    ),
    (
        existing(Existing("server", "dev-etcd-0", "server-id")),
        {},
        "clusterName dev: there is a server dev-etcd-0 already, and it is not this platform's; set clusterName to "
        "another name, or remove it (`openstack server delete server-id`)",
    ),
    (
        existing(Existing("key pair", "dev", "dev")),
        {},
        "clusterName dev: there is a key pair dev already, and it is not this platform's; set clusterName to another "
        "name, or remove it (`openstack keypair delete dev`) and `pulumi up --refresh`",
    ),
]


@pytest.mark.parametrize(("cloud", "values", "expected"), ERRORS, ids=[text.split(":")[0] for _, _, text in ERRORS])
def test_an_error_has_key_value_rule_and_fix(cloud: Cloud, values: dict[str, Any], expected: str) -> None:
    assert expected in texts(checks.errors(subject(cloud, **values)))


WARNINGS: list[tuple[Cloud, dict[str, Any], str]] = [
    (
        replace(FITS, zones=None, unknown=(Unknown("availability zones", "no answer within 30 s"),)),
        {},
        "OpenStack availability zones: could not be asked (no answer within 30 s), so nothing about that is checked; "
        "see that the service is up and the user may list them",
    ),
    (
        replace(FITS, quotas=PLENTY | {"port": Quota("port", 100)}),
        {},
        "quota port 100: the cloud does not tell how much of it is in use; see that 11 are left",
    ),
    (
        flavor(ram_mib=1800),
        {},
        "controlPlanes.flavor m1.medium: has 1800 MiB of RAM, 2048 are recommended: kubeadm's documentation asks for "
        "it; use a larger flavor",
    ),
    (
        flavor(disk_gib=0),
        {},
        "controlPlanes.flavor m1.medium: has no root disk of its own: nova lets only administrators use it by default "
        "(zero_disk_flavor); use a flavor with a disk",
    ),
    (
        flavor(disk_gib=5),
        {},
        "controlPlanes.flavor m1.medium: has a disk of 5 GiB, images of containers take 10; use a larger flavor",
    ),
    (
        image(architecture="aarch64"),
        {},
        "etcd.image debian-12: is made for aarch64, what is installed on it is not; use an image for x86_64",
    ),
    (
        replace(PROVIDES, networks=(replace(PUBLIC, shared=False),)),
        PROVIDER,
        "network.publicVip provider-network: public is external and not shared: by default nova attaches no machine "
        "to it (policy network:attach_external_network); have it shared with this project, or use floating-ip",
    ),
    (
        replace(FITS, extensions=FITS.extensions - {"quota_details"} if FITS.extensions else None),
        {},
        "OpenStack extension quota_details: the cloud's network service lacks it: without it nobody sees how much of "
        "a quota is in use; look at the quotas yourself",
    ),
    (
        FITS,
        {"network": {"mtu": 1300}},
        "network.mtu 1300: leaves 1250 bytes for the pods, the overlay takes 50; have networks of 1330 bytes or more",
    ),
    (
        vip_port(pairs=("10.21.0.0/27",)),
        {},
        "network.publicVip floating-ip: the port dev-public-vip carries the pair 10.21.0.0/27: OVN takes single "
        "addresses only; `pulumi up --refresh` sets it back",
    ),
    (
        existing(Existing("router", "dev-router", "router-id", OURS)),
        {},
        "clusterName dev: its tag is on 1 router although this stack has never been brought up whole; go on after an "
        "interrupted `pulumi up`, or choose another clusterName if another stack has this one",
    ),
]


@pytest.mark.parametrize(("cloud", "values", "expected"), WARNINGS, ids=[text.split(":")[0] for _, _, text in WARNINGS])
def test_a_warning_ends_nothing(cloud: Cloud, values: dict[str, Any], expected: str) -> None:
    seen = subject(cloud, **values)
    assert expected in texts(checks.warnings(seen))
    assert expected not in texts(checks.warnings(subject(FITS)))
    assert texts(checks.errors(seen)) == []


@pytest.mark.parametrize(
    "cloud",
    [
        bring(),
        bring(port_id="p", port_name="dev-public-vip"),
    ],
)
def test_a_floating_ip_that_is_free_or_serves_our_own_vip_is_fine(cloud: Cloud) -> None:
    assert texts(checks.errors(subject(cloud, **BROUGHT))) == []


def test_a_port_on_a_vip_s_address_in_another_network_is_nobody_s_business() -> None:
    cloud = vip_port(network_id="elsewhere", device_id="a-machine")
    assert texts(checks.errors(subject(cloud))) == []


def test_a_large_mtu_is_believed_where_a_network_carries_it() -> None:
    jumbo = replace(FITS, networks=(PUBLIC, replace(EDGE, mtu=8950)))
    assert texts(checks.errors(subject(jumbo, network={"mtu": 8950}))) == []


RUNNING = Running(kubernetes="1.34.2", instances={"dev-etcd-0": "server-id"})


@pytest.mark.parametrize(
    ("things", "running"),
    [
        ((Existing("server", "dev-etcd-0", "server-id"), Existing("key pair", "dev", "dev")), RUNNING),
        ((Existing("router", "dev-router", "r", OURS), Existing("server group", "dev-etcd", "g")), None),
        ((Existing("server", "dev-2-etcd-0", "another"), Existing("network", "dev-elsewhere", "n")), None),
    ],
)
def test_ours_by_tag_outputs_or_company_and_names_of_no_interest(
    things: tuple[Existing, ...], running: Running | None
) -> None:
    assert texts(checks.errors(subject(existing(*things), running))) == []


@pytest.mark.parametrize("check", checks.ALL, ids=[check.name for check in checks.ALL])
def test_every_check_is_proven_both_ways_and_tells_what_it_found(check: checks.Check) -> None:
    rules: list[tuple[Callable[[Subject], Any], list[tuple[Cloud, dict[str, Any], str]]]] = [
        (check.errors, ERRORS),
        (check.warnings, WARNINGS),
    ]
    for rule, table in rules:
        if rule is not checks.none:
            assert any(expected in texts(rule(subject(cloud, **values))) for cloud, values, expected in table)
    assert check.told(subject(FITS))
