"""What machines join with, and who is let in."""

import re
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.kubernetes.node_settings import Bootstrap
from machines.kubernetes import joining
from tests.unit import fake_joining
from tests.unit.machines import samples

CREATED = datetime(2026, 11, 21, 12, tzinfo=UTC)
TEXT = "2026-11-21 12:00:00 +0000 UTC"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("authority")
    words = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=kubernetes", "-days", "9")
    subprocess.run(["openssl", "req", "-x509", *words, "-keyout", "ca.key", "-out", "ca.crt"], cwd=folder, check=True)
    return folder


def made(authority: Path, instance: str = "one", began: datetime = CREATED) -> tuple[str, str]:
    ca, key = ((authority / f"ca.{kind}").read_text() for kind in ("crt", "key"))
    return fake_joining.REAL(ca, key, "secret", instance, "prod-worker-general-0", began)


def test_a_certificate_is_of_one_machine_and_lives_two_days(authority: Path) -> None:
    certificate, key = made(authority)
    (authority / "one.crt").write_text(certificate)
    (authority / "one.key").write_text(key)

    def openssl(*words: str) -> str:
        return subprocess.run(["openssl", *words], cwd=authority, check=True, capture_output=True, text=True).stdout

    assert "OK" in openssl("verify", "-CAfile", "ca.crt", "-purpose", "sslclient", "-no_check_time", "one.crt")
    text = openssl("x509", "-in", "one.crt", "-noout", "-subject", "-startdate", "-enddate", "-ext", "extendedKeyUsage")
    assert re.search(r"O ?= ?system:bootstrappers:kubeadm:default-node-token", text)
    assert re.search(r"CN ?= ?system:bootstrap:prod-worker-general-0", text)
    assert "notBefore=Nov 21 11:00:00 2026 GMT" in text
    assert "notAfter=Nov 23 12:00:00 2026 GMT" in text
    assert "Client Authentication" in text
    assert "Server" not in text
    assert openssl("pkey", "-in", "one.key", "-pubout") == openssl("x509", "-in", "one.crt", "-noout", "-pubkey")


def test_the_same_machine_has_the_same_one_in_each_run(authority: Path) -> None:
    first = made(authority)
    fake_joining.REAL.cache_clear()
    assert made(authority) == first
    others = [made(authority, "two"), made(authority, began=CREATED + joining.RENEWED)]
    assert len({first, *others}) == 3
    assert others[0][1] != first[1], "no machine has the key of another one"


def test_an_authority_whose_key_is_of_another_kind(authority: Path) -> None:
    ca = (authority / "ca.crt").read_text()
    rsa = subprocess.run(["openssl", "genrsa", "2048"], check=True, capture_output=True, text=True).stdout
    with pytest.raises(ValueError, match="elliptic curve"):
        fake_joining.REAL(ca, rsa, "secret", "one", "a", CREATED)


@pytest.mark.parametrize(
    ("days", "joined", "began"),
    [(0, False, 0), (0.9, False, 0), (1.1, False, 1), (9.5, False, 9), (0.9, True, 0), (400, True, 0), (-1, False, 0)],
)
def test_only_a_machine_that_has_not_joined_gets_another_one(days: float, joined: bool, began: int) -> None:
    """A machine that has joined sees no change, however late; one that has not has at least a day left."""
    found = joining.begin(TEXT, joined, CREATED + timedelta(days=days))
    assert found == CREATED + timedelta(days=began)


def test_a_moment_that_the_cloud_does_not_say() -> None:
    now = datetime(2026, 11, 29, 12, 34, 56, tzinfo=UTC)
    assert joining.begin("", True, now) is None
    assert joining.begin("", False, now) == datetime(2026, 11, 29, 12, tzinfo=UTC)
    assert joining.begin("2026-11-21T12:00:00Z", True, now) == CREATED


def bootstrap_of(instance: str, created: str = TEXT) -> Bootstrap:
    platform = samples.stack("prod")
    planned = platform.plan.workers[0]
    running = replace(platform.running, instances={planned.hostname: "known"})
    platform = platform.model_copy(update={"running": running})
    secrets = samples.INPUTS | {"instance": instance, "created": created}
    return joining.bootstrap(platform, planned, secrets, "kind: Config\n", CREATED + timedelta(days=30))


def test_a_machine_that_was_made_again_under_its_name_has_not_joined() -> None:
    assert "2026-11-21" in bootstrap_of("known").certificate
    assert "2026-12-21" in bootstrap_of("another").certificate
    assert bootstrap_of("known", "") == Bootstrap()


def documents() -> dict[tuple[str, str], dict[str, Any]]:
    state = samples.command(samples.stack("prod"), "control-plane").state
    text = "\n---\n".join(state.control_plane.objects)
    return {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(text)}


@pytest.mark.parametrize(
    ("name", "resource", "operations"),
    [
        ("openstack-paas-nodes", "nodes", ["CREATE", "UPDATE", "DELETE"]),
        ("openstack-paas-certificates", "certificatesigningrequests", ["CREATE"]),
    ],
)
def test_whom_the_policies_ask_and_what_they_refuse(name: str, resource: str, operations: list[str]) -> None:
    found = documents()
    policy, binding = (found[f"ValidatingAdmissionPolicy{kind}", name] for kind in ("", "Binding"))
    assert policy["apiVersion"] == binding["apiVersion"] == "admissionregistration.k8s.io/v1"
    assert binding["spec"] == {"policyName": name, "validationActions": ["Deny"]}
    spec = policy["spec"]
    assert spec["failurePolicy"] == "Fail"
    (rule,) = spec["matchConstraints"]["resourceRules"]
    assert (rule["resources"], rule["operations"]) == ([resource], operations)
    (condition,) = spec["matchConditions"]
    # Nobody else is asked anything: administrators and controllers go on whatever is written here.
    assert f"group in ['system:nodes', '{joining.GROUP}']" in condition["expression"]
    for validation in spec["validations"]:
        text = validation["expression"]
        assert text.count("(") == text.count(")")
        assert "\n" not in text
        assert validation["reason"] == "Forbidden"


def test_machines_have_names_of_the_form_that_is_let_in() -> None:
    """It is the same for every number of machines: one more changes no control plane."""
    nodes, requests = (
        documents()["ValidatingAdmissionPolicy", f"openstack-paas-{kind}"]["spec"]["validations"]
        for kind in ("nodes", "certificates")
    )
    (form,) = re.findall(r"name\.matches\('\^(.*)\$'\)", nodes[0]["expression"])
    for validation, user in zip(requests, ("system:bootstrap:", "system:node:"), strict=True):
        assert f"request.userInfo.username.matches('^{user}{form}$')" in validation["expression"]
    plan = samples.stack("prod").plan
    for machine in (*plan.control_planes, *plan.workers):
        assert re.fullmatch(form, machine.hostname)
    assert all(re.fullmatch(form, name) for name in plan.control_plane_hostnames)
    others = ("prod-etcd-0", "prod-gateway-0", "prod-worker-", "lab-worker-general-0", "x-prod-worker-general-0", "any")
    assert not [name for name in others if re.fullmatch(form, name)]


def test_what_machines_that_join_may_do_is_bound_to_their_own_names() -> None:
    found = documents()
    nodes, requests = (
        found["ValidatingAdmissionPolicy", f"openstack-paas-{name}"]["spec"]["validations"]
        for name in ("nodes", "certificates")
    )
    assert nodes[1]["expression"] == (
        f"!('{joining.GROUP}' in request.userInfo.groups) || request.userInfo.username == 'system:bootstrap:' + "
        "request.name"
    )
    assert "object.spec.signerName == 'kubernetes.io/kube-apiserver-client-kubelet'" in requests[0]["expression"]
    assert found["ClusterRoleBinding", "openstack-paas:replace-nodes"]["subjects"][0]["name"] == joining.GROUP
