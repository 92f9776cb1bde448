"""Machines switched off and on through OpenStack, whatever state they are found in."""

from types import SimpleNamespace
from typing import Any

import pytest

from ops.drill.power import OpenStackPower
from ops.drill.waiting import DrillError
from tests.unit.ops.drill_samples import outputs

MACHINE = outputs({"gateway": 1}).inventory[0]


class Compute:
    """Nova with one server, which reaches each status that is waited for."""

    def __init__(self, status: str, task: str | None = None) -> None:
        self.server: Any = SimpleNamespace(id="1", name=MACHINE.name, status=status, task_state=task)
        self.asked: list[str] = []

    def find_server(self, name: str, ignore_missing: bool) -> Any:
        return self.server if self.server and self.server.name == name else None

    def get_server(self, known: str) -> Any:
        return self.server

    def stop_server(self, server: Any) -> None:
        self.asked.append("stop")

    def start_server(self, server: Any) -> None:
        self.asked.append("start")

    def reboot_server(self, server: Any, kind: str) -> None:
        self.asked.append(f"reboot {kind}")

    def wait_for_server(self, server: Any, status: str, interval: int, wait: int) -> None:
        self.asked.append(f"wait {status}")
        self.server.status, self.server.task_state = status, None


def power(compute: Compute) -> OpenStackPower:
    made = OpenStackPower.__new__(OpenStackPower)
    made.compute = compute
    return made


@pytest.mark.parametrize(
    ("status", "task", "asked"),
    [
        ("SHUTOFF", None, ["start", "wait ACTIVE"]),
        ("ACTIVE", "powering-off", ["wait SHUTOFF", "start", "wait ACTIVE"]),
        ("ACTIVE", None, ["wait ACTIVE"]),
        ("ERROR", None, ["reboot HARD", "wait ACTIVE"]),
    ],
)
def test_a_machine_runs_afterwards(status: str, task: str | None, asked: list[str]) -> None:
    compute = Compute(status, task)
    power(compute).on(MACHINE)
    assert compute.asked == asked


def test_switching_off_does_not_wait() -> None:
    compute = Compute("ACTIVE")
    power(compute).off(MACHINE)
    assert compute.asked == ["stop"]


def test_a_machine_that_is_gone_is_named() -> None:
    compute = Compute("ACTIVE")
    compute.server = None
    with pytest.raises(DrillError, match="paas-gateway-0: OpenStack has no server of that name"):
        power(compute).on(MACHINE)
