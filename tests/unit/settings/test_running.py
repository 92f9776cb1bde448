"""Changes of what runs already: versions that may follow, and settings that stay."""

from datetime import date, timedelta
from typing import Any

import pytest

from settings import checks
from settings.checks.versions import SUPPORTED
from settings.load import parse
from settings.platform import fixed
from settings.problem import SettingsError
from settings.running import Running, from_outputs
from settings.versions import DEFAULT_KUBERNETES, ETCD, KUBERNETES

#: What a new stack gets.
DEFAULT = KUBERNETES[DEFAULT_KUBERNETES].patch

DEV = parse({}, "dev")
LIVING = Running(kubernetes="1.34.2", fixed=fixed(DEV.settings, DEV.cluster, DEV.plan))


def report(values: dict[str, Any], running: Running) -> list[str]:
    """What is said of a change to `values`; nothing when it may be."""
    try:
        parse(values, "dev", running)
    except SettingsError as error:
        return [str(problem) for problem in error.problems]
    return []


def said(values: dict[str, Any], running: Running | None) -> list[str]:
    """The warnings about the version of Kubernetes."""
    warnings = parse(values, "dev", running).warnings
    return [str(warning) for warning in warnings if warning.key == "kubernetes.version"]


def version(wanted: str, now: str) -> list[str]:
    """What is said of going from one version to another."""
    return report({"kubernetes": {"version": wanted}}, Running(kubernetes=now))


@pytest.mark.parametrize("now", ["1.34.2", "1.34.0", "1.33.9", "", "unknown"])
def test_versions_that_1_34_2_may_follow(now: str) -> None:
    assert version("1.34.2", now) == []


def test_a_skipped_minor_names_the_version_between() -> None:
    assert version("1.35.0", "1.33.5") == [
        "kubernetes.version 1.35.0: skips a minor version: the cluster runs 1.33.5, and kubeadm upgrades by one at a "
        "time (https://kubernetes.io/releases/version-skew-policy/); bring up 1.34.2 first"
    ]


def test_a_skipped_minor_whose_step_this_program_does_not_know() -> None:
    (problem,) = version("1.34.2", "1.32.1")
    assert problem.endswith("bring up a release of this program that has 1.33.x, and that version first")


@pytest.mark.parametrize(("wanted", "now"), [("1.34.2", "1.35.0"), ("1.34.2", "1.34.9")])
def test_neither_a_minor_nor_a_patch_goes_back(wanted: str, now: str) -> None:
    assert version(wanted, now) == [
        f"kubernetes.version {wanted}: is older than {now}, which the cluster runs: Kubernetes cannot be downgraded; "
        f"set it to {now}"
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
        f"{key}: would move {moved}: they are running, and their ports would drop everything from their "
        "current addresses; set it back, or create another pool there and remove this one afterwards"
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


def test_no_line_takes_the_way_out_of_gateways_that_run() -> None:
    given = {"gateways": {"edgeAddresses": ["10.21.0.8", "10.21.0.9"], "count": 2}}
    living = Running(edge_addresses={"dev-gateway-0": "10.21.0.10", "dev-gateway-1": "10.21.0.9"})
    assert report(given, living) == [
        "gateways.edgeAddresses [10.21.0.8, 10.21.0.9]: would move dev-gateway-0 from 10.21.0.10 to 10.21.0.8: they "
        "are running, and would not know their new network or address; set it and network.publicVip back, or bring up "
        "another stack and move there"
    ]
    assert report(given, Running(edge_addresses={"dev-gateway-0": "10.21.0.8"})) == [], "another gateway is no move"
    assert report(given, Running()) == []


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
            f"cannot change while the cluster exists, which has {value}; set it back to {value}, or bring up another "
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
    assert from_outputs(outputs) == Running("1.34.2", LIVING.fixed, {"dev-etcd-0": "a"}, founders=())
    assert from_outputs({**outputs, "founders": ["a"]}).founders == ("a",)  # type: ignore[union-attr]
    assert from_outputs({}) is None


def test_a_stack_that_runs_keeps_its_version_until_its_file_names_another() -> None:
    assert parse({}, "dev", Running(kubernetes="1.34.2")).settings.kubernetes.version == "1.34.2"
    assert parse({"kubernetes": {"cni": "calico"}}, "dev", LIVING).settings.kubernetes.version == "1.34.2"
    named = parse({"kubernetes": {"version": "1.35.0"}}, "dev", Running(kubernetes="1.34.2"))
    assert named.settings.kubernetes.version == "1.35.0"
    # A new one has what is current, and so has one whose version this program does not know any more.
    assert parse({}, "dev").settings.kubernetes.version == DEFAULT
    # Also in a patch that was never in the table.
    assert parse({}, "dev", Running(kubernetes="1.34.1")).settings.kubernetes.version == "1.34.1"
    (skipped,) = report({}, Running(kubernetes="1.32.1"))
    assert skipped.startswith(f"kubernetes.version {DEFAULT}: skips a minor version")


@pytest.mark.parametrize("minor", KUBERNETES)
def test_a_minor_version_is_its_newest_known_patch(minor: str) -> None:
    known = KUBERNETES[minor].patch
    running = Running(kubernetes=f"{minor}.0")
    assert parse({"kubernetes": {"version": minor}}, "dev", running).settings.kubernetes.version == known
    newer = Running(kubernetes=f"{minor}.99")
    assert parse({"kubernetes": {"version": minor}}, "dev", newer).settings.kubernetes.version == f"{minor}.99"


def test_a_patch_that_a_minor_version_brings_by_itself_is_said() -> None:
    before = Running(kubernetes=f"{DEFAULT_KUBERNETES}.0")
    assert said({"kubernetes": {"version": DEFAULT_KUBERNETES}}, before) == [
        f"kubernetes.version {DEFAULT}: upgrades the cluster, which runs {before.kubernetes}, machine by machine; "
        f"set it to {before.kubernetes} to stay there for now"
    ]
    assert said({}, before) == []
    assert said({"kubernetes": {"version": DEFAULT_KUBERNETES}}, Running(kubernetes=DEFAULT)) == []


def test_a_patch_that_is_newer_than_the_table_is_taken_with_a_warning() -> None:
    (warning,) = said({"kubernetes": {"version": f"{DEFAULT_KUBERNETES}.99"}}, None)
    assert f"is newer than {DEFAULT}, the newest of its minor version that this program was tested with" in warning


@pytest.mark.parametrize(
    ("today", "words"),
    [
        (date(2027, 4, 28), []),
        (date(2027, 4, 29), ["is in support only until 2027-06-28"]),
        (date(2027, 6, 28), ["is in support only until 2027-06-28"]),
        (date(2027, 6, 29), ["is out of support since 2027-06-28"]),
    ],
)
def test_the_end_of_life_is_warned_of(monkeypatch: pytest.MonkeyPatch, today: date, words: list[str]) -> None:
    monkeypatch.setattr(checks, "today", lambda: today)
    found = said({"kubernetes": {"version": "1.36"}}, None)
    assert [word in warning for word, warning in zip(words, found, strict=True)] == [True] * len(words)


def test_no_new_stack_begins_with_a_departing_version_unless_it_must() -> None:
    parse({"kubernetes": {"version": "1.34.2", "departing": "allowed"}}, "dev")
    assert report({"kubernetes": {"version": "1.34"}}, LIVING) == []
    with pytest.raises(SettingsError, match="no new stack can start with it"):
        parse({"kubernetes": {"version": "1.34.2"}}, "dev")


def test_two_minor_versions_are_in_support_for_sixty_days() -> None:
    # The table needs the next minor version, and this program a release.
    then = date.today() + timedelta(60)
    alive = [minor for minor in SUPPORTED if KUBERNETES[minor].end_of_life >= then]
    assert len(alive) >= 2, f"in support on {then}: {alive}; add the next minor version to settings/versions.py"
    assert DEFAULT_KUBERNETES in alive


def etcd(values: dict[str, Any], running: Running) -> str:
    """The version that etcd gets."""
    return parse(values, "dev", running).settings.etcd_version


def test_etcd_changes_with_kubernetes_and_not_by_itself() -> None:
    newest = list(ETCD)[-1]
    before = Running(kubernetes="1.35.0", etcd="3.6.6")
    assert etcd({}, before) == "3.6.6"
    assert etcd({"kubernetes": {"version": "1.35.0"}}, before) == "3.6.6"
    assert etcd({"kubernetes": {"version": "1.36"}}, before) == newest
    assert etcd({"etcd": {"version": "3.6.8"}}, before) == "3.6.8"
    # A version of its own that is left out again does not take it back.
    ahead = Running(kubernetes="1.36.5", etcd="3.7.3")
    digest = {"etcd": {"sha256": {"amd64": "0" * 64}}}
    assert etcd(digest, ahead) == "3.7.3"
    assert etcd({**digest, "kubernetes": {"version": "1.37"}}, ahead) == "3.7.3"
