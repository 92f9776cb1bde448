"""A new release of the program replaces no machine of a platform that an earlier commit made.

The states were recorded (see recorded/README.md). No cloud is asked: the plugins compare the recorded state with what
the program wants now, as they do in every preview.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.engine import home, no_preflight
from tests.preview import record
from tests.preview.stack import Preview, Stack

RECORDED = Path(__file__).with_name("recorded")
#: Types that a release may replace: no machine, address, authority or data depends on them.
FREE = {
    "openstack:networking/secGroupRule:SecGroupRule",
    "tls:index/certRequest:CertRequest",
    "tls:index/locallySignedCert:LocallySignedCert",
}
#: Components that later releases no longer have (docs/decisions/0009). The cloud has nothing for them, but their
#: children must be found again like everything else.
FORMER_COMPONENTS = {"openstack-paas:machine:Machine"}
#: All machines joined with this certificate. Each has one of its own now, and it is no resource.
REMOVED = {"openstack-paas:pki:Certificate bootstrap", "tls:index/privateKey:PrivateKey bootstrap"}
RULE = "openstack:networking/secGroupRule:SecGroupRule"
INSTANCE = "openstack:compute/instance:Instance"


def catalog(state: dict[str, Any]) -> dict[str, Any]:
    """The ids and names of flavors, images and the external network in the recorded cloud."""
    found = state["deployment"]["resources"]
    machines = [each["outputs"] for each in found if each["type"] == INSTANCE]
    (router,) = [each["inputs"] for each in found if each["type"].endswith(":Router")]
    return {
        "external_network_id": router["externalNetworkId"],
        "flavors": {machine["flavorName"]: machine["flavorId"] for machine in machines},
        "images": {machine["imageName"]: machine["imageId"] for machine in machines},
    }


@pytest.fixture(params=sorted(path.parent.name for path in RECORDED.glob(f"*/{record.STATE}")))
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Stack:
    """A stack with the current program and a recorded state."""
    folder = RECORDED / request.param
    state = record.read(folder)
    made = Stack(tmp_path / "stack", "lab")
    # The cloud's real plugin decides what has to be replaced. The kubernetes plugin would ask the recorded cluster.
    made.environment |= home.make(tmp_path / "home", ["kubernetes"])
    made.leave_cloud()
    # The recorded secrets are encrypted with the lab's passphrase, which is public.
    made.environment["PULUMI_CONFIG_PASSPHRASE"] = "lab"
    shutil.copy(folder / "Pulumi.lab.yaml", made.folder)
    shutil.copy(no_preflight.__file__, made.folder / "preflight" / "run.py")
    made.select()
    file = tmp_path / "state.json"
    file.write_text(json.dumps(state), encoding="utf-8")
    done = made.pulumi("stack", "import", "--file", str(file))
    assert done.returncode == 0, done.stderr
    made.environment[no_preflight.CATALOG] = json.dumps(catalog(state))
    return made


def lost(preview: Preview) -> set[str]:
    """Resources that are replaced or removed but must not be, as type and name."""
    assert preview.status == 0, preview.text
    found = {
        f"{step['oldState']['type']} {step['urn'].split('::')[-1]}"
        for step in preview.steps
        if step["op"] not in ("same", "update", "create")
        and step["oldState"]["type"] not in FREE
        and (step["oldState"].get("custom") or step["oldState"]["type"] not in FORMER_COMPONENTS)
    }
    return found - REMOVED


def change(file: Path, old: str, new: str) -> None:
    """Replace a text that occurs once in a file of the program."""
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_a_platform_of_an_earlier_commit_loses_nothing(stack: Stack) -> None:
    preview = stack.preview("--show-sames")
    assert not lost(preview)
    kept = [step["op"] for step in preview.steps if step.get("oldState", {}).get("type") == INSTANCE]
    assert len(kept) == 10
    assert set(kept) <= {"same", "update"}
    # Rules of earlier releases had numbers. None may be made a second time, because OpenStack refuses duplicates.
    rules = [step for step in preview.steps if step.get("newState", step.get("oldState"))["type"] == RULE]
    assert {step["op"] for step in rules} <= {"same", "create"}
    made = {step["urn"].split("::")[-1] for step in rules if step["op"] == "create"}
    assert not {name for name in made if name.startswith(("gateway-", "ingress-"))}


def test_numbered_rules_are_found_in_any_order_of_the_list(stack: Stack) -> None:
    file = stack.folder / "Pulumi.lab.yaml"
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    document["config"]["openstack-paas:access"] = {"sshCidrs": ["192.0.2.0/24", "0.0.0.0/0"]}
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    preview = stack.preview("--show-sames")
    assert not lost(preview)
    rules = {
        step["urn"].split("::")[-1]: step["op"]
        for step in preview.steps
        if step["urn"].split("::")[2].endswith(RULE) and "-ssh-" in step["urn"].split("::")[-1]
    }
    assert rules == {"gateway-ssh-192.0.2.0-24": "create", "gateway-ssh-0.0.0.0-0": "same"}


def test_a_release_that_would_replace_the_machines_is_seen(stack: Stack) -> None:
    change(stack.folder / "machines" / "user_data.py", '"disable_root": True', '"disable_root": False')
    assert not lost(stack.preview())
    change(stack.folder / "components" / "machine.py", '"userData", ', "")
    assert len([name for name in lost(stack.preview()) if name.startswith(INSTANCE)]) == 10


def rollout(stack: Stack, **replace: list[str]) -> None:
    """Set a line that would replace all workers, and the names of machines that may be replaced."""
    file = stack.folder / f"Pulumi.{stack.name}.yaml"
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    document["config"]["openstack-paas:workers"]["general"]["spread"] = "required"
    document["config"]["openstack-paas:rollout"] = replace
    file.write_text(yaml.safe_dump(document), encoding="utf-8")


def test_a_setting_replaces_only_named_machines_of_an_earlier_commit(stack: Stack) -> None:
    """What those machines were made from is in no output of that release, so it is read from the state."""
    rollout(stack)
    refused = stack.preview()
    assert refused.status != 0
    assert "workers.general.spread required: would replace lab-worker-general-0, " in refused.text
    assert "set rollout.replace: [lab-worker-general-0] as well" in refused.text
    rollout(stack, replace=["lab-worker-general-0"])
    allowed = stack.preview()
    assert {name for name in lost(allowed) if name.startswith(INSTANCE)} == {f"{INSTANCE} worker-general-0"}
