"""The manifests of charts/mariadb: who gets which secret, names, and what the schema refuses."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.unit.charts import Manifests, RenderError, render

CHART = "charts/mariadb"
REQUIRED = {"auth": {"existingSecret": "passwords"}}


def rendered(**values: Any) -> Manifests:
    return render(CHART, {**REQUIRED, **values})


def pod(manifests: Manifests) -> dict[str, Any]:
    spec: dict[str, Any] = manifests["StatefulSet", "database"]["spec"]["template"]["spec"]
    return spec


def mounts(container: dict[str, Any]) -> dict[str, str]:
    return {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}


def test_names_and_sizes() -> None:
    manifests = rendered(replicas=2, storage={"size": "3Gi", "storageClassName": "local-path"})
    assert set(manifests) == {
        ("ConfigMap", "database-configuration"),
        ("ConfigMap", "database-members"),
        ("ConfigMap", "database-scripts"),
        ("PodDisruptionBudget", "database"),
        ("Role", "database"),
        ("RoleBinding", "database"),
        ("Service", "database-headless"),
        ("Service", "database-primary"),
        ("Service", "database-replicas"),
        ("ServiceAccount", "database"),
        ("StatefulSet", "database"),
    }
    members = manifests["StatefulSet", "database"]["spec"]
    assert members["replicas"] == 3
    claim = members["volumeClaimTemplates"][0]["spec"]
    assert claim["storageClassName"] == "local-path" and claim["resources"]["requests"]["storage"] == "3Gi"
    assert manifests["Role", "database"]["rules"] == [
        {
            "apiGroups": [""],
            "resources": ["pods"],
            "resourceNames": ["database-0", "database-1", "database-2"],
            "verbs": ["patch"],
        }
    ]


def test_services_choose_by_role() -> None:
    manifests = rendered()
    for role, service in {"primary": "database-primary", "replica": "database-replicas"}.items():
        selector = manifests["Service", service]["spec"]["selector"]
        assert selector["openstack-paas/database-role"] == role
    labels = manifests["StatefulSet", "database"]["spec"]["template"]["metadata"]["labels"]
    assert "openstack-paas/database-role" not in labels, "each pod sets its own"
    assert manifests["StatefulSet", "database"]["spec"]["selector"]["matchLabels"].items() <= labels.items()


def test_alone_there_is_nothing_for_replicas() -> None:
    manifests = rendered(replicas=0)
    assert ("Service", "database-replicas") not in manifests
    assert ("PodDisruptionBudget", "database") not in manifests, "it would block every drain"


def test_passwords_are_files() -> None:
    spec = pod(rendered(auth={"existingSecret": "passwords", "username": "app"}))
    for container in (*spec["initContainers"], *spec["containers"]):
        assert all("secretKeyRef" not in str(variable) for variable in container["env"])
        assert "envFrom" not in container
        assert mounts(container)["/etc/mariadb-passwords"] == "passwords"
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    assert volumes["passwords"]["secret"] == {"secretName": "passwords", "defaultMode": 0o440}


def test_only_the_preparation_may_speak_to_the_api() -> None:
    spec = pod(rendered())
    token = "/var/run/secrets/kubernetes.io/serviceaccount"
    assert spec["automountServiceAccountToken"] is False
    assert token in mounts(spec["initContainers"][0])
    assert token not in mounts(spec["containers"][0])


def test_containers_are_confined() -> None:
    spec = pod(rendered())
    assert spec["securityContext"]["runAsNonRoot"] and spec["securityContext"]["runAsUser"] == 999
    for container in (*spec["initContainers"], *spec["containers"]):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


@pytest.mark.parametrize("kind", ["required", "preferred"])
def test_anti_affinity(kind: str) -> None:
    affinity = pod(rendered(antiAffinity=kind))["affinity"]["podAntiAffinity"]
    assert list(affinity) == [f"{kind}DuringSchedulingIgnoredDuringExecution"]
    term = affinity[f"{kind}DuringSchedulingIgnoredDuringExecution"][0]
    term = term.get("podAffinityTerm", term)
    assert term["topologyKey"] == "kubernetes.io/hostname"
    assert term["labelSelector"]["matchLabels"]["app.kubernetes.io/instance"] == "database"


def test_no_anti_affinity() -> None:
    assert "affinity" not in pod(rendered(antiAffinity="none"))


def test_placement_and_priority() -> None:
    toleration = {"key": "database", "operator": "Exists"}
    spec = pod(rendered(nodeSelector={"disk": "fast"}, tolerations=[toleration], priorityClassName="high"))
    assert (spec["nodeSelector"], spec["tolerations"], spec["priorityClassName"]) == (
        {"disk": "fast"},
        [toleration],
        "high",
    )


def test_configuration() -> None:
    values = {
        "replication": {"semiSync": True, "semiSyncTimeoutMilliseconds": 1500, "binlogExpireSeconds": 86400},
        "server": {"bufferPoolSize": "64M", "extraConfiguration": "performance_schema = OFF"},
    }
    text = rendered(**values)["ConfigMap", "database-configuration"]["data"]["my.cnf"]
    for line in (
        "gtid_strict_mode = ON",
        "rpl_semi_sync_master_enabled = ON",
        "rpl_semi_sync_master_timeout = 1500",
        "binlog_expire_logs_seconds = 86400",
        "innodb_buffer_pool_size = 64M",
        "performance_schema = OFF",
    ):
        assert line in text.splitlines()
    assert "semi_sync" not in rendered()["ConfigMap", "database-configuration"]["data"]["my.cnf"]


def test_a_change_of_configuration_restarts_members_and_scaling_does_not() -> None:
    def template(**values: Any) -> dict[str, Any]:
        found: dict[str, Any] = rendered(**values)["StatefulSet", "database"]["spec"]["template"]
        return found

    assert template() == template(replicas=2)
    assert template()["metadata"] != template(server={"maxConnections": 100})["metadata"]


def test_limits_reach_the_probes() -> None:
    manifests = rendered(replication={"maximumLagSeconds": 7}, startupSeconds=99, readinessPeriodSeconds=3)
    server = pod(manifests)["containers"][0]
    assert {"name": "MAXIMUM_LAG_SECONDS", "value": "7"} in server["env"]
    assert server["startupProbe"]["failureThreshold"] == 99
    assert server["readinessProbe"]["periodSeconds"] == 3


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"auth": {"existingSecret": ""}}, "existingSecret"),
        ({"replicas": -1}, "replicas"),
        ({"replica": 1}, "replica"),
        ({"storage": {"size": "8 GB"}}, "size"),
        ({"antiAffinity": "hard"}, "antiAffinity"),
        ({"database": "a`b"}, "database"),
        ({"auth": {"existingSecret": "s", "rootPassword": "x"}}, "rootPassword"),
    ],
)
def test_schema_refuses(values: dict[str, Any], message: str) -> None:
    with pytest.raises(RenderError, match=message):
        rendered(**values)


def test_defaults_and_schema_name_the_same_values() -> None:
    from tests.unit.charts import PROJECT

    defaults = yaml.safe_load((PROJECT / CHART / "values.yaml").read_text())
    schema = yaml.safe_load((PROJECT / CHART / "values.schema.json").read_text())
    assert set(defaults) == set(schema["properties"]) - {"global"}
