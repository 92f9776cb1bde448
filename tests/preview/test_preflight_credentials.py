"""The preflight with and without credentials, in previews and in the doctor."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

import ops.__main__ as ops
from preflight.cloud import Cloud
from preflight.collect import collect
from preflight.credentials import find, log_in
from preflight.run import VARIABLE, run
from settings.load import parse
from settings.problem import SettingsError
from tests.preview.lab_preflight import problems, with_lab
from tests.preview.stack import Stack

MakeStack = Callable[[str], Stack]


def lab_credentials() -> dict[str, str]:
    """The provider's configuration that is equivalent to OS_CLOUD=lab."""
    clouds = yaml.safe_load(Path(os.environ["OS_CLIENT_CONFIG_FILE"]).read_text(encoding="utf-8"))
    auth = clouds["clouds"]["lab"]["auth"]
    return {
        "authUrl": auth["auth_url"],
        "userName": auth["username"],
        "password": auth["password"],
        "tenantName": auth["project_name"],
        "userDomainName": auth["user_domain_name"],
        "projectDomainName": auth["project_domain_name"],
    }


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"password": "wrong-password"}, "rejects paas (401"),
        ({"tenantName": "nowhere"}, "rejects paas (401"),
        ({"authUrl": "http://127.0.0.1:9/v3"}, "keystone at http://127.0.0.1:9 cannot be reached"),
        ({"region": "Nowhere"}, "there is no region Nowhere, the cloud has RegionOne"),
        ({"cloud": "nowhere"}, "there is no cloud nowhere in clouds.yaml, which has lab, lab-admin"),
    ],
)
def test_wrong_credentials_give_one_message_without_a_password(
    cluster: str, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str], expected: str
) -> None:
    monkeypatch.delenv("OS_CLOUD")
    right = lab_credentials()
    run(parse(with_lab({}), cluster), None, right)
    report = problems(cluster, {**right, **wrong})
    assert expected in report
    assert report.startswith("1 problem")
    assert right["password"] not in report
    assert "wrong-password" not in report


def test_an_unreachable_cloud_is_a_warning_where_that_is_allowed(cluster: str, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = {"authUrl": "http://127.0.0.1:9/v3", "userName": "u", "password": "p", "tenantName": "t"}
    monkeypatch.delenv("OS_CLOUD")
    optional, required = (parse(with_lab({"preflight": kind}), cluster) for kind in ("optional", "required"))
    found = run(optional, None, nowhere, is_preview=True)
    assert "cannot be reached" in str(found.warnings[0])
    assert not found.catalog.external_network_id
    for platform, is_preview in ((optional, False), (required, True)):
        with pytest.raises(SettingsError):
            run(platform, None, nowhere, is_preview)
    monkeypatch.setenv(VARIABLE, "optional")
    assert run(required, None, nowhere, is_preview=True).warnings == found.warnings


def test_a_preview_stops_before_any_resource(stack: MakeStack) -> None:
    made = stack("faults")
    made.configure(with_lab({"etcd": {"flavor": "no-such-flavor"}, "network": {"external": "no-such-network"}}))
    preview = made.preview()
    assert preview.status != 0
    assert not [step for step in preview.steps if step["newState"]["type"].startswith("openstack")]
    assert "2 problems, nothing was changed" in preview.text
    assert "etcd.flavor no-such-flavor" in preview.text


def test_credentials_in_the_stack_file_come_first(stack: MakeStack) -> None:
    made = stack("credentials")
    made.configure(with_lab({}))
    file = made.folder / "Pulumi.credentials.yaml"
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    given = {**lab_credentials(), "password": "wrong-password"}
    document["config"] |= {f"openstack:{key}": value for key, value in given.items()}
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    made.environment.pop("OS_CLOUD")
    preview = made.preview()
    assert preview.status != 0
    assert "OpenStack: cannot be asked: keystone at http://172.24.5.1:5000 rejects paas" in preview.text


def test_a_preview_without_credentials_where_that_is_allowed(stack: MakeStack) -> None:
    made = stack("fork")
    made.configure(with_lab({}))
    made.environment = {key: value for key, value in made.environment.items() if not key.startswith("OS_")}
    made.environment |= {VARIABLE: "optional", "OS_AUTH_URL": "http://cloud.invalid/v3", "OS_TOKEN": "none"}
    preview = made.preview()
    assert preview.status == 0, preview.text
    assert set(preview.operations()) == {"create"}
    assert "OpenStack: cannot be asked, so nothing is checked and no id is known" in preview.text


def test_the_doctor_needs_no_engine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], cluster: str
) -> None:
    config = {f"openstack-paas:{key}": value for key, value in with_lab({"clusterName": cluster}).items()}
    (tmp_path / "Pulumi.doctor.yaml").write_text(yaml.safe_dump({"config": config}), encoding="utf-8")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert ops.main(["doctor", "--json"]) == 0
    checks = json.loads(capsys.readouterr().out)["checks"]
    assert {check["result"] for check in checks if check["area"] == "cloud"} == {"passed"}
    assert len(checks) > 14


def test_the_whole_cloud_without_a_platform_is_an_offer() -> None:
    offer: Cloud = collect(log_in(find()))
    assert offer.unknown == ()
    assert {"lab.etcd", "m1.large"} <= {flavor.name for flavor in offer.flavors or ()}
    assert "debian-12" in {image.name for image in offer.images or ()}
