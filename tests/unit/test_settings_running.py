"""Changes of what runs already: versions that may follow, and settings that stay."""

from __future__ import annotations

from typing import Any

import pytest

from settings import versions
from settings.fixed import fixed_settings
from settings.load import parse
from settings.problem import SettingsError
from settings.running import Running, from_outputs
from settings.versions import DEFAULT_KUBERNETES

LIVING = Running(kubernetes="1.34.2", fixed=fixed_settings(parse({}, "dev")))


def report(values: dict[str, Any], running: Running) -> list[str]:
    """What is said of a change to `values`; nothing when it may be."""
    try:
        parse(values, "dev", running)
    except SettingsError as error:
        return [str(problem) for problem in error.problems]
    return []


def version(wanted: str, now: str) -> list[str]:
    """What is said of going from one version to another."""
    return report({"kubernetes": {"version": wanted}}, Running(kubernetes=now))


@pytest.mark.parametrize("now", ["1.34.2", "1.34.0", "1.33.9", "", "unknown"])
def test_versions_that_1_34_2_may_follow(now: str) -> None:
    assert version("1.34.2", now) == []


def test_a_skipped_minor_names_the_version_between() -> None:
    assert version("1.35.0", "1.33.5") == [
        "kubernetes.version 1.35.0: skips a minor version: the cluster runs 1.33.5, and kubeadm goes up by one at a "
        "time (https://kubernetes.io/releases/version-skew-policy/); bring up 1.34.2 first"
    ]


def test_a_skipped_minor_whose_step_this_program_does_not_know() -> None:
    (problem,) = version("1.34.2", "1.32.1")
    assert problem.endswith("bring up a release of this program that has 1.33.x, and that version first")


@pytest.mark.parametrize(("wanted", "now"), [("1.34.2", "1.35.0"), ("1.34.2", "1.34.9")])
def test_neither_a_minor_nor_a_patch_goes_back(wanted: str, now: str) -> None:
    after = "" if now in versions.KUBERNETES else " or a newer one"
    assert version(wanted, now) == [
        f"kubernetes.version {wanted}: is older than {now}, which the cluster runs: Kubernetes does not go back; "
        f"set it to {now}{after}"
    ]


POOLS: dict[str, Any] = {"one": {"count": 2}, "two": {"machines": {"a": 0, "b": 1}, "firstAddress": 64}}
THEIRS = {
    "dev-worker-one-0": "10.20.0.32",
    "dev-worker-one-1": "10.20.0.33",
    "dev-worker-two-a": "10.20.0.64",
    "dev-worker-two-b": "10.20.0.65",
}


@pytest.mark.parametrize(
    ("pools", "key", "moved"),
    [
        (
            {**POOLS, "one": {"count": 2, "firstAddress": 128}},
            "workers.one.firstAddress 128",
            "dev-worker-one-0 from 10.20.0.32 to 10.20.0.128, dev-worker-one-1 from 10.20.0.33 to 10.20.0.129",
        ),
        (
            {**POOLS, "two": {"machines": {"a": 0, "b": 5}, "firstAddress": 64}},
            "workers.two.machines {a: 0, b: 5}",
            "dev-worker-two-b from 10.20.0.65 to 10.20.0.69",
        ),
    ],
)
def test_no_line_takes_the_address_of_machines_that_run(pools: dict[str, Any], key: str, moved: str) -> None:
    living = Running(instances=dict.fromkeys(THEIRS, "id"), addresses=THEIRS)
    assert report({"workers": pools}, living) == [
        f"{key}: would move {moved}: they run, and their ports would let nothing through that comes from the address "
        "which they have; set it back, or make another pool there and let this one go afterwards"
    ]
    assert report({"workers": POOLS}, living) == []
    assert report({"workers": pools}, Running()) == []


def test_a_wrong_first_address_is_not_reported_twice() -> None:
    living = Running(instances=dict.fromkeys(THEIRS, "id"), addresses=THEIRS)
    (problem,) = report({"workers": {"two": {**POOLS["two"], "firstAddress": 3}}}, living)
    assert problem == "workers.two.firstAddress 3: must be 32 or more; use 32 or more"


def test_a_pool_that_grows_or_shrinks_moves_nobody() -> None:
    living = Running(instances=dict.fromkeys(THEIRS, "id"), addresses=THEIRS)
    assert report({"workers": {**POOLS, "one": {"count": 5}}}, living) == []
    assert report({"workers": {"one": {"count": 1}, "two": {"machines": {"b": 1}, "firstAddress": 64}}}, living) == []


def test_an_unchanged_stack_may_come_up_again() -> None:
    assert report({}, LIVING) == []


@pytest.mark.parametrize(
    ("values", "key", "value"),
    [
        ({"network": {"pods": "10.128.0.0/16"}}, "network.pods", "10.244.0.0/16"),
        ({"network": {"services": "10.97.0.0/16"}}, "network.services", "10.96.0.0/16"),
        ({"network": {"dnsDomain": "other.local"}}, "network.dnsDomain", "cluster.local"),
        ({"network": {"private": "10.30.0.0/22"}}, "network.private", "10.20.0.0/22"),
        ({"network": {"edge": "10.31.0.0/27"}}, "network.edge", "10.21.0.0/27"),
        ({"network": {"privateVipAddress": "10.20.0.7"}}, "network.privateVipAddress", "10.20.0.5"),
        ({"kubernetes": {"cni": "flannel"}}, "kubernetes.cni", "calico"),
        ({"clusterName": "other"}, "clusterName", "dev"),
        ({"api": {"loadBalancer": "octavia"}}, "api.loadBalancer", "gateways"),
        ({"database": {"size": "16Gi"}}, "database.size", "8Gi"),
        ({"storage": {"className": "fast"}}, "storage.className", "local-path"),
    ],
)
def test_what_is_built_into_a_living_cluster_stays(values: dict[str, Any], key: str, value: str) -> None:
    problems = report(values, LIVING)
    assert any(
        problem.startswith(f"{key} ")
        and problem.endswith(
            f"cannot change while the cluster lives, which has {value}; set it back to {value}, or bring up another "
            "stack and move there"
        )
        for problem in problems
    ), problems


def test_the_database_s_size_is_free_again_without_one() -> None:
    assert report({"database": {"enabled": False, "size": "16Gi"}}, LIVING) == []


def test_everything_else_may_change() -> None:
    values = {
        "etcd": {"count": 5},
        "controlPlanes": {"count": 3},
        "gateways": {"count": 2},
        "workers": {"a": {"count": 5}, "b": {"count": 2, "firstAddress": 64}},
        "kubernetes": {"version": "1.35.0", "podsPerNode": 50},
        "database": {"replicas": 2, "memory": "1Gi"},
    }
    assert report(values, LIVING) == []


def test_running_is_read_from_the_stack_s_outputs() -> None:
    outputs = {
        "versions": {"kubernetes": "1.34.2"},
        "fixedSettings": dict(LIVING.fixed),
        "inventory": [{"name": "dev-etcd-0", "instanceId": "a"}],
    }
    assert from_outputs(outputs) == Running("1.34.2", LIVING.fixed, {"dev-etcd-0": "a"})
    assert from_outputs({}) is None


def test_a_stack_that_runs_keeps_its_version_until_its_file_names_another() -> None:
    assert parse({}, "dev", Running(kubernetes="1.34.2")).settings.kubernetes.version == "1.34.2"
    assert parse({"kubernetes": {"cni": "calico"}}, "dev", LIVING).settings.kubernetes.version == "1.34.2"
    named = parse({"kubernetes": {"version": "1.35.0"}}, "dev", Running(kubernetes="1.34.2"))
    assert named.settings.kubernetes.version == "1.35.0"
    # A new one has what is current, and so has one whose version this program does not know any more.
    assert parse({}, "dev").settings.kubernetes.version == DEFAULT_KUBERNETES
    assert parse({}, "dev", Running(kubernetes="1.34.1")).settings.kubernetes.version == DEFAULT_KUBERNETES
