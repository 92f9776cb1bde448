"""Kubernetes resources on the real engine: states of the official plugin, and a cluster that cannot be reached."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.addons.release import local_digest
from tests.engine import home
from tests.engine.api_server import ApiServer, serving
from tests.preview import official_kubernetes as official
from tests.preview.stack import PROJECT, Stack

PROGRAM = """
import os

import pulumi
from pulumi_kubernetes import Provider

from components.addons.release import AddonArgs, Chart, Namespace, Secret, addon_options, release
from settings.addons import ChartSettings
from settings.load import parse

# When the machines are deleted, so is everything in the cluster.
machines = pulumi.ComponentResource("test:index:Machines", "machines")
provider = Provider(
    "cluster",
    kubeconfig=pulumi.Output.secret(os.environ["TEST_KUBECONFIG"]),
    cluster_identifier="test",
    enable_secret_mutable=True,
)
platform = parse({"preset": "production", "network": {"private": "10.20.0.0/24"}}, "test")
addon = AddonArgs(platform, provider, machines)
namespace = Namespace("database", {"kept": "yes"}, addon_options(machines, addon))
password = pulumi.Output.secret(os.environ["TEST_PASSWORD"])
secret = Secret("passwords", "database", {"root-password": password}, addon_options(machines, addon, namespace))
if os.environ.get("TEST_RELEASE"):
    values = {"auth": {"existingSecret": "passwords"}}
    options = addon_options(machines, addon, secret)
    release("mariadb", Chart("charts/mariadb"), addon, ChartSettings(), "database", values, options)
"""
NAME = "cluster"
#: Nothing listens on port 9 (discard).
DEAD = json.dumps(
    {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:9"}}],
        "users": [{"name": "c", "user": {}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
    }
)
UNREACHABLE = "unable to load schema information from the API server"
SECRET_PATH = "/api/v1/namespaces/database/secrets/passwords"


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    """A stack with the resources that addons consist of, on a cluster that cannot be reached."""
    made = Stack(tmp_path / "stack", NAME)
    made.environment |= home.make(tmp_path / "home", [])
    made.environment |= {"TEST_KUBECONFIG": DEAD, "TEST_PASSWORD": "hunter2"}
    (made.folder / "__main__.py").write_text(PROGRAM, encoding="utf-8")
    (made.folder / "Pulumi.yaml").write_text("name: openstack-paas\nruntime: python\n", encoding="utf-8")
    made.configure({})
    made.select()
    return made


@pytest.fixture
def api(stack: Stack) -> Iterator[ApiServer]:
    """An API server for the stack."""
    with serving() as server:
        stack.environment["TEST_KUBECONFIG"] = server.kubeconfig
        yield server


def urn(kind: str, name: str) -> str:
    return f"urn:pulumi:{NAME}::openstack-paas::{kind}::{name}"


MACHINES = urn("test:index:Machines", "machines")


def official_state() -> dict[str, Any]:
    """The deployment as the official plugins write it, with secrets in plain text."""
    root = urn("pulumi:pulumi:Stack", f"openstack-paas-{NAME}")
    provider = urn("pulumi:providers:kubernetes", "cluster")
    options = {
        "clusterIdentifier": "test",
        "enableSecretMutable": "true",
        "kubeconfig": official.secret(json.dumps(DEAD)),
        "version": "4.34.2",
    }

    def inside(kind: str, name: str, id_: str, content: dict[str, Any]) -> dict[str, Any]:
        where = urn(f"test:index:Machines${kind}", name)
        kept = {"parent": MACHINES, "provider": f"{provider}::cluster-id", "deletedWith": MACHINES}
        return {"urn": where, "custom": True, "type": kind, "id": id_, **kept, **content}

    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "database", "labels": {"kept": "yes"}}}
    live_namespace = {
        **namespace,
        "metadata": official.server_metadata(
            "database", labels={"kept": "yes", "kubernetes.io/metadata.name": "database"}
        ),
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }
    data = official.secret(json.dumps({"root-password": official.encoded("hunter2")}))
    passwords = {"apiVersion": "v1", "kind": "Secret", "data": data}
    given = {**passwords, "metadata": {"name": "passwords", "namespace": "database"}}
    live = {**passwords, "metadata": official.server_metadata("passwords", namespace="database"), "type": "Opaque"}
    version = yaml.safe_load((PROJECT / "charts/mariadb/Chart.yaml").read_text(encoding="utf-8"))["version"]
    release = official.recorded_release(
        {
            "name": "mariadb",
            "namespace": "database",
            "chart": "charts/mariadb",
            "version": version,
            "atomic": True,
            "maxHistory": 5,
            "values": {
                "auth": {"existingSecret": "passwords"},
                "global": {"chartDigest": local_digest("charts/mariadb")},
            },
        },
        {"name": "mariadb", "namespace": "database", "revision": 1, "status": "deployed", "version": version},
    )
    return {
        "version": 3,
        "deployment": {
            "manifest": {"time": "2026-11-28T00:00:00Z", "magic": "", "version": ""},
            "resources": [
                {"urn": root, "custom": False, "type": "pulumi:pulumi:Stack"},
                {"urn": MACHINES, "custom": False, "type": "test:index:Machines", "parent": root},
                {
                    "urn": provider,
                    "custom": True,
                    "id": "cluster-id",
                    "type": "pulumi:providers:kubernetes",
                    "inputs": options,
                    "outputs": options,
                    "parent": root,
                },
                inside(
                    "kubernetes:core/v1:Namespace",
                    "database",
                    "database",
                    official.recorded_object(namespace, live_namespace),
                ),
                inside(
                    "kubernetes:core/v1:Secret",
                    "passwords",
                    "database/passwords",
                    official.recorded_object(given, live),
                ),
                inside("kubernetes:helm.sh/v3:Release", "mariadb", "database/mariadb", release),
            ],
        },
    }


@pytest.fixture
def taken_over(stack: Stack, tmp_path: Path) -> Stack:
    """The stack with the state of the official plugin."""
    stack.environment["TEST_RELEASE"] = "yes"
    state, file = official_state(), tmp_path / "official.json"
    # The salt for the secrets of the state is in the stack's file.
    salt = yaml.safe_load((stack.folder / f"Pulumi.{NAME}.yaml").read_text(encoding="utf-8"))["encryptionsalt"]
    state["deployment"]["secrets_providers"] = {"type": "passphrase", "state": {"salt": salt}}
    file.write_text(json.dumps(state), encoding="utf-8")
    done = stack.pulumi("stack", "import", "--file", str(file))
    assert done.returncode == 0, done.stderr
    return stack


def resources(stack: Stack) -> dict[str, dict[str, Any]]:
    """The state by type, with secrets in plain text."""
    done = stack.pulumi("stack", "export", "--show-secrets")
    assert done.returncode == 0, done.stderr
    return {each["type"]: each for each in json.loads(done.stdout)["deployment"].get("resources", [])}


def test_a_state_of_the_official_plugin_previews_no_change(taken_over: Stack) -> None:
    preview = taken_over.preview("--diff", "--expect-no-changes")
    assert preview.status == 0, preview.text
    # Make sure that it would show one.
    taken_over.environment["TEST_PASSWORD"] = "another"
    changed = taken_over.preview()
    assert [(step["op"], step["urn"].split("::")[-1]) for step in changed.steps if step["op"] != "same"] == [
        ("update", "passwords")
    ], changed.text


def test_a_change_inside_the_chart_updates_its_release(taken_over: Stack) -> None:
    (taken_over.folder / "charts" / "mariadb" / "templates" / "more.yaml").write_text("# One more file.\n")
    changed = taken_over.preview()
    assert [(step["op"], step["urn"].split("::")[-1]) for step in changed.steps if step["op"] != "same"] == [
        ("update", "mariadb")
    ], changed.text


def test_new_resources_have_the_state_of_the_official_plugin(stack: Stack, api: ApiServer) -> None:
    up = stack.pulumi("up", "--yes", "--skip-preview")
    assert up.returncode == 0, up.stdout + up.stderr
    found = resources(stack)
    provider = found["pulumi:providers:kubernetes"]
    for part in (provider["inputs"], provider["outputs"]):
        assert set(part) - {"__internal"} == {"clusterIdentifier", "enableSecretMutable", "kubeconfig", "version"}
    passwords = found["kubernetes:core/v1:Secret"]
    assert set(passwords["inputs"]) == {"apiVersion", "kind", "metadata", "data"}
    assert json.loads(passwords["inputs"]["data"]["plaintext"]) == {"root-password": official.encoded("hunter2")}
    assert set(passwords["outputs"]) >= official.OBJECT_KEYS | {"data", "metadata"}
    assert passwords["outputs"]["metadata"]["managedFields"][0]["manager"] == "pulumi-kubernetes"
    assert passwords["outputs"]["__inputs"]["data"][official.SECRET_KEY] == official.SECRET_MARK
    assert stack.preview("--expect-no-changes").status == 0


def test_the_preview_of_another_password_matches_its_update(stack: Stack, api: ApiServer) -> None:
    assert stack.pulumi("up", "--yes", "--skip-preview").returncode == 0
    stack.environment["TEST_PASSWORD"] = "another"
    api.requests.clear()
    preview = stack.preview()
    assert preview.operations().get("update") == 1, preview.text
    assert api.requests == [f"PATCH {SECRET_PATH} dry"]
    up = stack.pulumi("up", "--yes", "--skip-preview")
    assert up.returncode == 0, up.stdout + up.stderr
    assert api.objects[SECRET_PATH]["data"] == {"root-password": official.encoded("another")}
    assert stack.preview("--expect-no-changes").status == 0


def test_nothing_is_made_on_an_unreachable_cluster_and_an_existing_object_is_not_taken_over(stack: Stack) -> None:
    assert stack.preview().operations().get("create") == 5
    up = stack.pulumi("up", "--yes", "--skip-preview")
    assert up.returncode != 0
    assert f"configured Kubernetes cluster is unreachable: {UNREACHABLE}" in up.stdout + up.stderr
    with serving() as server:
        left = {"name": "database", "uid": "left", "resourceVersion": "1"}
        server.objects["/api/v1/namespaces/database"] = {"kind": "Namespace", "metadata": left}
        stack.environment["TEST_KUBECONFIG"] = server.kubeconfig
        up = stack.pulumi("up", "--yes", "--skip-preview")
        assert up.returncode != 0
        assert "already exists in the cluster" in up.stdout + up.stderr
        # The program's own provider sets this: it takes over what a killed `up` has left.
        stack.environment["PULUMI_K8S_UPSERT_EXISTING_OBJECTS"] = "true"
        up = stack.pulumi("up", "--yes", "--skip-preview")
        assert up.returncode == 0, up.stdout + up.stderr


def test_a_platform_is_repaired_and_destroyed_while_its_cluster_is_dead(taken_over: Stack) -> None:
    up = taken_over.pulumi("up", "--yes", "--skip-preview")
    assert up.returncode == 0, up.stdout + up.stderr
    asked = taken_over.pulumi("up", "--yes", "--skip-preview", "--refresh")
    assert asked.returncode != 0
    assert "failed to read resource state due to unreachable cluster" in asked.stdout + asked.stderr
    taken_over.environment["PULUMI_K8S_SKIP_UPDATE_UNREACHABLE"] = "true"
    spared = taken_over.pulumi("up", "--yes", "--skip-preview", "--refresh")
    assert spared.returncode == 0, spared.stdout + spared.stderr
    assert len(resources(taken_over)) == 6
    del taken_over.environment["PULUMI_K8S_SKIP_UPDATE_UNREACHABLE"]
    destroyed = taken_over.pulumi("destroy", "--yes", "--skip-preview")
    assert destroyed.returncode == 0, destroyed.stdout + destroyed.stderr
    assert resources(taken_over) == {}


def test_the_resources_of_a_dead_cluster_can_be_dropped(taken_over: Stack) -> None:
    asked = taken_over.pulumi("destroy", "--yes", "--skip-preview", "--refresh")
    assert asked.returncode != 0
    taken_over.environment["PULUMI_K8S_DELETE_UNREACHABLE"] = "true"
    dropped = taken_over.pulumi("destroy", "--yes", "--skip-preview", "--refresh")
    assert dropped.returncode == 0, dropped.stdout + dropped.stderr
    assert resources(taken_over) == {}
