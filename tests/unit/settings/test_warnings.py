"""What is allowed but unwise: a warning each, and the platform comes up all the same."""

from typing import Any

import pytest

from settings.load import parse
from settings.stack_file import ENCRYPTED

PRODUCTION = {"preset": "production"}
APT = {"uri": "http://mirror.example/apt", "suite": "stable", "components": ["main"]}
S3_KEYS = {"backupS3AccessKey": ENCRYPTED, "backupS3SecretKey": ENCRYPTED}
S3 = {"endpoint": "https://s3.example.org", "bucket": "backups"}
WARNINGS: list[tuple[dict[str, Any], list[str]]] = [
    ({"controlPlanes": {"count": 2}}, ["controlPlanes.count"]),
    ({"workers": {"a": {"count": 1}}}, ["workers", "database.replicas"]),
    ({**PRODUCTION, "workers": {"a": {"count": 1}}}, ["workers", "database.replicas"]),
    ({**PRODUCTION, "etcd": {"count": 1}}, ["etcd.count"]),
    ({**PRODUCTION, "controlPlanes": {"count": 1}}, ["controlPlanes.count", "workers"]),
    ({**PRODUCTION, "gateways": {"count": 1}}, ["gateways.count"]),
    ({**PRODUCTION, "database": {"replicas": 0}}, ["database.replicas"]),
    ({**PRODUCTION, "database": {"replicas": 3}}, ["database.replicas"]),
    ({**PRODUCTION, "etcd": {"availabilityZones": ["one", "two"]}}, ["etcd.availabilityZones"]),
    ({**PRODUCTION, "mirrors": {"kubernetes": APT}}, ["mirrors.kubernetes.keyUrl"]),
    ({"etcd": {"quota": "16Gi"}}, ["etcd.quota"]),
    ({"network": {"pods": "8.0.0.0/16"}}, ["network.pods"]),
    ({"network": {"dnsServers": ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"]}}, ["network.dnsServers"]),
    ({"kubernetes": {"ignorePreflightErrors": ["all"]}}, ["kubernetes.ignorePreflightErrors"]),
    ({"workers": {"a": {"count": 2, "volume": {"sizeGib": 5}}}}, ["workers.a.volume.sizeGib"]),
    ({"network": {"publicVip": "none"}, "gateways": {"count": 2}}, ["network.publicVip"]),
    ({"network": {"privateVipAddress": "10.20.0.200"}}, ["network.privateVipAddress"]),
    ({"database": {"bufferPool": "500Mi"}}, ["database.bufferPool"]),
    ({"database": {"enabled": False}, "workers": {"a": {"count": 2, "taints": ["x:NoSchedule"]}}}, ["workers"]),
    ({"addons": {"flannel": {"version": "1.0.0"}}}, ["addons.flannel"]),
    ({"database": {"enabled": False}, "addons": {"mariadb": {"version": "1.0.0"}}}, ["addons.mariadb"]),
    ({"api": {"octavia": {"provider": "ovn"}}}, ["api.octavia"]),
    ({**PRODUCTION, "backups": {"etcd": {"enabled": False}}}, ["backups.etcd.enabled"]),
    ({**PRODUCTION, "backups": {"database": {"enabled": False}}}, ["backups.database.enabled"]),
    ({**PRODUCTION, "database": {"acknowledge": "primary"}}, ["database.acknowledge"]),
    ({"database": {"acknowledge": "always-one-replica", "replicas": 1}}, ["database.acknowledge"]),
    ({"backups": {"encryptTo": [f"age1{'q' * 58}"]}}, ["backups.encryptTo"]),
    ({**S3_KEYS, "backups": {"encryptTo": [f"age1{'q' * 58}"], "copyTo": {"s3": S3}}}, ["backups.encryptTo"]),
]


@pytest.mark.parametrize(("values", "keys"), WARNINGS, ids=[f"{keys[0]}-{i}" for i, (_, keys) in enumerate(WARNINGS)])
def test_warned_but_allowed(values: dict[str, Any], keys: list[str]) -> None:
    assert [warning.key for warning in parse(values, "dev").warnings] == keys


def test_a_warning_says_rule_and_fix() -> None:
    (warning,) = parse({**PRODUCTION, "gateways": {"count": 1}}, "prod").warnings
    assert str(warning) == "gateways.count 1: if the only gateway is lost, so is the way in and out; use 2"


def test_a_dev_platform_of_two_nodes_is_told_what_is_usual() -> None:
    warnings = parse({"workers": {"a": {"count": 1}}, "database": {"replicas": 0}}, "dev").warnings
    assert [str(warning) for warning in warnings] == [
        "workers: 2 nodes with the control planes, and the preset dev expects 3; use 3 or 4"
    ]


def test_a_database_of_etcd_that_is_too_large_is_warned_of_with_the_reason() -> None:
    assert [w.key for w in parse({"etcd": {"quota": "8Gi"}}, "dev").warnings] == []
    (warning,) = parse({"etcd": {"quota": "9Gi"}}, "dev").warnings
    assert str(warning) == (
        "etcd.quota 9Gi: is over the 8Gi that etcd suggests at most (https://etcd.io/docs/v3.6/dev-guide/limit/): a "
        "member that starts, joins or is defragmented reads all of it, and the others wait for that; use 8Gi or less"
    )


@pytest.mark.parametrize(
    "kubelet",
    [
        {"authentication": {"anonymous": {"enabled": False}}, "authorization": {"mode": "Webhook"}, "readOnlyPort": 0},
        {"authentication": {"webhook": {"cacheTTL": "1m0s"}}},
    ],
)
def test_a_kubelet_that_stays_shut_is_nobody_s_business(kubelet: dict[str, Any]) -> None:
    assert parse({"kubernetes": {"kubeletConfiguration": kubelet}}, "dev").warnings == ()
