"""The committed stacks follow the rules, and the policy pack stops a preview that breaks one."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from policy import rules
from policy.reading import records_of
from tests.engine import home
from tests.preview.stack import PROJECT, Stack
from tests.preview.test_stacks import ON_THE_LAB

MakeStack = Callable[[str], Stack]
PACK = str(PROJECT / "policy")


@pytest.mark.parametrize("name", ["lab", "dev", "prod"])
def test_committed_stacks_follow_the_rules(stack: MakeStack, name: str) -> None:
    made = stack(name)
    made.configure_as_committed()
    preview = made.preview("--show-sames")
    records, facts = records_of({"steps": preview.steps})
    found = rules.violations(records, facts)
    assert not [str(item) for item in found if item.mandatory and not item.exempt]
    assert facts.stack == name
    assert facts.kubernetes
    assert facts.preset == ("dev" if name == "dev" else "production")


def test_the_pack_stops_a_preview_that_breaks_a_rule(stack: MakeStack) -> None:
    made = stack("prod")
    made.configure_as_committed()
    file = made.folder / "Pulumi.prod.yaml"
    document = yaml.safe_load(file.read_text())
    document["config"]["openstack-paas:access"] = {"sshCidrs": ["0.0.0.0/0"]}
    document["config"]["openstack-paas:protection"] = {"etcd": False}
    file.write_text(yaml.safe_dump(document))
    made.pulumi("stack", "select", "--create", "prod")
    done = made.pulumi("preview", "--policy-pack", PACK)
    text = done.stdout + done.stderr
    assert done.returncode != 0
    assert "SecGroupRule gateway-ssh-0.0.0.0-0: lets anyone reach SSH" in text
    assert "Instance etcd-0: holds data of etcd and is not protected" in text
    assert "can't run policy" not in text


def test_the_pack_passes_the_development_stack(stack: MakeStack) -> None:
    made = stack("dev")
    made.configure_as_committed()
    made.pulumi("stack", "select", "--create", "dev")
    done = made.pulumi("preview", "--policy-pack", PACK)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "openstack-paas@v0.1.0" in done.stdout


def test_an_update_makes_nothing_that_breaks_a_rule(stack: MakeStack, tmp_path: Path) -> None:
    """Even without a preview: the engine asks the pack before it makes each resource."""
    made = stack("prod")
    made.environment |= home.make(tmp_path / "home")
    made.configure({"preset": "production", **ON_THE_LAB, "access": {"sshCidrs": ["0.0.0.0/0"]}})
    made.pulumi("stack", "select", "--create", "prod")
    up = made.pulumi("up", "--yes", "--skip-preview", "--policy-pack", PACK)
    assert up.returncode != 0
    assert "lets anyone reach SSH" in up.stdout, up.stdout + up.stderr
    there = [item["urn"] for item in json.loads(made.pulumi("stack", "export").stdout)["deployment"]["resources"]]
    assert not [urn for urn in there if urn.endswith("gateway-ssh-0.0.0.0-0")]
