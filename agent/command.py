"""A command of a role: what it reads, and what it does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from agent.machine import Machine

State = TypeVar("State")

#: Words of the command line as KEY=VALUE.
Options = Mapping[str, str]


@dataclass(frozen=True)
class Command(Generic[State]):
    """`state` is the dataclass that the desired state is loaded into (agent/desired.py); `run` gets it.

    One that is `alone` changes the machine: no other such run goes on meanwhile, and a file has what it said. Others (a
    node that leaves, a snapshot) run beside it and beside each other.

    The desired state comes on standard input. For a command that reads the `saved` one it is that of the last
    `converge`, and standard input is the command's own. One whose `state` is None reads none.

    `options` are the keys that its words may have.
    """

    state: type[State] | None
    run: Callable[[Machine, State, Options], None]
    alone: bool = True
    saved: bool = False
    options: tuple[str, ...] = ()
