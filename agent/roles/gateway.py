"""A gateway: its desired state, and its commands."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from agent import status
from agent.command import Command, Options
from agent.gateway import converge as balancer
from agent.gateway.converge import DesiredGateway
from agent.kubernetes.api_gate import ApiGate, wait_until_usable
from agent.machine import Machine
from agent.system.ground import Ground, MachineState


@dataclass(frozen=True)
class State:
    """What every machine has, and what a gateway has besides."""

    machine: MachineState
    gateway: DesiredGateway


def converge(machine: Machine, state: State, options: Options) -> None:
    """Brings this gateway to its desired state. Raises Failed."""
    balancer.converge(machine, state.gateway, Ground(machine, state.machine))


def gate(machine: Machine, state: ApiGate, options: Options) -> None:
    """Ends when the cluster can be used. Raises Failed."""
    wait_until_usable(machine, state)


COMMANDS: Final[Mapping[str, Command[Any]]] = {
    "converge": Command(State, converge),
    # It may wait for long, and changes nothing here.
    "gate": Command(ApiGate, gate, alone=False),
    "status": status.command("gateway"),
}
