"""The manifests of charts/mariadb: who gets which secret, names, and what the schema refuses."""

from typing import Any

import pytest
import yaml

from tests.unit.charts.helm import Manifests, RenderError, render

#: Helm's engine renders them, which Go builds.
pytestmark = pytest.mark.system
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
        ("ConfigMap", "database-state"),
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
        },
        {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["database-state"], "verbs": ["patch"]},
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


def settings_file(manifests: Manifests) -> list[str]:
    text: str = manifests["ConfigMap", "database-configuration"]["data"]["my.cnf"]
    return text.splitlines()


def test_configuration() -> None:
    values = {
        "replication": {"semiSyncTimeoutMilliseconds": 31_536_000_000, "binlogExpireSeconds": 86400},
        "server": {"bufferPoolSize": "64M", "extraConfiguration": "performance_schema = OFF"},
    }
    for line in (
        "gtid_strict_mode = ON",
        "rpl_semi_sync_slave_enabled = ON",
        "sync_relay_log = 1",
        "rpl_semi_sync_master_wait_point = AFTER_SYNC",
        "rpl_semi_sync_master_timeout = 31536000000",
        "binlog_expire_logs_seconds = 86400",
        "innodb_buffer_pool_size = 64M",
        "performance_schema = OFF",
    ):
        assert line in settings_file(rendered(**values))
    assert "semi_sync" not in str(settings_file(rendered(replication={"semiSync": False})))


@pytest.mark.parametrize(("replicas", "wanted", "expected"), [(1, True, "ON"), (0, True, "OFF"), (1, False, "OFF")])
def test_a_primary_waits_only_for_replicas_that_there_are(replicas: int, wanted: bool, expected: str) -> None:
    server = pod(rendered(replicas=replicas, replication={"semiSync": wanted}))["containers"][0]
    assert {"name": "SEMI_SYNC", "value": expected} in server["env"]


def test_an_upgrade_leaves_the_state_alone() -> None:
    assert "data" not in rendered()["ConfigMap", "database-state"]
    annotations = rendered(backups={"enabled": True})["ConfigMap", "database-backups"]["metadata"]["annotations"]
    assert annotations == {"helm.sh/resource-policy": "keep"}
    kept = rendered()["ConfigMap", "database-state"]["metadata"]["annotations"]
    assert kept == {"helm.sh/resource-policy": "keep"}, "as long as the volumes"
    assert "annotations" not in rendered(storage={"whenDeleted": "Delete"})["ConfigMap", "database-state"]["metadata"]


def jobs(manifests: Manifests) -> dict[str, dict[str, Any]]:
    """Pods of everything that takes, keeps or restores backups, by the start of its name."""
    crons = {name: each["spec"]["jobTemplate"]["spec"] for (kind, name), each in manifests.items() if kind == "CronJob"}
    volume = {name[:-9]: each["spec"] for (kind, name), each in manifests.items() if kind == "Job"}
    return {name: spec["template"] for name, spec in (crons | volume).items()}


def test_backups() -> None:
    manifests = rendered(backups={"enabled": True, "schedule": "*/5 * * * *", "keep": {"daily": 3}})
    assert manifests["CronJob", "database-backup"]["spec"]["schedule"] == "*/5 * * * *"
    assert manifests["CronJob", "database-restore"]["spec"]["suspend"] is True
    assert manifests["Role", "database-backup"]["rules"][0]["resourceNames"] == ["database-backups"]
    found = jobs(manifests)
    assert set(found) == {"database-backup", "database-restore", "database-backups-volume"}
    selector = manifests["Service", "database-headless"]["spec"]["selector"]
    for template in found.values():
        assert not selector.items() <= template["metadata"]["labels"].items(), "no Service leads there"
        spec, container = template["spec"], template["spec"]["containers"][0]
        assert container["securityContext"]["readOnlyRootFilesystem"] and spec["securityContext"]["runAsNonRoot"]
        assert container["image"] == pod(manifests)["containers"][0]["image"]
        assert {"name": "KEEP_DAILY", "value": "3"} in container["env"]
        volumes = {volume["name"] for volume in spec["volumes"]}
        assert {mount["name"] for mount in container["volumeMounts"]} == volumes


def test_the_keys_of_a_bucket_are_files() -> None:
    s3 = {"endpoint": "https://s3.example.org", "path": "bucket/database", "existingSecret": "keys"}
    for template in jobs(rendered(backups={"enabled": True, "s3": s3})).values():
        container = template["spec"]["containers"][0]
        assert mounts(container)["/etc/mariadb-backup-s3"] == "s3"
        assert {"name": "S3_PATH", "value": "bucket/database"} in container["env"]
        volumes = {volume["name"]: volume for volume in template["spec"]["volumes"]}
        assert volumes["s3"]["secret"] == {"secretName": "keys", "defaultMode": 0o440}
    with pytest.raises(RenderError, match="existingSecret is required"):
        rendered(backups={"enabled": True, "s3": {**s3, "existingSecret": ""}})


def test_a_new_image_is_a_new_job_for_the_volume() -> None:
    def name(tag: str) -> str:
        manifests = rendered(image={"tag": tag}, backups={"enabled": True})
        return next(name for kind, name in manifests if kind == "Job")

    assert name("10.11") != name("11.4"), "a Job cannot change"


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
        ({"backups": {"schedule": "hourly"}}, "schedule"),
        ({"backups": {"keep": {"last": 0}}}, "last"),
        ({"antiAffinity": "hard"}, "antiAffinity"),
        ({"database": "a`b"}, "database"),
        ({"auth": {"existingSecret": "s", "rootPassword": "x"}}, "rootPassword"),
    ],
)
def test_schema_refuses(values: dict[str, Any], message: str) -> None:
    with pytest.raises(RenderError, match=message):
        rendered(**values)


def test_defaults_and_schema_name_the_same_values() -> None:
    from tests.unit.charts.helm import PROJECT

    defaults = yaml.safe_load((PROJECT / CHART / "values.yaml").read_text())
    schema = yaml.safe_load((PROJECT / CHART / "values.schema.json").read_text())
    assert set(defaults) == set(schema["properties"]) - {"global"}
