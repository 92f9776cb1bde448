"""kubeadm's log, its configuration, and what a failure says."""

from pathlib import Path

import pytest

from agent.kubernetes.kubeadm import LOG, Kubeadm
from agent.machine import Failed
from agent.programs import Ended
from tests.unit.agent.fake_machine import FakeMachine


def test_the_configuration_is_a_file_for_the_time_of_the_call(machine: FakeMachine) -> None:
    seen = {}

    def answer(call: tuple[str, ...], given: str) -> str:
        seen["text"] = Path(call[-1]).read_text()
        seen["path"] = call[-1]
        return "done\n"

    machine.answer("kubeadm", answer)
    Kubeadm(machine, ("Swap", "Mem")).run("kubeadm join", "join", configuration="kind: Join\n")
    assert seen["text"] == "kind: Join\n"
    assert not machine.path(seen["path"]).exists()
    assert machine.path(LOG).read_text() == "done\n"
    assert machine.path(LOG).stat().st_mode & 0o777 == 0o600
    assert machine.lines == ["kubeadm join took 0 s"]
    assert Kubeadm(machine, ("Swap", "Mem")).flags() == ("--ignore-preflight-errors=Swap,Mem",)
    assert Kubeadm(machine).flags() == ()


def test_a_failure_names_the_errors_without_secrets(machine: FakeMachine) -> None:
    text = "[preflight] Running\nerror execution phase: token abcdef.0123456789abcdef is wrong\nTo see the stack\n"
    machine.answer("kubeadm", Ended(1, errors=text))
    with pytest.raises(Failed, match="kubeadm join failed after 0 s: error execution phase: token <token> is wrong"):
        Kubeadm(machine).run("kubeadm join", "join")
    machine.answer("kubeadm", Ended(1, "something else"))
    with pytest.raises(Failed, match="failed after 0 s: something else"):
        Kubeadm(machine).run("kubeadm join", "join")


def test_a_configuration_that_kubeadm_does_not_take(machine: FakeMachine) -> None:
    machine.answer("kubeadm config validate", Ended(1, errors="unknown field"))
    with pytest.raises(Failed, match=r"kubeadm refuses join.yaml: unknown field"):
        Kubeadm(machine).validate("join.yaml", "x: y\n")
