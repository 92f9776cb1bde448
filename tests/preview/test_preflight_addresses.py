"""Names and addresses in use, full address pools and provider networks, all made in the lab's cloud."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from openstack.connection import Connection

from preflight.quota_usage import needs
from preflight.run import run
from settings.load import parse
from tests.preview.lab_preflight import facts, problems, with_lab

# These tests take away quotas and addresses that other previews need.
pytestmark = pytest.mark.alone


@contextmanager
def strangers(member: Connection, cluster: str) -> Iterator[str]:
    """Make resources with our names that are not ours, and a bound port on the public VIP. Yields its floating IP."""
    neutron = member.network
    with ExitStack() as undo:
        network = neutron.create_network(name=f"{cluster}-edge")
        undo.callback(neutron.delete_network, network)
        subnet = neutron.create_subnet(
            name=f"{cluster}-edge", network_id=network.id, ip_version=4, cidr="10.21.0.0/27", enable_dhcp=False
        )
        port = neutron.create_port(
            name="somebody",
            network_id=network.id,
            fixed_ips=[{"subnet_id": subnet.id, "ip_address": "10.21.0.5"}],
            device_id="a-machine",
            device_owner="compute:nova",
        )
        undo.callback(neutron.delete_port, port)
        public = neutron.find_network("public")
        router = neutron.create_router(name=f"{cluster}-router", external_gateway_info={"network_id": public.id})
        undo.callback(neutron.delete_router, router)
        neutron.add_interface_to_router(router, subnet_id=subnet.id)
        undo.callback(neutron.remove_interface_from_router, router, subnet_id=subnet.id)
        floating_ip = neutron.create_ip(floating_network_id=public.id, port_id=port.id)
        undo.callback(neutron.delete_ip, floating_ip)
        member.compute.create_keypair(name=cluster)
        undo.callback(member.compute.delete_keypair, cluster)
        yield floating_ip.floating_ip_address


def test_names_and_addresses_that_are_in_use(cluster: str, member: Connection) -> None:
    with strangers(member, cluster) as taken:
        report = problems(cluster, network={"apiFloatingIp": taken})
    for kind, name in (
        ("network", f"{cluster}-edge"),
        ("subnet", f"{cluster}-edge"),
        ("router", f"{cluster}-router"),
        ("key pair", cluster),
    ):
        words = f"there is a {kind} {name} already, and it does not belong to this platform"
        assert f"clusterName {cluster}: {words}" in report
    assert (
        "network.publicVipAddress 10.21.0.5: the port somebody on that address is bound to compute:nova a-machine"
        in report
    )
    assert f"network.apiFloatingIp {taken}: is in use by the port somebody (10.21.0.5)" in report
    # Nothing that the test made is left for the next.
    run(parse(with_lab({}), cluster), None, {})


def test_leftovers_of_an_interrupted_up_are_ours_and_not_counted_twice(cluster: str, member: Connection) -> None:
    before = {need.quota: need.more for need in needs(facts(cluster))}
    network = member.network.create_network(name=f"{cluster}-private")
    try:
        member.network.set_tags(network, [f"openstack-paas:{cluster}"])
        subject = facts(cluster)
        found = run(subject.platform, None, {})
    finally:
        member.network.delete_network(network)
    assert {need.quota: need.more for need in needs(subject)}["network"] == before["network"] - 1
    assert "its tag is on 1 network although no `pulumi up` of this stack has ever finished" in str(found.warnings[0])


def test_a_floating_ip_that_the_project_does_not_own(cluster: str) -> None:
    report = problems(cluster, network={"apiFloatingIp": "172.24.4.251"})
    assert "network.apiFloatingIp 172.24.4.251: this project owns no such floating IP" in report


@contextmanager
def small_pool(admin: Connection, name: str, **properties: Any) -> Iterator[None]:
    """An external network with two addresses. When it is shared, a member can see its subnet."""
    network = admin.network.create_network(name=name, is_router_external=True, **properties)
    try:
        admin.network.create_subnet(
            network_id=network.id,
            ip_version=4,
            cidr="198.51.100.0/27",
            gateway_ip="198.51.100.1",
            allocation_pools=[{"start": "198.51.100.28", "end": "198.51.100.29"}],
            enable_dhcp=False,
        )
        yield
    finally:
        admin.network.delete_network(network)


PROVIDER_NETWORK = {
    "publicVip": "provider-network",
    "edge": "198.51.100.0/27",
    "publicVipAddress": "198.51.100.5",
}


def test_an_address_pool_without_room(cluster: str, admin: Connection) -> None:
    with small_pool(admin, cluster, is_shared=True):
        report = problems(cluster, gateways={"count": 2}, network={"external": cluster})
    assert f"network.external {cluster}: has no room for 3 more floating IPs: its pools hold 2" in report


def test_a_provider_network_that_does_not_fit(cluster: str, admin: Connection) -> None:
    gateways = {"edgeAddresses": ["198.51.100.12"]}
    network = {**PROVIDER_NETWORK, "external": cluster}
    with small_pool(admin, cluster, is_shared=True):
        elsewhere = {"edge": "203.0.113.0/27", "publicVipAddress": "203.0.113.5"}
        wrong_range = problems(cluster, gateways={"edgeAddresses": ["203.0.113.12"]}, network={**network, **elsewhere})
        wrong_router = problems(cluster, gateways=gateways, network={**network, "edgeGateway": "198.51.100.2"})
        found = run(parse(with_lab({"gateways": gateways, "network": network}), cluster), None, {})
    with small_pool(admin, cluster):
        hidden = problems(cluster, gateways=gateways, network=network)
    assert f"network.edge 203.0.113.0/27: is not a subnet of {cluster}: it has 198.51.100.0/27" in wrong_range
    assert (
        "network.edgeGateway 198.51.100.2: is not the router of 198.51.100.0/27, that is 198.51.100.1" in wrong_router
    )
    assert found.catalog.external_subnet_id
    assert "create_port:allowed_address_pairs" in str(found.warnings[0])
    assert f"this project cannot see the subnets of {cluster}" in hidden
