"""Every committed stack and every preset previews cleanly. Bad settings are reported before anything is planned."""

from collections.abc import Callable

import pytest
import yaml

from settings.presets import PRESETS
from settings.stack_file import SECRETS
from tests.preview.stack import Stack

MakeStack = Callable[[str], Stack]
#: Flavors and images of the lab's cloud.
ON_THE_LAB = {
    "gateways": {"flavor": "lab.gateway", "image": "debian-12"},
    "etcd": {"flavor": "lab.etcd", "image": "debian-12"},
    "controlPlanes": {"flavor": "lab.control-plane", "image": "debian-12"},
    "workers": {"general": {"count": 2, "flavor": "lab.worker", "image": "debian-12"}},
}


@pytest.mark.parametrize(("name", "machines"), [("lab", 10), ("dev", 5), ("prod", 11)])
def test_committed_stacks_preview_cleanly(stack: MakeStack, name: str, machines: int) -> None:
    made = stack(name)
    made.configure_as_committed()
    preview = made.preview()
    assert preview.status == 0, preview.text
    assert set(preview.operations()) == {"create"}
    instances = [s for s in preview.steps if s["newState"]["type"] == "openstack:compute/instance:Instance"]
    assert len(instances) == machines


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_preview_cleanly(stack: MakeStack, preset: str) -> None:
    made = stack("preset")
    made.configure({"preset": preset, **ON_THE_LAB})
    preview = made.preview()
    assert preview.status == 0, preview.text


def test_two_previews_are_the_same(stack: MakeStack) -> None:
    made = stack("same")
    made.configure({"preset": "dev", **ON_THE_LAB})
    first, second = made.preview(), made.preview()
    assert first.operations() == second.operations()
    assert [s["urn"] for s in sorted(first.steps, key=str)] == [s["urn"] for s in sorted(second.steps, key=str)]


def test_no_private_key_in_a_preview(stack: MakeStack) -> None:
    made = stack("secrets")
    made.configure({"preset": "dev", **ON_THE_LAB, "databaseRootPassword": "KnownRootPassword"})
    preview = made.preview("--diff")
    assert preview.status == 0, preview.text
    assert "PRIVATE KEY" not in preview.text
    assert "KnownRootPassword" not in preview.text


def test_secrets_in_plain_text_are_reported_with_all_other_problems(stack: MakeStack) -> None:
    made = stack("plain")
    made.configure({"preset": "dev", **ON_THE_LAB, "etcd": {"count": 4}})
    made.select()
    for key in SECRETS:
        assert made.pulumi("config", "set", "--plaintext", key, "hunter2").returncode == 0
    text = problem_lines(made)
    assert "6 problems, nothing was changed" in text
    for key in SECRETS:
        assert f"{key}: is a secret, and is in the stack file in plain text" in text
        assert f"pulumi config set --secret openstack-paas:{key}" in text
    report = "".join(line for line in text.splitlines() if " problems, nothing" in line)
    assert report and "hunter2" not in report


@pytest.mark.parametrize("versions", ["<{} || >=4.0.0", ">{} <4.0.0"])
def test_an_engine_outside_the_range_of_the_project_refuses_to_run(stack: MakeStack, versions: str) -> None:
    made = stack("engine")
    made.configure({"preset": "dev", **ON_THE_LAB})
    project = made.folder / "Pulumi.yaml"
    text = project.read_text(encoding="utf-8")
    tested = yaml.safe_load(text)["requiredPulumiVersion"]
    engine = made.pulumi("version").stdout.strip().removeprefix("v")
    others = versions.format(engine)
    project.write_text(text.replace(tested, others), encoding="utf-8")
    preview = made.preview()
    assert preview.status != 0
    assert preview.steps == []
    assert f'Pulumi CLI version {engine} does not satisfy the version range "{others}"' in preview.text


def problem_lines(stack: Stack) -> str:
    """The report of a preview that must fail without planning a single resource of OpenStack."""
    preview = stack.preview()
    assert preview.status != 0
    assert not [s for s in preview.steps if s["newState"]["type"].startswith("openstack:")]
    return preview.text


def test_bad_settings_are_all_reported_at_once(stack: MakeStack) -> None:
    made = stack("bad")
    wrong = {"etcd": {"count": 4}, "gateway": {}, "network": {"private": "10.0.0.1/8"}, "kubernetes": "1.35.0"}
    made.configure(ON_THE_LAB | wrong)
    text = problem_lines(made)
    # The engine lets the last one through: a text where a section belongs.
    for expected in (
        "4 members tolerate 1 lost",
        "did you mean gateways?",
        "network.private",
        "kubernetes 1.35.0: must",
    ):
        assert expected in text
