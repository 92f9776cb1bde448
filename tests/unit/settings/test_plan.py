"""The address plan: no machine moves when others come and go, order does not matter, there is room to grow."""

import json
import time
from typing import Any

import pytest

from settings.load import parse
from settings.plan import Plan
from settings.problem import SettingsError

POOLS: dict[str, Any] = {
    "general": {"count": 3},
    "memory": {"machines": {"red": 0, "green": 1, "blue": 7}, "firstAddress": 128},
    "spare": {"count": 2, "firstAddress": 256, "availabilityZones": ["north", "south", "west"]},
}


def plan(**values: Any) -> Plan:
    """The plan of a production platform with these keys."""
    return parse({"preset": "production", **values}, "test").plan


def places(of: Plan) -> dict[str, tuple[str, str, str]]:
    """Where each machine is: addresses and zone by name."""
    return {machine.name: (machine.address, machine.edge_address, machine.availability_zone) for machine in of.machines}


BEFORE = places(plan(workers=POOLS))


@pytest.mark.parametrize(
    "change",
    [
        {"etcd": {"count": 7}},
        {"etcd": {"count": 1}},
        {"controlPlanes": {"count": 9}},
        {"controlPlanes": {"count": 1}},
        {"gateways": {"count": 4}},
        {"gateways": {"count": 1}},
        {"workers": {**POOLS, "general": {"count": 90}}},
        {"workers": {**POOLS, "general": {"count": 1}}},
        {"workers": {**POOLS, "memory": {"machines": {"blue": 7}, "firstAddress": 128}}},
        {"workers": {**POOLS, "memory": {"machines": {"red": 0, "black": 2}, "firstAddress": 128}}},
        {"workers": {**POOLS, "another": {"count": 5, "firstAddress": 512}}},
        {"workers": {name: pool for name, pool in POOLS.items() if name != "general"}},
        {"workers": {name: pool for name, pool in POOLS.items() if name != "memory"}},
        {"api": {"loadBalancer": "octavia"}},
        {"network": {"publicVip": "none"}},
    ],
    ids=json.dumps,
)
def test_nobody_moves_when_others_come_and_go(change: dict[str, Any]) -> None:
    after = places(plan(**{"workers": POOLS, **change}))
    both = BEFORE.keys() & after.keys()
    assert {name: after[name] for name in both} == {name: BEFORE[name] for name in both}
    assert both


def test_removing_one_named_machine_takes_only_that_one() -> None:
    machines = {"red": 0, "green": 1, "blue": 7}
    for gone in machines:
        left = {key: place for key, place in machines.items() if key != gone}
        after = places(plan(workers={**POOLS, "memory": {**POOLS["memory"], "machines": left}}))
        assert BEFORE.keys() - after.keys() == {f"worker-memory-{gone}"}
        assert after.items() <= BEFORE.items()


def test_the_order_of_keys_is_no_matter() -> None:
    def reversed_keys(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: reversed_keys(value[key]) for key in reversed(value)}
        return value

    assert plan(workers=reversed_keys(POOLS)) == plan(workers=POOLS)


def test_every_address_is_given_out_once_and_none_that_neutron_hands_out() -> None:
    of = plan(workers=POOLS, gateways={"count": 4}, etcd={"count": 7}, controlPlanes={"count": 9})
    given = [machine.address for machine in of.machines] + [of.private_vip]
    edge = [gateway.edge_address for gateway in of.gateways] + [of.public_vip, of.edge_gateway, "10.21.0.6"]
    assert len(given) == len(set(given))
    assert len(edge) == len(set(edge))
    assert of.private_pool == ("10.20.3.239", "10.20.3.254")
    assert max(int(address.split(".")[3]) for address in edge) < int(of.edge_pool[0].split(".")[3])


def test_firewall_ranges_cover_every_gateway() -> None:
    of = plan(gateways={"count": 4})
    assert of.gateway_range == "10.20.0.12/30"
    assert of.edge_gateway_ranges == ("10.21.0.12/30",)
    assert [gateway.address for gateway in of.gateways] == [f"10.20.0.{number}" for number in range(12, 16)]


def test_on_the_provider_s_network_addresses_are_the_user_s() -> None:
    of = plan(
        network={"publicVip": "provider-network", "edge": "203.0.113.0/24", "publicVipAddress": "203.0.113.50"},
        gateways={"edgeAddresses": ["203.0.113.60", "203.0.113.71"]},
    )
    assert of.public_vip == "203.0.113.50"
    assert [gateway.edge_address for gateway in of.gateways] == ["203.0.113.60", "203.0.113.71"]
    assert of.edge_gateway_ranges == ("203.0.113.60/32", "203.0.113.71/32")


def test_without_a_public_vip_there_is_none() -> None:
    assert plan(network={"publicVip": "none"}).public_vip == ""


def test_the_api_s_address_is_the_load_balancer_s_where_there_is_one() -> None:
    assert plan().api_address == "10.20.0.5"
    assert plan(api={"loadBalancer": "octavia"}).api_address == "10.21.0.6"


def test_zones_are_spread_by_key() -> None:
    machines = places(plan(workers=POOLS))
    assert [machines[f"worker-spare-{key}"][2] for key in (0, 1)] == ["north", "south"]
    assert machines["worker-general-0"][2] == ""


def test_a_suggested_first_address_leaves_room_for_both() -> None:
    with pytest.raises(SettingsError) as caught:
        plan(workers={"a": {"count": 40}, "b": {"count": 30}})
    (problem,) = caught.value.problems
    start = int(problem.fix.removeprefix("set it to "))
    assert plan(workers={"a": {"count": 80}, "b": {"count": 60, "firstAddress": start}})


def test_five_thousand_machines_are_planned_in_half_a_second() -> None:
    values = {
        "preset": "production",
        "network": {"private": "10.0.0.0/16", "pods": "10.128.0.0/11"},
        "workers": {f"pool{n}": {"count": 998, "firstAddress": 32 + 1000 * n} for n in range(5)},
        "kubernetes": {"podsPerNode": 30},
    }
    handed = {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}
    start = time.process_time()
    machines = parse(handed, "large").plan.machines
    assert time.process_time() - start < 0.5
    assert len(machines) == 4998


@pytest.mark.parametrize(
    ("pools", "looked_at"),
    [
        ({"a": {"count": 1}}, {f"worker-a-place-{n}": f"10.20.0.{32 + n}" for n in range(8)}),
        ({"a": {"machines": {"x": 9, "y": 90}}}, {f"worker-a-place-{n}": f"10.20.0.{32 + n}" for n in range(8, 16)}),
        # The blocks of two pools overlap: no address is asked twice.
        (
            {"a": {"count": 4}, "b": {"count": 1, "firstAddress": 36}},
            {f"worker-a-place-{n}": f"10.20.0.{32 + n}" for n in range(8)}
            | {f"worker-b-place-{n}": f"10.20.0.{36 + n}" for n in range(4, 8)},
        ),
        ({"a": {"count": 0}}, {}),
    ],
    ids=["first", "second block", "overlapping", "none"],
)
def test_gateways_look_at_the_block_of_each_pool_s_first_machine(pools: Any, looked_at: dict[str, str]) -> None:
    of = plan(workers=pools, database={"enabled": False})
    assert {place.name: place.address for place in of.ingress_places} == looked_at


def test_gateways_look_at_no_address_that_neutron_hands_out() -> None:
    of = plan(network={"private": "10.20.0.0/26"}, workers={"a": {"count": 12}, "b": {"count": 1, "firstAddress": 44}})
    assert [place.address for place in of.ingress_places] == [
        f"10.20.0.{number}" for number in (*range(32, 40), 44, 45, 46)
    ]
    assert of.private_pool[0] == "10.20.0.47"
