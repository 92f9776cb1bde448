"""The doctor: what it reads of a stack without the engine, what it reports, and how it ends."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops import doctor
from ops.__main__ import main
from ops.shared.stack_state import ENCRYPTED, StackError, State, choose, read_file
from tests.unit.fake_cloud import ANSWERS, PASSWORD, PROJECT, FakeCloud, fake_cloud

Run = Callable[..., tuple[int, str]]


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No engine at hand, and nothing of the machine's own credentials."""
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "empty"))
    for name in [name for name in os.environ if name.startswith("OS_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def cloud() -> Iterator[FakeCloud]:
    """A cloud that the dev preset fits into."""
    with fake_cloud() as made:
        flavors = [("m1.small", 2048), ("m1.medium", 4096), ("m1.large", 8192)]
        needed = (
            "allowed-address-pairs port-security security-group standard-attr-tag router external-net quota_details"
        )
        made.answers |= {
            "/compute/flavors/detail": {
                "flavors": [{"id": name, "name": name, "vcpus": 2, "ram": ram, "disk": 20} for name, ram in flavors]
            },
            "/network/v2.0/extensions": {"extensions": [{"alias": alias} for alias in needed.split()]},
            "/network/v2.0/networks": {"networks": ANSWERS["/network/v2.0/networks"]["networks"][:1]},
            "/network/v2.0/floatingips": {"floatingips": []},
            "/compute/servers": {"servers": []},
            "/compute/os-server-groups": {"server_groups": []},
            "/compute/os-keypairs": {"keypairs": []},
            f"/network/v2.0/quotas/{PROJECT}/details.json": {"quota": {"port": {"limit": 50, "used": 7}}},
        }
        yield made


def write(folder: Path, provider: dict[str, Any] | None = None, **values: Any) -> None:
    """Pulumi.dev.yaml."""
    keys = {f"openstack-paas:{key}": value for key, value in {"preset": "dev", **values}.items()}
    config = keys | {f"openstack:{key}": value for key, value in (provider or {}).items()}
    (folder / "Pulumi.dev.yaml").write_text(yaml.safe_dump({"config": config}), encoding="utf-8")


def login(cloud: FakeCloud) -> dict[str, str]:
    """The provider's configuration."""
    domains = {"userDomainName": "Default", "projectDomainName": "Default"}
    return {"authUrl": cloud.url, "userName": "paas", "password": PASSWORD, "tenantName": "paas", **domains}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the doctor in `tmp_path`; gives its status and what it printed."""
    monkeypatch.chdir(tmp_path)

    def examined(*words: str, stack: str = "dev") -> tuple[int, str]:
        status = main(["doctor", "--stack", stack, *words])
        printed = capsys.readouterr()
        return status, printed.out + printed.err

    return examined


def results(text: str) -> dict[str, str]:
    """Result by area and check, from the JSON."""
    return {f"{line['area']}/{line['check']}": line["result"] for line in json.loads(text)["checks"]}


def test_a_platform_that_is_ready(run: Run, tmp_path: Path, cloud: FakeCloud) -> None:
    write(tmp_path, login(cloud))
    status, text = run("--json")
    found = results(text)
    assert status == 0
    assert set(found.values()) == {"passed", "skipped"}
    assert [check for check, result in found.items() if result == "skipped"] == ["policy/rules"]
    assert {"settings/stack file", "cloud/credentials", "cloud/quotas", "cloud/names"} <= set(found)


def test_a_fault_of_the_cloud_is_in_the_table_with_its_fix(run: Run, tmp_path: Path, cloud: FakeCloud) -> None:
    write(tmp_path, login(cloud), etcd={"flavor": "m1.smal"})
    status, text = run()
    assert status == 1
    assert "etcd.flavor m1.smal: the cloud has no such flavor; did you mean m1.small?" in " ".join(text.split())
    assert "Not ready." in text
    assert PASSWORD not in text


def test_a_fault_in_json_has_key_value_rule_and_fix(run: Run, tmp_path: Path, cloud: FakeCloud) -> None:
    write(tmp_path, login(cloud), etcd={"flavor": "m1.smal"})
    status, text = run("--json")
    (line,) = [line for line in json.loads(text)["checks"] if line["result"] == "failed"]
    assert (status, line["check"]) == (1, "flavors")
    assert line["errors"] == [
        {
            "key": "etcd.flavor",
            "value": "m1.smal",
            "rule": "the cloud has no such flavor",
            "fix": "did you mean m1.small?",
        }
    ]


def test_wrong_settings_are_reported_without_asking_anyone(run: Run, tmp_path: Path) -> None:
    write(tmp_path, etcd={"count": 2})
    status, text = run("--json")
    found = results(text)
    assert (status, found["settings/stack file"], found["cloud/all"]) == (1, "failed", "skipped")


def test_offline_asks_nobody(run: Run, tmp_path: Path, cloud: FakeCloud) -> None:
    write(tmp_path, login(cloud))
    status, text = run("--json", "--offline")
    assert (status, results(text)["cloud/all"]) == (0, "skipped")
    assert cloud.asked == []


def test_a_cloud_that_cannot_be_asked(run: Run, tmp_path: Path, cloud: FakeCloud) -> None:
    write(tmp_path, login(cloud) | {"password": "open-sesame"})
    status, text = run()
    assert status == 2
    assert "rejects paas (401" in text
    assert "open-sesame" not in text


def test_a_stack_without_a_file(run: Run) -> None:
    assert run(stack="nowhere") == (
        2,
        "there is no Pulumi.nowhere.yaml: `paas init nowhere` writes one\n",
    )


def test_secrets_of_the_program_are_left_alone_and_those_of_the_provider_need_the_engine(tmp_path: Path) -> None:
    secret = {"secure": "v1:abc"}
    write(tmp_path, {"userName": "u"}, databaseRootPassword=secret)
    file = read_file("dev", tmp_path)
    assert file.values == {"preset": "dev", "databaseRootPassword": ENCRYPTED}, "set, and nobody has read it"
    assert file.provider == {"userName": "u"}
    write(tmp_path, {"password": secret})
    with pytest.raises(StackError, match="openstack:password is encrypted: the engine"):
        read_file("dev", tmp_path)


def test_encrypted_secrets_count_as_set(run: Run, tmp_path: Path) -> None:
    """A backup to S3 needs its keys: as they stand in a stack file they are there."""
    place = {"copyTo": {"s3": {"endpoint": "https://s3.example.org", "bucket": "backups"}}}
    keys = {key: {"secure": "v1:abc:def"} for key in ("backupS3AccessKey", "backupS3SecretKey")}
    write(tmp_path, backups=place, **keys)
    status, text = run("--offline")
    assert status == 0, text
    del keys["backupS3SecretKey"]
    write(tmp_path, backups=place, **keys)
    status, text = run("--offline")
    assert status == 1
    assert "needs the secret backupS3SecretKey" in text
    assert "backupS3AccessKey" not in text


def test_a_broken_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text("config: [")
    status, text = run()
    assert status == 2
    assert text.startswith("Pulumi.dev.yaml cannot be read: ")


def test_the_stack_that_is_meant(tmp_path: Path) -> None:
    assert choose("organization/openstack-paas/prod", tmp_path) == "prod"
    write(tmp_path)
    assert choose(None, tmp_path) == "dev"
    (tmp_path / "Pulumi.prod.yaml").touch()
    with pytest.raises(StackError, match=r"--stack dev \| prod"):
        choose(None, tmp_path)


def state(*resources: dict[str, Any]) -> State:
    """A state with these resources."""
    return State({"deployment": {"resources": list(resources)}})


def resource(kind: str, name: str, **values: Any) -> dict[str, Any]:
    """A resource of the stack `dev`, as in an export."""
    return {"urn": f"urn:pulumi:dev::openstack-paas::{kind}::{name}", "type": kind, **values}


def test_what_runs_comes_from_the_outputs_on_record() -> None:
    outputs = {"versions": {"kubernetes": "1.34.2"}, "inventory": [{"name": "dev-etcd-0", "instanceId": "id"}]}
    running = state(resource("pulumi:pulumi:Stack", "openstack-paas-dev", outputs=outputs)).running
    assert running is not None
    assert (running.kubernetes, running.instances) == ("1.34.2", {"dev-etcd-0": "id"})
    assert state().running is None


def test_the_rules_look_at_what_is_deployed(tmp_path: Path) -> None:
    write(tmp_path)
    rule = {"direction": "ingress", "protocol": "tcp", "portRangeMin": 22, "portRangeMax": 22}
    open_to_all = rule | {"remoteIpPrefix": "0.0.0.0/0"}
    platform = resource("openstack-paas:index:Platform", "dev", inputs={"preset": "production", "cluster": "dev"})
    ssh = resource("openstack:networking/secGroupRule:SecGroupRule", "gateway-ssh-0.0.0.0-0", inputs=open_to_all)
    findings = list(doctor.examine(read_file("dev", tmp_path), state(platform, ssh), offline=True))
    failed = {finding.check for finding in findings if finding.result == "failed"}
    assert "no-public-ssh" in failed
    assert doctor.exit_status(findings) == 1
