"""A protected stack and the real engine, on a made-up state whose cloud does not answer: nothing can be removed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.preview.stack import PROJECT, Stack

STACK = "kept"
ROOT = f"urn:pulumi:{STACK}::openstack-paas::"
PROVIDER = f"{ROOT}pulumi:providers:openstack::default"
PLATFORM = "openstack-paas:index:Platform"
#: Nobody listens on the discard port; and no cloud has these ids.
NOWHERE = {"authUrl": "http://127.0.0.1:9/v3", "userName": "nobody", "password": "none", "tenantName": "none"}


def resource(chain: str, name: str, number: int, protect: bool) -> dict[str, Any]:
    """One resource of OpenStack as a state has it."""
    return {
        "urn": f"{ROOT}{PLATFORM}${chain}::{name}",
        "type": chain.split("$")[-1],
        "custom": True,
        "id": f"00000000-0000-0000-0000-{number:012}",
        "inputs": {},
        "outputs": {},
        "provider": f"{PROVIDER}::made-up",
        "protect": protect,
    }


@pytest.fixture
def kept(stack: Callable[[str], Stack]) -> Stack:
    """A stack with a protected member, a protected volume, a protected VIP and a server group that nothing protects."""
    made = stack(STACK)
    made.environment = {key: value for key, value in made.environment.items() if not key.startswith("OS_")}
    member = "openstack-paas:etcd:EtcdCluster$openstack-paas:machine:Machine"
    resources = [
        {"urn": PROVIDER, "type": "pulumi:providers:openstack", "custom": True, "id": "made-up", "inputs": NOWHERE},
        resource("openstack-paas:etcd:EtcdCluster$openstack:compute/serverGroup:ServerGroup", "etcd", 1, False),
        resource(f"{member}$openstack:compute/instance:Instance", "etcd-0", 2, True),
        resource(f"{member}$openstack:blockstorage/volume:Volume", "etcd-1-data", 3, True),
        resource("openstack-paas:network:Network$openstack:networking/port:Port", "public-vip", 4, True),
    ]
    manifest = {"time": "2026-01-01T00:00:00Z", "magic": "", "version": ""}
    document = {"version": 3, "deployment": {"manifest": manifest, "resources": resources}}
    path = made.folder / "state.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    assert made.pulumi("stack", "init", STACK).returncode == 0
    imported = made.pulumi("stack", "import", "--file", str(path))
    assert imported.returncode == 0, imported.stderr
    return made


def ids(stack: Stack) -> list[str]:
    """The ids that the state knows."""
    deployment = json.loads(stack.pulumi("stack", "export").stdout)["deployment"]
    return [item["id"] for item in deployment.get("resources", []) if "id" in item]


def test_destroy_is_refused_before_anything_is_touched(kept: Stack) -> None:
    before = ids(kept)
    done = kept.pulumi("destroy", "--yes")
    assert done.returncode != 0
    assert "cannot be deleted\n    because it is protected" in done.stdout
    # The plan is made, shown and found to be impossible: the cloud has not been asked for anything.
    assert "127.0.0.1" not in done.stdout
    assert ids(kept) == before


def test_our_own_destroy_says_which_key_protects_what(kept: Stack, tmp_path: Path) -> None:
    """It asks first, for it leaves the engine's preview out."""
    before = ids(kept)
    environment = kept.environment | {"PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        [sys.executable, "-m", "ops", "protected", "--stack", STACK],
        cwd=kept.folder,
        env=environment,
        text=True,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == (
        "protected are 3 resources of the stack; nothing was touched:\n"
        "  protection.etcd: Instance etcd-0, Volume etcd-1-data\n"
        "  protection.vips: Port public-vip\n"
        "To remove or replace it, set in the stack's file\n"
        "  openstack-paas:protection: {etcd: false, vips: false}\n"
        "then run `pulumi up`, which changes nothing but that, and then the same command again.\n"
    )
    script = (PROJECT / "tools" / "destroy.sh").read_text(encoding="utf-8")
    assert script.index("python -m ops protected") < script.index("pulumi destroy --yes")
    assert ids(kept) == before


def test_what_is_not_protected_any_more_can_go(kept: Stack) -> None:
    """After `pulumi up` with the key set to false: here by the state alone."""
    freed = kept.pulumi("state", "unprotect", "--all", "--yes")
    assert freed.returncode == 0, freed.stderr
    plan = kept.pulumi("destroy", "--preview-only")
    assert plan.returncode == 0, plan.stdout + plan.stderr
    assert "4 to delete" in plan.stdout
