"""What one machine says of itself: the sections that ops/remote/status.sh prints."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ops.shared.outputs import Machine

_HEAD = re.compile(r"^== (?P<name>[a-z-]+) (?P<status>\d+)$")
#: `timeout` ends a question with 124, or 137 where only SIGKILL did.
_TOO_LATE = {124, 137}


@dataclass(frozen=True)
class Answer:
    """What a question on the machine printed, and its exit status."""

    status: int
    text: str

    @property
    def problem(self) -> str:
        """Why it is no good answer; empty when it is one."""
        if self.status == 0:
            return ""
        if self.status in _TOO_LATE:
            return "no answer within its time"
        return last_line(self.text) or f"ended with status {self.status}"


@dataclass(frozen=True)
class MachineReport:
    """One machine: its answers by question, or in `problem` why it could not be asked."""

    machine: Machine
    answers: Mapping[str, Answer] = field(default_factory=dict)
    problem: str = ""

    @property
    def name(self) -> str:
        """The machine's."""
        return self.machine.name

    def answer(self, question: str) -> Answer:
        """The answer; of a machine that was not reached, or printed none, one that says so."""
        if self.problem:
            return Answer(1, self.problem)
        return self.answers.get(question, Answer(1, "it does not say"))

    def services(self) -> dict[str, str]:
        """State by unit, as systemd names it: active, inactive, failed, activating."""
        return {unit: state or "unknown" for unit, state in self._pairs("services")}

    def disks(self) -> dict[str, int]:
        """How full each file system is, in percent, by its path."""
        return {path: int(percent) for percent, path in self._pairs("disks") if percent.isdigit()}

    def versions(self) -> dict[str, str]:
        """Versions of packages on a gateway, by their names."""
        return dict(self._pairs("versions"))

    def instance(self) -> str:
        """The instance's id as cloud-init has it, empty when it is not known."""
        answer = self.answer("instance")
        return "" if answer.problem else answer.text.strip()

    def wants_restart(self) -> bool:
        """Whether a package has asked for a restart of the machine."""
        answer = self.answer("restart")
        return not answer.problem and bool(answer.text.strip())

    def _pairs(self, question: str) -> list[tuple[str, str]]:
        """The lines' first words, and the rest of each; none when there is no good answer."""
        answer = self.answer(question)
        lines = [] if answer.problem else [line.partition(" ") for line in answer.text.splitlines() if line.strip()]
        return [(first, rest.strip()) for first, _, rest in lines]


def parse(machine: Machine, text: str) -> MachineReport:
    """From what the script printed."""
    answers: dict[str, Answer] = {}
    name, status, lines = "", 0, list[str]()
    for line in [*text.splitlines(), "== end 0"]:
        head = _HEAD.match(line)
        if not head:
            lines.append(line)
            continue
        if name:
            answers[name] = Answer(status, "\n".join(lines))
        name, status, lines = head["name"], int(head["status"]), []
    return MachineReport(machine, answers)


def last_line(text: str) -> str:
    """The last line that says something."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")
