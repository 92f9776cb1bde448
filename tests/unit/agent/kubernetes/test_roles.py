"""The commands of nodes."""

import json

import pytest

from agent.__main__ import find_command
from agent.kubernetes.api_server import ASIDE, MANIFEST
from agent.machine import Failed
from agent.roles import control_plane, worker
from tests.unit.agent.fake_machine import FakeMachine
from tests.unit.machines import samples


def state(role: str) -> object:
    return samples.command(samples.stack("prod"), role).state


def api_server(machine: FakeMachine, action: str) -> None:
    command = control_plane.COMMANDS["api-server"]
    assert command.saved and not command.alone
    command.run(machine, state("control-plane"), {"action": action} if action else {})


def test_the_api_server_while_etcd_is_restored(machine: FakeMachine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.write(MANIFEST, "kind: Pod\n")
    said = []
    for action in ("state", "start"):
        api_server(machine, action)
        said.append(json.loads(capsys.readouterr().out)["api_server"])
    machine.path(ASIDE).parent.mkdir(parents=True)
    machine.path(MANIFEST).replace(machine.path(ASIDE))
    for action in ("state", "start"):
        api_server(machine, action)
        said.append(json.loads(capsys.readouterr().out)["api_server"])
    assert said == ["wanted", "wanted", "stopped", "wanted"]


@pytest.mark.parametrize("action", ["", "restart"])
def test_another_action_is_refused(machine: FakeMachine, action: str) -> None:
    with pytest.raises(Failed, match="action=start, action=stop or action=state"):
        api_server(machine, action)


def test_volumes_that_appear_are_for_everyone(machine: FakeMachine) -> None:
    command = worker.COMMANDS["open-volumes"]
    assert command.saved and not command.alone
    folder = samples.stack("prod").settings.storage.worker_path
    volume = machine.path(f"{folder}/pvc-1")
    volume.mkdir(parents=True)
    volume.chmod(0o755)
    command.run(machine, state("worker"), {})
    assert "is for everyone again" in machine.said or volume.stat().st_uid != 0


@pytest.mark.parametrize("role", ["worker", "control-plane"])
def test_roles_have_a_converge(role: str) -> None:
    command = find_command("converge", role)
    assert command and command.alone and not command.saved
