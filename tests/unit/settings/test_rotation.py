"""Rotation: one stage at a time by the settings, and what each stage makes beside what is there."""

from typing import Any

import pytest

from components.password import from_key
from settings.load import parse
from settings.problem import SettingsError
from settings.running import Generations, Running, from_outputs
from tests.unit.components import graph as graphs
from tests.unit.components.graph import LAB, Graph

FIRST = Running(kubernetes="1.34.2")


def report(values: dict[str, Any], running: Running | None = FIRST) -> list[str]:
    """What is said of a change to `values`; nothing when it may be."""
    try:
        parse(values, "dev", running)
    except SettingsError as error:
        return [str(problem) for problem in error.problems]
    return []


def authorities(issuing: str, *trusted: str) -> dict[str, Any]:
    """The settings."""
    return {"certificates": {"authorities": {"issuing": issuing, "trusted": list(trusted)}}}


def keys(login: str, *accepted: str) -> dict[str, Any]:
    """The settings."""
    return {"access": {"sshKeys": {"login": login, "accepted": list(accepted)}}}


@pytest.mark.parametrize(("settings", "of"), [(authorities, "authorities"), (keys, "ssh_keys")])
def test_the_stages_one_after_another(settings: Any, of: str) -> None:
    both, issued = (Running(**{of: Generations(used, ("1", "2"))}) for used in ("1", "2"))
    assert report(settings("1", "1", "2")) == []
    assert report(settings("2", "1", "2"), both) == []
    assert report(settings("1", "1", "2"), issued) == [], "a way back, while both are accepted"
    assert report(settings("2", "2"), issued) == []
    assert report(settings("2", "2"), None) == [], "a new stack begins where it likes"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            authorities("2", "1"),
            "certificates.authorities.issuing 2: must be one of certificates.authorities.trusted, which has 1; "
            "add 2 there",
        ),
        (
            authorities("2", "1", "2"),
            "certificates.authorities.issuing 2: is not trusted yet by the running platform, which has 1; leave it at "
            "1 for one `up` that adds 2 to certificates.authorities.trusted (docs/rotation.md)",
        ),
        (
            authorities("2", "2"),
            "certificates.authorities.trusted 2: leaves out 1, which the running platform issues with; keep 1 until an "
            "`up` with another certificates.authorities.issuing has succeeded (docs/rotation.md)",
        ),
        (
            authorities("1", "1", "1"),
            "certificates.authorities.trusted 1, 1: names 1 twice; name each generation once",
        ),
        (
            keys("2", "1", "2"),
            "access.sshKeys.login 2: is not accepted yet by the running platform, which has 1; leave it at 1 for one "
            "`up` that adds 2 to access.sshKeys.accepted (docs/rotation.md)",
        ),
        (
            {"certificates": {"renewalHours": 24, "leafValidityHours": 24}},
            "certificates.renewalHours 24: must be less than certificates.leafValidityHours, which is 24: every `up` "
            "would renew everything; use 4",
        ),
    ],
)
def test_a_stage_that_is_left_out(values: dict[str, Any], said: str) -> None:
    assert report(values) == [said]


def test_what_runs_is_read_from_the_outputs() -> None:
    _, outputs = graphs.run({**LAB, **authorities("2", "1", "2"), **keys("1", "1", "2")})
    running = from_outputs(outputs)
    assert running is not None
    assert running.authorities == Generations("2", ("1", "2"))
    assert running.ssh_keys == Generations("1", ("1", "2"))
    assert outputs["certificates"]["renewalHours"] == 1440
    earlier = from_outputs({"versions": {"kubernetes": "1.34.2"}})
    assert earlier is not None and earlier.authorities == Generations()


def made(graph: Graph) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Keys and certificates by type, name and algorithm: a member's key for SSH has the name of its key for TLS."""
    return {
        (r.type, r.name, r.inputs.get("algorithm", "")): r.inputs for r in graph.resources if r.type.startswith("tls:")
    }


@pytest.fixture(scope="module")
def before() -> Graph:
    """With every default."""
    return graphs.run(LAB)[0]


def names(resources: dict[tuple[str, str, str], Any], part: str) -> set[str]:
    """Names of the resources of one type."""
    return {name for kind, name, _ in resources if kind.endswith(part)}


def test_another_epoch_makes_every_leaf_anew_and_no_authority(before: Graph) -> None:
    after = made(graphs.run({**LAB, "certificates": {"epoch": "spring"}})[0])
    old = made(before)
    leaves = names(old, ":LocallySignedCert")
    assert {"administrator", "etcd-client", "apiserver-etcd-client", "etcd-0"} <= leaves
    assert names(after, ":LocallySignedCert") == {f"{name}-spring" for name in leaves}
    assert {f"{name}-spring" for name in leaves} <= names(after, ":PrivateKey")
    assert names(after, ":SelfSignedCert") == names(old, ":SelfSignedCert")
    hosts = {"gateway", "control-plane-0", "worker-general-0", "ssh", "service-account", "cluster-ca"}
    assert hosts <= names(after, ":PrivateKey")


def test_the_stages_of_authorities(before: Graph) -> None:
    old = made(before)
    trusting = made(graphs.run({**LAB, **authorities("1", "1", "2")})[0])
    assert old.items() <= trusting.items(), "what is there stays as it is"
    assert names(trusting, ":SelfSignedCert") - names(old, ":SelfSignedCert") == {
        *("cluster-ca-2", "etcd-ca-2", "front-proxy-ca-2")
    }
    issuing = made(graphs.run({**LAB, **authorities("2", "1", "2")})[0])
    signed = {
        name: inputs["caCertPem"] for (kind, name, _), inputs in issuing.items() if kind.endswith(":LocallySignedCert")
    }
    assert signed["administrator"] == "certificate cluster-ca-2" and signed["etcd-0"] == "certificate etcd-ca-2"
    dropped = made(graphs.run({**LAB, **authorities("2", "2")})[0])
    assert names(dropped, ":SelfSignedCert") == {"cluster-ca-2", "etcd-ca-2", "front-proxy-ca-2"}


def test_a_new_ssh_key_changes_no_machine(before: Graph) -> None:
    graph, outputs = graphs.run({**LAB, **keys("2", "1", "2")})
    instance = "openstack:compute/instance:Instance"
    for name, machine in graph.of_type(instance).items():
        assert "keyPair" in machine.ignore_changes
        old = before.of_type(instance)[name].inputs
        assert {**machine.inputs, "keyPair": ""} == {**old, "keyPair": ""}
    assert set(graph.of_type("openstack:compute/keypair:Keypair")) == {"ssh-2"}
    assert outputs["sshPrivateKey"] == "PRIVATE ssh-2"
    for command in graph.commands().values():
        if "login-keys" in command.inputs.get("create", ""):
            assert command.inputs["connection"]["privateKey"] == "PRIVATE ssh-2"


def test_another_epoch_of_passwords() -> None:
    one, two = from_key("a key"), from_key("a key", "spring")
    assert len({one, two, from_key("another key"), from_key("another key", "spring")}) == 4
    assert len(two) == 24
