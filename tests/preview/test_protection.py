"""Protected data and replaced machines of a platform, on the real engine. tests.engine stands for the cloud."""

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.engine import home
from tests.engine.echo import LOST
from tests.preview.stack import PROJECT, Stack
from tests.preview.test_stacks import ON_THE_LAB

NAME = "kept"
SETTINGS: dict[str, Any] = {
    **ON_THE_LAB,
    "preset": "production",
    "kubernetes": {"cni": "flannel"},
    "database": {"replicas": 1},
    "etcd": {**ON_THE_LAB["etcd"], "volume": {"sizeGib": 10}},
    "workers": {"general": {**ON_THE_LAB["workers"]["general"], "volume": {"sizeGib": 20, "type": "slow"}}},
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """A production platform with volumes. Everything that can be protected is."""
    folder = tmp_path_factory.mktemp("protection")
    made = Stack(folder / "stack", NAME)
    made.environment |= home.make(folder / "home")
    shutil.copy(PROJECT / "tests" / "engine" / "no_preflight.py", made.folder / "preflight" / "run.py")
    made.configure(SETTINGS)
    made.pulumi("stack", "select", "--create", NAME)
    up = made.pulumi("up", "--yes", "--skip-preview")
    assert up.returncode == 0, up.stdout + up.stderr
    return made


def state(stack: Stack) -> dict[str, dict[str, Any]]:
    """The resources in the state, by type and name."""
    deployment = json.loads(stack.pulumi("stack", "export").stdout)["deployment"]
    found = deployment.get("resources", [])
    return {f"{item['type'].split(':')[-1]}/{item['urn'].split('::')[-1]}": item for item in found}


def operations(log: str) -> list[tuple[str, str]]:
    """The steps of `pulumi up --json` in order, as operation and type/name, without `same` and refreshes."""
    events = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    steps = [event["resourcePreEvent"]["metadata"] for event in events if "resourcePreEvent" in event]
    named = [(step["op"], f"{step['type'].split(':')[-1]}/{step['urn'].split('::')[-1]}") for step in steps]
    return [(op, name) for op, name in named if op not in ("same", "refresh")]


def ask(stack: Stack) -> subprocess.CompletedProcess[str]:
    """`python -m ops protected`, which dev/scripts/destroy.sh runs because it skips the engine's preview."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "ops", "protected", "--stack", NAME],
        cwd=stack.folder,
        env=stack.environment | {"PYTHONPATH": str(PROJECT)},
        text=True,
        capture_output=True,
        timeout=120,
        check=False,
    )


def test_destroy_is_refused_before_anything_is_touched(stack: Stack) -> None:
    before = state(stack)
    done = stack.pulumi("destroy", "--yes")
    assert done.returncode != 0
    assert "cannot be deleted\n    because it is protected" in done.stdout
    assert state(stack) == before


def test_our_own_destroy_first_names_the_keys_that_protect_resources(stack: Stack) -> None:
    done = ask(stack)
    assert done.returncode == 1
    assert done.stderr == (
        "13 resources of the stack are protected; nothing was touched:\n"
        "  protection.database: Namespace database, PrivateKey database-replication-password, "
        "PrivateKey database-root-password, Release mariadb, Secret mariadb-passwords, "
        "Volume worker-general-0-data, Volume worker-general-1-data\n"
        "  protection.etcd: Volume etcd-0-data, Volume etcd-1-data, Volume etcd-2-data\n"
        "  protection.vips: FloatingIp api, Port private-vip, Port public-vip\n"
        "To remove or replace it, set in the stack's file\n"
        "  openstack-paas:protection: {database: false, etcd: false, vips: false}\n"
        "then run `pulumi up`, which changes nothing but that, and then the same command again.\n"
    )
    script = (PROJECT / "dev/scripts" / "destroy.sh").read_text(encoding="utf-8")
    assert script.index("python -m ops protected") < script.index("pulumi destroy --yes")


def test_a_replacement_of_protected_data_is_refused_in_the_preview(stack: Stack) -> None:
    preview = stack.preview("--replace", state(stack)["Volume/worker-general-0-data"]["urn"])
    assert preview.status != 0
    assert "Volume::worker-general-0-data" in preview.text
    assert "currently marked for protection" in preview.text


def test_a_setting_that_would_replace_data_volumes_is_refused_before_the_engine_plans_anything(stack: Stack) -> None:
    pool = SETTINGS["workers"]["general"]
    stack.configure({**SETTINGS, "workers": {"general": {**pool, "volume": {"sizeGib": 20, "type": "fast"}}}})
    try:
        preview = stack.preview()
    finally:
        stack.configure(SETTINGS)
    assert preview.status != 0
    for words in ("workers.general.volume", "worker-general-0", "worker-general-1"):
        assert words in preview.text
    assert "currently marked for protection" not in preview.text


def test_a_replaced_machine_of_a_member_gets_its_volume_again(stack: Stack) -> None:
    """Its data is protected, but the machine is not. Nothing of another machine is touched."""
    before = state(stack)
    up = stack.pulumi("up", "--yes", "--skip-preview", "--replace", before["Instance/etcd-0"]["urn"], "--json")
    assert up.returncode == 0, up.stdout + up.stderr
    done = operations(up.stdout)
    touched = {name for _, name in done}
    assert touched == {"Instance/etcd-0", "VolumeAttach/etcd-0-data", "CopyToRemote/etcd-0-agent", "Command/etcd-0"}
    # The volume is detached before the old machine is deleted, and attached before the new machine's step runs.
    assert done.index(("delete-replaced", "VolumeAttach/etcd-0-data")) < done.index(
        ("delete-replaced", "Instance/etcd-0")
    )
    created = [name for op, name in done if op == "create-replacement"]
    assert (created[0], created[-1]) == ("Instance/etcd-0", "Command/etcd-0")
    assert sorted(created[1:-1]) == ["CopyToRemote/etcd-0-agent", "VolumeAttach/etcd-0-data"]
    assert state(stack)["Volume/etcd-0-data"] == before["Volume/etcd-0-data"]


def lose(stack: Stack, *urns: str) -> list[tuple[str, str]]:
    """Run `pulumi up --refresh` after these were lost. Returns its steps as operation and type/name, without `same`."""
    stack.environment[LOST] = " ".join(urns)
    try:
        up = stack.pulumi("up", "--yes", "--skip-preview", "--refresh", "--json")
    finally:
        del stack.environment[LOST]
    assert up.returncode == 0, up.stdout + up.stderr
    return operations(up.stdout)


def test_a_lost_machine_comes_back_with_its_volume(stack: Stack) -> None:
    before = state(stack)
    done = lose(stack, before["Instance/etcd-1"]["urn"], before["VolumeAttach/etcd-1-data"]["urn"])
    assert [name for op, name in done if op == "create"] == ["Instance/etcd-1", "VolumeAttach/etcd-1-data"]
    assert state(stack)["Volume/etcd-1-data"]["id"] == before["Volume/etcd-1-data"]["id"]


def test_a_wiped_machine_gets_its_agent_and_its_step_again(stack: Stack) -> None:
    """By the command of docs/repair.md, and nothing else is touched."""
    lines = (PROJECT / "docs" / "repair.md").read_text(encoding="utf-8").splitlines()
    (command,) = [line for line in lines if line.startswith("pulumi up --target-replace ")]
    up = stack.pulumi(*shlex.split(command)[1:], "--yes", "--skip-preview", "--json")
    assert up.returncode == 0, up.stdout + up.stderr
    done = operations(up.stdout)
    assert [name for op, name in done if op == "create-replacement"] == ["CopyToRemote/etcd-1-agent", "Command/etcd-1"]
    assert {name for _, name in done} == {"CopyToRemote/etcd-1-agent", "Command/etcd-1"}


def test_a_lost_machine_that_is_itself_protected_comes_back(tmp_path: Path) -> None:
    made = Stack(tmp_path / "stack", "single")
    made.environment |= home.make(tmp_path / "home")
    made.configure({**ON_THE_LAB, "preset": "dev", "protection": {"etcd": True}})
    made.pulumi("stack", "select", "--create", "single")
    assert made.pulumi("up", "--yes", "--skip-preview").returncode == 0
    before = state(made)["Instance/etcd-0"]
    assert before["protect"]
    assert ("create", "Instance/etcd-0") in lose(made, before["urn"])
    assert state(made)["Instance/etcd-0"]["protect"]


def test_a_volume_that_grows_runs_the_step_of_its_machine(stack: Stack) -> None:
    etcd = {**SETTINGS["etcd"], "volume": {"sizeGib": 11}}
    stack.configure({**SETTINGS, "etcd": etcd})
    try:
        steps = [step for step in stack.preview().steps if step["op"] != "same"]
    finally:
        stack.configure(SETTINGS)
    assert {step["op"] for step in steps} == {"update"}
    touched = {f"{s['newState']['type'].split(':')[-1]}/{s['urn'].split('::')[-1]}" for s in steps}
    members = range(3)
    assert touched == {f"Volume/etcd-{i}-data" for i in members} | {f"Command/etcd-{i}" for i in members}


def test_protection_is_lifted_by_its_key_and_an_up_that_changes_nothing_else(stack: Stack) -> None:
    """The last test of this platform, which it destroys."""
    stack.configure({**SETTINGS, "protection": {"etcd": False, "database": False, "vips": False}})
    up = stack.pulumi("up", "--yes", "--skip-preview")
    assert up.returncode == 0, up.stdout + up.stderr
    assert "unchanged" in up.stdout and "replaced" not in up.stdout
    assert ask(stack).returncode == 0
    gone = stack.pulumi("destroy", "--yes", "--skip-preview")
    assert gone.returncode == 0, gone.stdout + gone.stderr
    assert not state(stack)
