"""What one machine reports: the sections that ops/remote/status.sh prints."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ops.shared import outputs

_HEAD = re.compile(r"^== ([a-z-]+) (\d+)\n", re.MULTILINE)
#: `timeout` ends a question with 124, or 137 where only SIGKILL did.
_TOO_LATE = (124, 137)
#: Virtual addresses are the only ones with this prefix (keepalived.conf.j2).
_VIRTUAL = "/32"
#: What reading an answer raises when its form is that of another release.
UNREADABLE = (LookupError, TypeError, ValueError, AttributeError)


@dataclass(frozen=True)
class Answer:
    """What a question on the machine printed, and its exit status."""

    status: int
    text: str

    @property
    def problem(self) -> str:
        """Why the question failed; empty when it did not."""
        if self.status == 0:
            return ""
        if self.status in _TOO_LATE:
            return "no answer in time"
        return self.text.rstrip().rpartition("\n")[2].strip() or f"ended with status {self.status}"


@dataclass(frozen=True)
class MachineReport:
    """One machine: its answers by question, or in `problem` why it could not be asked."""

    machine: outputs.Machine
    answers: Mapping[str, Answer] = field(default_factory=dict)
    problem: str = ""

    @property
    def name(self) -> str:
        """The machine's name."""
        return self.machine.name

    def answer(self, question: str) -> Answer:
        """The answer. A question without one fails, with the reason."""
        return self.answers.get(question, Answer(1, self.problem or "it gave no answer"))

    def text(self, question: str) -> str:
        """What the question printed; empty when it failed."""
        answer = self.answer(question)
        return "" if answer.problem else answer.text

    def pairs(self, question: str) -> list[tuple[str, str]]:
        """Each line's first word, and the rest of it."""
        lines = [line.partition(" ") for line in self.text(question).splitlines() if line.strip()]
        return [(first, rest.strip()) for first, _, rest in lines]


@dataclass(frozen=True)
class Machine:
    """A machine in the status report; `problem` says why it was not reached."""

    name: str
    role: str
    problem: str
    services: Mapping[str, str]
    """State by unit, as systemd names it: active, inactive, failed, activating."""
    disks: Mapping[str, int]
    """How full each file system is, in percent, by its path."""
    stranger: bool
    """Whether it is a different instance from the one in the outputs."""
    wants_restart: bool
    """Whether a package has asked for a restart of the machine."""


@dataclass(frozen=True)
class Gateway:
    """One gateway. `holds` has the virtual addresses that are on it; `problem` says why it could not be asked."""

    name: str
    holds: tuple[str, ...] = ()
    problem: str = ""

    @property
    def state(self) -> str:
        """In words."""
        return self.problem or (f"holds {', '.join(self.holds)}" if self.holds else "stands by")


def parse(machine: outputs.Machine, text: str) -> MachineReport:
    """From what the script printed."""
    _, *parts = _HEAD.split(text)
    sections = zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    return MachineReport(machine, {name: Answer(int(code), body.removesuffix("\n")) for name, code, body in sections})


def read_machine(report: MachineReport) -> Machine:
    """Its services and disks, and whether it is the instance that it should be."""
    return Machine(
        report.name,
        report.machine.role,
        report.problem,
        services={unit: state or "unknown" for unit, state in report.pairs("services")},
        disks={path: int(percent) for percent, path in report.pairs("disks") if percent.isdigit()},
        # Stand-ins for clouds, and images without cloud-init's data, have no id.
        stranger=report.text("instance").strip() not in ("", report.machine.instance_id),
        wants_restart=bool(report.text("restart").strip()),
    )


def read_gateway(report: MachineReport) -> Gateway:
    """From the lines of `ip -oneline address`: 2: eth0    inet 10.21.0.5/32 scope global eth0."""
    words = [line.split() for line in report.text("addresses").splitlines()]
    held = [line[3].removesuffix(_VIRTUAL) for line in words if len(line) > 3 and line[3].endswith(_VIRTUAL)]
    return Gateway(report.name, tuple(held), report.answer("addresses").problem)


def api_server_problem(report: MachineReport) -> str:
    """What is wrong with a control plane's own API server: the failing checks, or why there is no answer."""
    answer = report.answer("api-server")
    lines = answer.text.splitlines()
    failing = ", ".join(line.removeprefix("[-]") for line in lines if line.startswith("[-]"))
    return failing or answer.problem or ("" if "200" in lines else f"it answers {' '.join(lines)}")
