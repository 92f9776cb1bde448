"""Gateways: which of them holds the virtual addresses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ops.status.machine_report import MachineReport

#: Virtual addresses are the only ones with this prefix (keepalived.conf.j2).
_VIRTUAL = "/32"


@dataclass(frozen=True)
class Gateway:
    """One gateway. `holds` has the virtual addresses that are on it; `problem` says why it could not be asked."""

    name: str
    holds: tuple[str, ...] = ()
    problem: str = ""

    @property
    def state(self) -> str:
        """In words."""
        if self.problem:
            return self.problem
        return f"holds {', '.join(self.holds)}" if self.holds else "stands by"


def read(looks: Iterable[MachineReport]) -> list[Gateway]:
    """From the lines of `ip -oneline address`."""
    found = []
    for look in looks:
        answer = look.answer("addresses")
        if answer.problem:
            found.append(Gateway(look.name, problem=answer.problem))
            continue
        words = [line.split() for line in answer.text.splitlines()]
        # "2: eth0    inet 10.21.0.5/32 scope global eth0"
        held = [line[3].removesuffix(_VIRTUAL) for line in words if len(line) > 3 and line[3].endswith(_VIRTUAL)]
        found.append(Gateway(look.name, tuple(held)))
    return found
