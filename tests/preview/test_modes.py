"""Each kind of public VIP, Octavia, zones and volumes, on the real engine with the provider's own schema."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.preview.stack import Preview, Stack
from tests.preview.test_stacks import ON_THE_LAB

MakeStack = Callable[[str], Stack]
#: Addresses on the lab's external network outside the pool of floating IPs (172.24.4.100 to 200).
PROVIDER_NETWORK = {
    "publicVip": "provider-network",
    "edge": "172.24.4.0/24",
    "edgeGateway": "172.24.4.1",
    "publicVipAddress": "172.24.4.20",
}
GATEWAYS = {**ON_THE_LAB["gateways"], "count": 2}


def planned(preview: Preview) -> dict[str, dict[str, dict[str, Any]]]:
    """The inputs of all planned OpenStack resources, by type and name."""
    assert preview.status == 0, preview.text
    assert set(preview.operations()) == {"create"}
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for step in preview.steps:
        state = step["newState"]
        if state["type"].startswith("openstack:"):
            kind = state["type"].split(":")[-1]
            found.setdefault(kind, {})[step["urn"].split("::")[-1]] = state.get("inputs", {})
    return found


@pytest.fixture
def offline(stack: MakeStack) -> Stack:
    """A stack that is previewed without a cloud, for services that the lab does not have."""
    made = stack("offline")
    made.leave_cloud()
    made.environment["OPENSTACK_PAAS_PREFLIGHT"] = "optional"
    return made


def test_provider_network(stack: MakeStack) -> None:
    made = stack("provider")
    # Only the administrator can see the subnets of the lab's external network. A real site would share its own.
    made.environment["OS_CLOUD"] = "lab-admin"
    made.configure(
        {
            "preset": "dev",
            **ON_THE_LAB,
            "network": PROVIDER_NETWORK,
            "gateways": {**GATEWAYS, "edgeAddresses": ["172.24.4.21", "172.24.4.22"]},
        }
    )
    plan = planned(made.preview())
    assert not {"Router", "RouterInterface", "FloatingIp", "FloatingIpAssociate"} & set(plan)
    ports = [plan["Port"][name]["fixedIps"][0] for name in ("public-vip", "gateway-0-edge", "gateway-1-edge")]
    assert [port["ipAddress"] for port in ports] == [f"172.24.4.{last}" for last in (20, 21, 22)]
    # The preflight found the subnet in the cloud.
    assert len({port["subnetId"] for port in ports}) == 1
    assert len(ports[0]["subnetId"]) == len("4be3c9b8-0f4f-4d43-b1f0-04f25ee4cd19")


def test_no_public_vip(stack: MakeStack) -> None:
    made = stack("without")
    made.configure({"preset": "dev", **ON_THE_LAB, "network": {"publicVip": "none"}, "gateways": GATEWAYS})
    plan = planned(made.preview())
    assert "public-vip" not in plan["Port"]
    assert set(plan["FloatingIp"]) == {"gateway-0", "gateway-1"}


def test_octavia(offline: Stack) -> None:
    offline.configure({"preset": "dev", **ON_THE_LAB, "api": {"loadBalancer": "octavia"}})
    plan = planned(offline.preview())
    for kind in ("LoadBalancer", "Listener", "Pool", "Monitor", "Members"):
        assert set(plan[kind]) == {"api"}, kind
    assert set(plan["FloatingIp"]) == {"api", "api-load-balancer", "gateway-0"}


def test_volumes_and_zones(offline: Stack) -> None:
    volume = {"volume": {"sizeGib": 10, "type": "fast"}}
    offline.configure(
        {
            "preset": "dev",
            **ON_THE_LAB,
            "etcd": {**ON_THE_LAB["etcd"], **volume, "count": 3, "availabilityZones": ["a", "b", "c"]},
            "workers": {"general": {**ON_THE_LAB["workers"]["general"], **volume}},
        }
    )
    plan = planned(offline.preview())
    assert set(plan["Volume"]) == set(plan["VolumeAttach"])
    assert len(plan["Volume"]) == 5
    assert [plan["Instance"][f"etcd-{i}"]["availabilityZone"] for i in range(3)] == ["a", "b", "c"]
