"""What a plan takes of the cloud, and the ids that it is made with."""

from dataclasses import replace
from typing import Any

import pytest

from preflight import planned, quota_usage
from preflight.checks import errors
from preflight.cloud import Existing, Image
from preflight.context import Context
from preflight.run import catalog
from settings.load import parse
from settings.running import Form, Generations, Running
from tests.unit.preflight.samples import (
    BROUGHT,
    FITS,
    OURS,
    PROVIDER,
    PROVIDES,
    context,
    existing,
    texts,
)


def more_needed(seen: Context) -> dict[str, int]:
    """What is needed of each quota."""
    return {need.quota: need.more for need in quota_usage.needs(seen)}


def test_need_of_a_platform_from_nothing() -> None:
    assert more_needed(context(FITS)) == {
        "instances": 5,
        # m1.small, m1.medium twice, m1.large twice.
        "cores": 1 + 2 + 2 + 4 + 4,
        "ram": 2048 + 2 * 4096 + 2 * 8192,
        # Machines, the gateway's second one, two VIPs, DHCP on two networks, the router's.
        "port": 5 + 1 + 2 + 2 + 1,
        "network": 2,
        "subnet": 2,
        "router": 1,
        "security_group": 6,
        "security_group_rule": 21 + 2 * 6,
        "floatingip": 2,
        "volumes": 0,
        "gigabytes": 0,
        "key_pairs": 1,
        "server_groups": 4,
    }


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"network": {"publicVip": "none"}}, {"floatingip": 1, "port": 10}),
        (PROVIDER, {"floatingip": 0, "network": 1, "subnet": 1, "router": 0, "port": 9}),
        (BROUGHT, {"floatingip": 1}),
        ({"api": {"loadBalancer": "octavia"}}, {"floatingip": 3, "port": 12, "load_balancer": 1}),
        (
            {
                "etcd": {"count": 3, "volume": {"sizeGib": 7}},
                "workers": {"general": {"count": 2, "volume": {"sizeGib": 9}}},
            },
            {"volumes": 5, "gigabytes": 3 * 7 + 2 * 9, "instances": 7},
        ),
    ],
)
def test_need_by_mode(values: dict[str, Any], expected: dict[str, int]) -> None:
    found = more_needed(context(FITS, **values))
    assert {name: found[name] for name in expected} == expected


def test_what_exists_is_not_counted_twice() -> None:
    whole = context(FITS)
    planned = (
        ("server", "dev-etcd-0"),
        ("port", "dev-etcd-0"),
        ("network", "dev-edge"),
        ("security group", "dev-node"),
    )
    things = [Existing(kind, name, f"{kind}-id", OURS) for kind, name in planned]  # type: ignore[arg-type]
    ip = Existing("floating ip", "203.0.113.4", "ip-id", OURS)
    before, after = more_needed(whole), more_needed(context(existing(*things, ip, Existing("key pair", "dev", "dev"))))
    less = {name: before[name] - after[name] for name in before if before[name] != after[name]}
    assert less.pop("security_group_rule") > 2
    assert less == {
        "instances": 1,
        "cores": 2,
        "ram": 4096,
        # Its own and the DHCP port of the network.
        "port": 2,
        "network": 1,
        "security_group": 1,
        "floatingip": 1,
        "key_pairs": 1,
        # The group that the machine is in.
        "server_groups": 1,
    }


def test_after_a_rotation_of_the_ssh_key_the_key_pair_of_the_new_generation_is_ours() -> None:
    keys: dict[str, Any] = {"access": {"sshKeys": {"login": "2", "accepted": ["1", "2"]}}}
    new, old = Existing("key pair", "dev-2", "dev-2"), Existing("key pair", "dev", "dev")
    living = Running(kubernetes="1.34.2", ssh_keys=Generations("2", ("1", "2")))
    assert more_needed(context(existing(new), living, **keys))["key_pairs"] == 0
    assert more_needed(context(existing(old), living, **keys))["key_pairs"] == 1, (
        "the new one is made beside the old one"
    )
    assert texts(errors(context(existing(new), **keys))) != [], "somebody else's, where nothing of ours exists"


def test_a_changed_spread_takes_a_second_server_group() -> None:
    form = Form(flavor="m1.large", group="worker-general")
    names = ("dev-worker-general-0", "dev-worker-general-1")
    living = Running(
        instances={name: f"{name}-id" for name in names},
        forms=dict.fromkeys(names, form),
        spreads=dict.fromkeys(("gateway", "etcd", "control-plane", "worker-general"), "preferred"),
    )
    values = {
        "workers": {"general": {"count": 2, "flavor": "m1.large", "spread": "required"}},
        "rollout": {"replace": names[:1]},
    }
    servers = existing(*(Existing("server", name, f"{name}-id", OURS) for name in names))
    before = Context.of(parse({"preset": "dev"}, "dev", living), servers, living)
    assert more_needed(before)["server_groups"] == 0
    changed = Context.of(parse({"preset": "dev", **values}, "dev", living), servers, living)
    assert more_needed(changed)["server_groups"] == 1
    groups = planned.groups_by_name(changed.platform)
    assert {name: len(group.machines) for name, group in groups.items() if "general" in name} == {
        "dev-worker-general": 1,
        "dev-required-worker-general": 1,
    }


def test_the_catalog_has_ids_by_name_and_the_newest_image() -> None:
    older, newer = (Image(f"{day}-id", "debian-12", "active", created=f"2026-01-0{day}T00:00:00Z") for day in (1, 2))
    broken = Image("broken-id", "debian-12", "queued", created="2026-01-03T00:00:00Z")
    found = catalog(context(replace(FITS, images=(newer, older, broken))))
    assert found.external_network_id == "public-id"
    assert found.flavors == {"m1.small": "small-id", "m1.medium": "medium-id", "m1.large": "large-id"}
    assert found.images == {"debian-12": "2-id"}
    assert catalog(context(PROVIDES, **PROVIDER)).external_subnet_id == "public-subnet-id"
