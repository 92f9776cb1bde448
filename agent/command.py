"""A command of a role: what it reads on standard input, and what it does."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from agent.machine import Machine

State = TypeVar("State")


@dataclass(frozen=True)
class Command(Generic[State]):
    """`state` is the dataclass that standard input is loaded into (agent/desired.py); `run` gets it.

    One that is `alone` changes the machine: no other such run goes on meanwhile, and a file has what it said. Others (a
    node that leaves by a gateway, a snapshot) run beside it and beside each other.
    """

    state: type[State]
    run: Callable[[Machine, State], None]
    alone: bool = True
