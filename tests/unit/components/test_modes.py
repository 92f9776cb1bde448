"""The graph of each kind of public VIP, of Octavia, and of machines with zones and volumes."""

import base64
import gzip
import io
import json
import tarfile
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.unit.components import graph as graphs
from tests.unit.components.graph import LAB, Graph

PORT = "openstack:networking/port:Port"
FLOATING_IP = "openstack:networking/floatingIp:FloatingIp"
INSTANCE = "openstack:compute/instance:Instance"
VOLUME = "openstack:blockstorage/volume:Volume"
ATTACHMENT = "openstack:compute/volumeAttach:VolumeAttach"
PROVIDER = {
    **LAB,
    "network": {
        "publicVip": "provider-network",
        "private": "10.20.0.0/24",
        "edge": "172.24.4.0/24",
        "edgeGateway": "172.24.4.1",
        "publicVipAddress": "172.24.4.20",
    },
    "gateways": {"edgeAddresses": ["172.24.4.21", "172.24.4.22"]},
}
NO_VIP = {**LAB, "network": {"private": "10.20.0.0/24", "publicVip": "none"}}
OCTAVIA = {**LAB, "api": {"loadBalancer": "octavia", "octavia": {"provider": "amphora"}}}
VOLUMES = {
    **LAB,
    "etcd": {"volume": {"sizeGib": 10, "type": "fast"}, "availabilityZones": ["a", "b"]},
    "workers": {"general": {"count": 2, "volume": {"sizeGib": 20}}},
}


def files(graph: Graph, step: str) -> dict[str, str]:
    """The files that a step brings, by path; of a desired state its parts, by their names."""
    packed = gzip.decompress(base64.b64decode(graph.commands()[step].inputs["stdin"]))
    if packed.startswith(b"{"):
        return dict(parts(json.loads(packed)))
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        return {entry.name: tar.extractfile(entry).read().decode() for entry in tar}  # type: ignore[union-attr]


def parts(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Each part of a desired state as text."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from parts(item, f"{name}.{key}" if name else key)
    else:
        yield name, value if isinstance(value, str) else json.dumps(value)


def connections(graph: Graph) -> dict[str, tuple[str, str]]:
    """The host of each step and the proxy on the way to it."""
    return {
        name: (c.inputs["connection"]["host"], (c.inputs["connection"].get("proxy") or {}).get("host", ""))
        for name, c in graph.commands().items()
    }


def names_of_the_api(graph: Graph) -> list[str]:
    """What the API server's certificate is valid for."""
    _, cluster, *_ = yaml.safe_load_all(files(graph, "control-plane-0")["control_plane.init_configuration"])
    return list(cluster["apiServer"]["certSANs"])


@pytest.fixture(scope="module")
def provider() -> tuple[Graph, dict[str, Any]]:
    """Gateways and VIP on the provider's network."""
    return graphs.run(PROVIDER)


def test_on_a_providers_network_there_is_no_edge_of_our_own(provider: tuple[Graph, dict[str, Any]]) -> None:
    graph, _ = provider
    assert set(graph.of_type("openstack:networking/network:Network")) == {"private"}
    for kind in ("router:Router", "routerInterface:RouterInterface", "floatingIp:FloatingIp"):
        assert not graph.of_type(f"openstack:networking/{kind}"), kind
    assert not graph.of_type("openstack:networking/floatingIpAssociate:FloatingIpAssociate")


def test_on_a_providers_network_vip_and_gateways_have_their_planned_addresses(
    provider: tuple[Graph, dict[str, Any]],
) -> None:
    graph, outputs = provider
    ports = graph.of_type(PORT)
    for name, address in (
        ("public-vip", "172.24.4.20"),
        ("gateway-0-edge", "172.24.4.21"),
        ("gateway-1-edge", "172.24.4.22"),
    ):
        assert ports[name].inputs["networkId"] == "public-id"
        assert ports[name].inputs["fixedIps"][0]["ipAddress"] == address
        if name != "public-vip":
            assert ports[name].inputs["allowedAddressPairs"] == [{"ipAddress": "172.24.4.20"}]
    assert outputs["apiEndpoint"] == "https://172.24.4.20:6443"
    assert outputs["gatewayAddress"] == "172.24.4.20"
    public = {entry["name"]: entry.get("publicAddress") for entry in outputs["inventory"]}
    assert (public["lab-gateway-0"], public["lab-gateway-1"]) == ("172.24.4.21", "172.24.4.22")
    hosts = connections(graph)
    assert hosts["gateway-1"] == ("172.24.4.22", "")
    assert hosts["etcd-0"] == ("10.20.0.16", "172.24.4.20")
    assert names_of_the_api(graph) == ["10.20.0.5", "172.24.4.20", "localhost", "127.0.0.1"]


def test_on_a_providers_network_machines_reach_its_other_hosts(provider: tuple[Graph, dict[str, Any]]) -> None:
    graph, _ = provider
    firewall = files(graph, "gateway-0")["machine.firewall.table"]
    assert "ip daddr != $private_cidr accept" in firewall
    assert "ip daddr != $private_cidr masquerade" in firewall
    route = files(graph, "gateway-0")["gateway.edge_route.service"]
    assert "openstack-paas-edge-route 172.24.4.0/24 172.24.4.1" in route


def test_on_a_providers_network_gateways_learn_their_addresses_without_dhcp(
    provider: tuple[Graph, dict[str, Any]],
) -> None:
    graph, _ = provider
    drives = {name for name, instance in graph.of_type(INSTANCE).items() if instance.inputs.get("configDrive")}
    assert drives == {"gateway-0", "gateway-1"}


def test_without_a_public_vip_the_first_gateway_is_the_way_in() -> None:
    graph, outputs = graphs.run(NO_VIP)
    assert "public-vip" not in graph.of_type(PORT)
    assert not any("allowedAddressPairs" in port.inputs for port in graph.of_type(PORT).values())
    assert set(graph.of_type(FLOATING_IP)) == {"gateway-0", "gateway-1"}
    assert outputs["apiEndpoint"] == "https://203.0.113.10:6443"
    assert outputs["gatewayAddress"] == "203.0.113.10"
    assert connections(graph)["worker-general-0"] == ("10.20.0.32", "203.0.113.10")
    assert connections(graph)["api"] == ("203.0.113.10", "")
    # What is asked from outside is this gateway, whichever one holds the private VIP.
    assert files(graph, "api")["endpoint"] == "127.0.0.1:6443"
    # Whichever gateway is left, the API can be used by its address.
    assert names_of_the_api(graph) == ["10.20.0.5", "203.0.113.10", "203.0.113.99", "localhost", "127.0.0.1"]
    keepalived = files(graph, "gateway-0")["gateway.keepalived"]
    assert keepalived.count("vrrp_instance") == 1
    assert "10.20.0.5/32" in keepalived
    assert "vrrp_sync_group" not in keepalived
    assert "track_script" in keepalived


def test_octavia_balances_the_api_and_the_gateways_keep_the_rest() -> None:
    graph, outputs = graphs.run(OCTAVIA)
    balancer = graph.of_type("openstack:loadbalancer/loadBalancer:LoadBalancer")["api"].inputs
    assert (balancer["vipAddress"], balancer["vipSubnetId"]) == ("10.21.0.6", "edge-id")
    assert balancer["loadbalancerProvider"] == "amphora"
    waits = graph.of_type("openstack:loadbalancer/loadBalancer:LoadBalancer")["api"].dependencies
    assert "Subnet/private" in waits, "the members' network would be removed before it"
    listener = graph.of_type("openstack:loadbalancer/listener:Listener")["api"].inputs
    assert (listener["protocol"], listener["protocolPort"]) == ("TCP", 6443)
    # The world, and the gateways behind whose addresses the machines come.
    assert listener["allowedCidrs"] == ["0.0.0.0/0", "10.21.0.12/30"]
    members = graph.of_type("openstack:loadbalancer/members:Members")["api"].inputs["members"]
    assert [(m["address"], m["protocolPort"], m["subnetId"]) for m in members] == [
        (f"10.20.0.{23 + i}", 6443, "private-id") for i in range(3)
    ]
    associations = graph.of_type("openstack:networking/floatingIpAssociate:FloatingIpAssociate")
    assert associations["api-load-balancer"].inputs["portId"] == "api-vip-port-id"
    assert outputs["apiEndpoint"] == "https://203.0.113.8:6443"
    assert outputs["gatewayAddress"] == "203.0.113.7"
    assert connections(graph)["etcd-0"] == ("10.20.0.16", "203.0.113.7")


def test_with_octavia_machines_use_the_load_balancer_and_gateways_serve_no_api() -> None:
    graph, _ = graphs.run(OCTAVIA)
    assert "https://10.21.0.6:6443" in files(graph, "control-plane-0")["control_plane.bootstrap.kubeconfig"]
    # A worker's own balancer asks the API servers themselves.
    assert "https://127.0.0.1:6443" in files(graph, "worker-general-0")["worker.bootstrap.kubeconfig"]
    assert "lab-control-plane-0 10.20.0.23:6443" in files(graph, "worker-general-0")["worker.balancer"]
    assert graph.of_type("kubernetes:helm.sh/v3:Release")["flannel"].inputs["values"]["kubeApi"]["host"] == "10.21.0.6"
    assert names_of_the_api(graph)[:3] == ["10.21.0.6", "10.21.0.5", "203.0.113.8"]
    gateway = files(graph, "gateway-0")
    assert ":6443" not in gateway["gateway.haproxy"]
    assert "ip daddr 10.21.0.6 tcp dport 6443 accept" in gateway["machine.firewall.table"]
    assert "ip daddr 10.21.0.6 masquerade" in gateway["machine.firewall.table"]
    rules = graph.of_type("openstack:networking/secGroupRule:SecGroupRule")
    assert not [name for name in rules if name.startswith("gateway-api")]
    waits = graph.commands()["control-plane-0"].dependencies
    assert "Members/api" in waits


def test_certificate_names_are_the_users_too() -> None:
    graph, _ = graphs.run({**LAB, "api": {"certificateNames": ["api.example.org"]}})
    assert names_of_the_api(graph)[-1] == "api.example.org"


def test_mtu_is_that_of_our_networks_and_is_left_to_the_cloud() -> None:
    for values, expected in (({}, None), ({"mtu": 1400}, 1400)):
        graph, _ = graphs.run({**LAB, "network": {"private": "10.20.0.0/24", **values}})
        networks = graph.of_type("openstack:networking/network:Network")
        assert {network.inputs.get("mtu") for network in networks.values()} == {expected}


def test_the_quota_of_etcd_is_in_bytes() -> None:
    graph, _ = graphs.run({**LAB, "etcd": {"quota": "4Gi"}})
    assert "ETCD_QUOTA_BACKEND_BYTES=4294967296\n" in graphs.state(graph, "etcd-0")["etcd"]["files"]["environment"]


@pytest.fixture(scope="module")
def volumes() -> Graph:
    """Members of etcd and workers with volumes."""
    return graphs.run(VOLUMES)[0]


def test_each_machine_has_a_volume_of_its_own(volumes: Graph) -> None:
    made = volumes.of_type(VOLUME)
    assert set(made) == {f"etcd-{i}-data" for i in range(3)} | {f"worker-general-{i}-data" for i in range(2)}
    assert made["etcd-1-data"].inputs == {
        "name": "lab-etcd-1-data",
        "description": "data of lab-etcd-1",
        "size": 10,
        "volumeType": "fast",
        "availabilityZone": "b",
        "enableOnlineResize": True,
        "metadata": {"openstack-paas": "lab"},
    }
    assert not {"volumeType", "availabilityZone"} & set(made["worker-general-0-data"].inputs)


def test_machines_are_spread_over_zones(volumes: Graph) -> None:
    zones = {name: i.inputs.get("availabilityZone") for name, i in volumes.of_type(INSTANCE).items()}
    assert [zones[f"etcd-{i}"] for i in range(3)] == ["a", "b", "a"]
    assert zones["worker-general-0"] is None


def test_a_volume_outlives_its_machine(volumes: Graph) -> None:
    """It hangs on nothing of the machine; only the attachment is replaced with it, and the machine's step."""
    for name, attachment in volumes.of_type(ATTACHMENT).items():
        machine = name.removesuffix("-data")
        assert attachment.inputs == {"instanceId": f"{machine}-id", "volumeId": f"{name}-id"}
        assert attachment.delete_before_replace
        assert attachment.deleted_with == f"Instance/{machine}"
        assert not {d for d in volumes.of_type(VOLUME)[name].dependencies if d.startswith("Instance/")}
        # So that destroy takes the machine first.
        assert f"Volume/{name}" in volumes.of_type(INSTANCE)[machine].dependencies
        assert f"VolumeAttach/{name}" in volumes.commands()[machine].dependencies


def test_the_step_mounts_the_volume_before_the_roles_own_script(volumes: Graph) -> None:
    for name, kept in (
        ("etcd-0", ["etcd-0-data-id", 10, "/var/lib/etcd", "etcd.service"]),
        ("worker-general-0", ["worker-general-0-data-id", 20, "/disks", "kubelet.service"]),
    ):
        volume = graphs.state(volumes, name)["machine"]["volume"]
        assert [volume[key] for key in ("id", "gib", "path", "service")] == kept
