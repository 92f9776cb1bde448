"""Settings: defaults, presets, and bad input that is reported whole, with key, value, rule and fix."""

from __future__ import annotations

from typing import Any

import pytest

from settings.load import SettingsError, parse
from settings.presets import PRESETS
from settings.security import table


def problems(values: dict[str, Any], stack: str = "dev") -> tuple[str, ...]:
    """The problems that `values` have."""
    with pytest.raises(SettingsError) as caught:
        parse(values, stack)
    return caught.value.problems


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_a_whole_platform(preset: str) -> None:
    platform = parse({"preset": preset}, "test")
    assert platform.addresses.machines
    assert len({machine.address for machine in platform.addresses.machines}) == len(platform.addresses.machines)


def test_a_key_of_the_stack_overrides_its_preset() -> None:
    platform = parse({"preset": "production", "etcd": '{"count": 5}'}, "prod")
    assert len(platform.addresses.etcd) == 5
    assert platform.settings.control_planes.count == 3


BAD: list[tuple[dict[str, Any], str]] = [
    ({"preset": "large"}, "preset 'large': must be one of education, dev, production"),
    ({"gateway": {}}, "gateway: unknown key; did you mean gateways?"),
    ({"network": {"privat": "10.0.0.0/24"}}, "network.privat: unknown key; did you mean private?"),
    (
        {"workers": {"general": {"count": 1, "flavour": "big"}}},
        "workers.general.flavour: unknown key; did you mean flavor?",
    ),
    ({"etcd": {"count": 0}}, "etcd.count 0: Input should be greater than or equal to 1"),
    (
        {"etcd": {"count": 4}},
        "etcd: count 4 tolerates 1 lost members, no more than 3 do: use an odd number (1, 3, 5 or 7)",
    ),
    (
        {"etcd": {"heartbeatMilliseconds": 1000, "electionMilliseconds": 1000}},
        "etcd: electionMilliseconds must be 5 to 50 times heartbeatMilliseconds",
    ),
    (
        {"network": {"edge": "10.20.0.0/24"}},
        "network: edge 10.20.0.0/24 overlaps private 10.20.0.0/22: choose ranges that are apart",
    ),
    ({"network": {"private": "10.20.0.1/24"}}, "network.private '10.20.0.1/24': Input is not a valid IPv4 network"),
    (
        {"network": {"private": "10.20.0.0/30"}},
        "network.private '10.20.0.0/30': must hold at least 16 addresses (/28 or larger)",
    ),
    (
        {"kubernetes": {"version": "1.20.0"}},
        "kubernetes.version '1.20.0': is not in the version table: choose one of 1.34.2, 1.35.0",
    ),
    ({"workers": {"a": {"count": 1, "keys": ["x"]}}}, "workers.a: count and keys exclude each other: keep one"),
    ({"workers": {"a": {"keys": ["x", "x"]}}}, "workers.a: keys must differ from each other"),
    (
        {"preset": "production", "controlPlanes": {"count": 4}},
        "controlPlanes.count 4: an even number tolerates no more loss than 3; use 3 or 5",
    ),
    (
        {"workers": {"a": {"count": 0}}},
        "workers: no machine may run pods, but database.enabled is true; "
        "add a worker pool or set controlPlanes.schedulable",
    ),
    (
        {"workers": {"a": {"count": 2, "firstAddress": 40}, "b": {"count": 2, "firstAddress": 41}}},
        "workers: worker-b-0 and worker-a-1 share the address 10.20.0.41; set firstAddress of the pools",
    ),
]


@pytest.mark.parametrize(("values", "message"), BAD, ids=[message[:50] for _, message in BAD])
def test_bad_input_is_named(values: dict[str, Any], message: str) -> None:
    assert message in problems(values)


def test_all_problems_come_in_one_report() -> None:
    found = problems(
        {
            "etcd": {"count": "three"},
            "gateway": {},
            "database": {"size": "8GB"},
            "mirrors": {"images": {"docker.io": "x"}},
        }
    )
    assert len(found) == 4
    assert {problem.split(" ")[0].rstrip(":") for problem in found} == {
        "etcd.count",
        "gateway",
        "database.size",
        "mirrors.images.docker.io",
    }


def test_a_stack_name_that_fits_no_host_name_needs_a_cluster_name() -> None:
    assert "clusterName 'My_Stack'" in problems({}, "My_Stack")[0]
    assert parse({"clusterName": "mine"}, "My_Stack").cluster == "mine"


def test_a_full_network_is_refused_with_the_machine_that_does_not_fit() -> None:
    (problem,) = problems({"network": {"private": "10.20.0.0/26"}, "workers": {"a": {"count": 40}}})
    assert "network.private 10.20.0.0/26 is too small: worker-a-15 would be address 48 of 64" in problem


def test_a_second_pool_and_more_machines_move_nobody() -> None:
    before = parse({"workers": {"a": {"count": 2}}}, "dev").addresses
    after = parse({"workers": {"a": {"count": 5}, "b": {"count": 1}}, "etcd": {"count": 5}}, "dev").addresses
    old, new = ({m.name: m.address for m in plan.machines} for plan in (before, after))
    assert old.items() <= new.items()


def test_security_table_lets_only_gateways_and_members_in() -> None:
    platform = parse({"preset": "production"}, "prod")
    rules = table(platform.settings, platform.addresses)
    etcd = {(rule.name, rule.first_port, rule.source or rule.cidr) for rule in rules if rule.group == "etcd"}
    assert etcd == {
        ("ssh", 22, "10.20.0.12/30"),
        ("icmp", 0, "10.20.0.0/22"),
        ("peers", 2379, "etcd"),
        ("clients", 2379, "control-plane"),
    }
    open_to_all = {(rule.group, rule.first_port) for rule in rules if rule.cidr == "0.0.0.0/0"}
    assert open_to_all == {("gateway", 22), ("gateway", 6443), ("ingress", 80), ("ingress", 443), ("ingress", 0)}
