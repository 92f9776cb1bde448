"""A command of a role: what it reads on standard input, and what it does."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from agent.machine import Machine

State = TypeVar("State")


@dataclass(frozen=True)
class Command(Generic[State]):
    """`state` is the dataclass that standard input is loaded into (agent/desired.py); `run` gets it.

    Each module of agent/roles has some as COMMANDS, by name.
    """

    state: type[State]
    run: Callable[[Machine, State], None]
