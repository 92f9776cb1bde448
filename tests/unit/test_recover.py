"""After a killed `up`: what was begun is taken away, what the state knows stays."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ops.recover import Cloud, begun_creations, recover


def creating(kind: str, **inputs: Any) -> dict[str, Any]:
    """A pending creation as an exported deployment has it."""
    return {"type": "creating", "resource": {"type": kind, "urn": f"urn:pulumi:lab::p::{kind}::x", "inputs": inputs}}


class FakeCloud:
    """An OpenStack connection that lists a few things and keeps what was deleted."""

    def __init__(self) -> None:
        self.deleted: list[str] = []
        thing = SimpleNamespace

        def delete(item: Any) -> None:
            self.deleted.append(item.id)

        ports = [thing(id="p1", name="lab-etcd-0"), thing(id="p2", name="lab-etcd-0"), thing(id="p3", name="other")]
        servers = [thing(id="s1", name="lab-etcd-0"), thing(id="s2", name="lab-etcd-01")]
        rules = [
            thing(
                id="r1",
                protocol="tcp",
                port_range_min=22,
                port_range_max=22,
                remote_ip_prefix="10.0.0.0/8",
                remote_group_id=None,
            ),
            thing(
                id="r2",
                protocol="tcp",
                port_range_min=80,
                port_range_max=80,
                remote_ip_prefix="10.0.0.0/8",
                remote_group_id=None,
            ),
        ]
        nothing: Any = lambda **_: []  # noqa: E731
        self.load_balancer = thing(
            load_balancers=lambda name: [thing(id="b1", name=name)],
            delete_load_balancer=lambda item, cascade: delete(item) if cascade else None,
        )
        self.block_storage = thing(volumes=lambda name: [thing(id="v1", name=name), thing(id="v2", name=name)])
        self.network = thing(
            networks=nothing,
            subnets=nothing,
            routers=nothing,
            security_groups=nothing,
            ports=lambda **_: ports,
            security_group_rules=lambda **_: rules,
            delete_network=delete,
            delete_subnet=delete,
            delete_router=delete,
            delete_port=delete,
            delete_security_group=delete,
            delete_security_group_rule=delete,
        )
        self.compute = thing(
            servers=lambda **_: servers,
            server_groups=nothing,
            keypairs=nothing,
            delete_server=delete,
            delete_server_group=delete,
            delete_keypair=delete,
            wait_for_delete=lambda *_, **__: None,
        )


def test_deletes_what_was_begun_and_nothing_that_is_known_or_named_otherwise() -> None:
    fake, said = FakeCloud(), list[str]()
    deployment = {
        "resources": [{"id": "p2"}],
        "pending_operations": [
            creating("openstack:networking/port:Port", name="lab-etcd-0"),
            creating("openstack:compute/instance:Instance", name="lab-etcd-0"),
        ],
    }
    assert recover(deployment, Cloud(fake), said.append) == 2
    assert fake.deleted == ["s1", "p1"], "machines go before their ports"
    assert len(said) == 2


def test_a_begun_rule_is_found_by_what_it_says() -> None:
    fake = FakeCloud()
    rule = creating(
        "openstack:networking/secGroupRule:SecGroupRule",
        securityGroupId="g",
        protocol="tcp",
        portRangeMin=22,
        portRangeMax=22,
        remoteIpPrefix="10.0.0.0/8",
    )
    assert recover({"resources": [], "pending_operations": [rule]}, Cloud(fake), lambda _: None) == 1
    assert fake.deleted == ["r1"]


def test_other_operations_and_kinds_need_nothing() -> None:
    update = {**creating("openstack:networking/port:Port", name="lab-etcd-0"), "type": "updating"}
    command = creating("command:remote:Command")
    fake = FakeCloud()
    deployment = {"resources": [], "pending_operations": [update, command]}
    assert len(begun_creations(deployment)) == 1
    assert recover(deployment, Cloud(fake), lambda _: None) == 0
    assert fake.deleted == []


def test_a_load_balancer_goes_with_everything_in_it() -> None:
    fake = FakeCloud()
    deployment = {"pending_operations": [creating("openstack:loadbalancer/loadBalancer:LoadBalancer", name="lab-api")]}
    assert recover(deployment, Cloud(fake), lambda _: None) == 1
    assert fake.deleted == ["b1"]


def test_a_volume_that_no_state_knows_is_named_and_stays() -> None:
    fake = FakeCloud()
    said: list[str] = []
    deployment = {
        "resources": [{"id": "v1"}],
        "pending_operations": [creating("openstack:blockstorage/volume:Volume", name="lab-etcd-0-data")],
    }
    assert recover(deployment, Cloud(fake), said.append) == 0
    assert not fake.deleted
    (line,) = said
    assert "lab-etcd-0-data (v2)" in line and "may hold data" in line
