"""States of other builds of the openstack plugin preview without changes."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.engine import home, no_preflight
from tests.preview import record
from tests.preview.stack import Preview, Stack
from tests.preview.test_earlier_releases import RECORDED, catalog

#: Types that no release of the program has changed since those states were recorded.
STABLE = ["FloatingIp", "FloatingIpAssociate", "Keypair", "Network", "Router", "RouterInterface", "SecGroup"]
STABLE += ["ServerGroup", "Subnet", "Volume", "VolumeAttach"]
STATES = sorted(path.parent.name for path in RECORDED.glob(f"*/{record.STATE}"))


def previewed(folder: Path, recorded: str, state: dict[str, Any]) -> Preview:
    """A preview of the current program over a state, without a cloud."""
    made = Stack(folder / "stack", "lab")
    made.environment |= home.make(folder / "home", ["kubernetes"])
    made.leave_cloud()
    made.environment["PULUMI_CONFIG_PASSPHRASE"] = "lab"
    shutil.copy(RECORDED / recorded / "Pulumi.lab.yaml", made.folder)
    shutil.copy(no_preflight.__file__, made.folder / "preflight" / "run.py")
    made.select()
    file = folder / "state.json"
    file.write_text(json.dumps(state), encoding="utf-8")
    done = made.pulumi("stack", "import", "--file", str(file))
    assert done.returncode == 0, done.stderr
    made.environment[no_preflight.CATALOG] = json.dumps(catalog(state))
    return made.preview("--show-sames")


def operations(preview: Preview) -> dict[str, set[str]]:
    """The operations on resources of each stable type."""
    assert preview.status == 0, preview.text
    found: dict[str, set[str]] = {}
    for step in preview.steps:
        kind = step["urn"].split("::")[-2].split("$")[-1]
        if kind.startswith("openstack:") and kind.rpartition(":")[2] in STABLE:
            found.setdefault(kind.rpartition(":")[2], set()).add(step["op"])
    return found


def as_the_official_plugin(state: dict[str, Any]) -> int:
    """Convert the subnets to the form of pulumi-openstack over Terraform provider 3.4.0: one name for the pools.

    Returns how many subnets had the older form.
    """
    subnets = [each["outputs"] for each in state["deployment"]["resources"] if each["type"].endswith(":Subnet")]
    for subnet in subnets:
        del subnet["allocationPool"]
        difference = subnet["__pulumi_raw_state_delta"]["obj"]
        del difference["ps"]["allocationPool"]
        difference["renamed"] = {"allocationPools": "allocation_pool"}
    return len(subnets)


@pytest.mark.parametrize("recorded", STATES)
def test_a_state_of_the_plugin_over_an_older_terraform_provider_stays(tmp_path: Path, recorded: str) -> None:
    found = operations(previewed(tmp_path, recorded, record.read(RECORDED / recorded)))
    assert {"Network", "Router", "Subnet"} <= set(found)
    assert set().union(*found.values()) == {"same"}, found


def test_a_state_of_the_official_plugin_stays(tmp_path: Path) -> None:
    state = record.read(RECORDED / STATES[-1])
    assert as_the_official_plugin(state) == 2
    found = operations(previewed(tmp_path, STATES[-1], state))
    assert found["Subnet"] == {"same"}
    assert set().union(*found.values()) == {"same"}, found
