"""What each key of `protection` keeps from removal, and nothing else."""

from typing import Any

import pytest

from tests.unit.components import graph as graphs
from tests.unit.components.graph import LAB
from tests.unit.components.test_modes import NO_VIP, OCTAVIA, PROVIDER, VOLUMES

OFF = {"etcd": False, "database": False, "vips": False}
DATABASE = {
    "Release/mariadb",
    "Namespace/database",
    "Secret/mariadb-passwords",
    "Password/database-root-password",
    "PrivateKey/database-root-password",
    "Password/database-replication-password",
    "PrivateKey/database-replication-password",
}


def protected(values: dict[str, Any], **protection: bool) -> set[str]:
    """Everything protected, as type/name."""
    graph, _ = graphs.run({**values, "protection": OFF | protection})
    return {f"{r.type.split(':')[-1]}/{r.name}" for r in graph.resources if r.protect}


def test_nothing_is_protected_where_nothing_is_asked_for() -> None:
    assert not protected(LAB)


def test_members_of_etcd_are_protected_while_they_hold_the_data() -> None:
    assert protected(LAB, etcd=True) == {f"Instance/etcd-{i}" for i in range(3)}


def test_with_volumes_the_data_is_protected_and_machines_can_be_replaced() -> None:
    assert protected(VOLUMES, etcd=True) == {f"Volume/etcd-{i}-data" for i in range(3)}


def test_the_database_is_protected_with_its_passwords_and_the_workers_volumes() -> None:
    assert protected(LAB, database=True) == DATABASE
    assert protected(VOLUMES, database=True) == DATABASE | {f"Volume/worker-general-{i}-data" for i in range(2)}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (LAB, {"Port/public-vip", "Port/private-vip", "FloatingIp/api"}),
        (PROVIDER, {"Port/public-vip", "Port/private-vip"}),
        (NO_VIP, {"Port/private-vip", "FloatingIp/gateway-0"}),
        (
            OCTAVIA,
            {
                "Port/public-vip",
                "Port/private-vip",
                "FloatingIp/api",
                "LoadBalancer/api",
                "FloatingIp/api-load-balancer",
            },
        ),
    ],
    ids=["floating-ip", "provider-network", "none", "octavia"],
)
def test_addresses_that_clients_know_are_protected(values: dict[str, Any], expected: set[str]) -> None:
    assert protected(values, vips=True) == expected


def test_production_protects_all_of_it() -> None:
    graph, _ = graphs.run(LAB)
    kinds = {r.type.split(":")[-1] for r in graph.resources if r.protect}
    assert {"Instance", "Release", "Port", "FloatingIp"} <= kinds
