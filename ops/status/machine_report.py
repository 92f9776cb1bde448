"""What one machine reports: the answers of its agent (agent/status.py)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from ops.shared import outputs

#: Virtual addresses are the only ones with this prefix (keepalived.conf.j2).
_VIRTUAL = "/32"
#: How a clock begins that is the host's (agent/system/time_sync.py).
HOST_CLOCK = "the host's"
#: What reading an answer raises when its form is that of another release.
UNREADABLE = (LookupError, TypeError, ValueError, AttributeError)


@dataclass(frozen=True)
class Answer:
    """The answer to a question on the machine; in `problem` why there is none."""

    text: str = ""
    problem: str = ""


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
        return self.answers.get(question, Answer(problem=self.problem or "it gave no answer"))

    def text(self, question: str) -> str:
        """The answer's text; empty when there is none."""
        return self.answer(question).text

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
    clock: str = ""
    """The machine's clock in words: how far it is off which time server, or why that is not known."""
    clock_milliseconds: float | None = None
    """How far it is off; None where that is not known, and for a container, whose clock is its host's."""
    agent: str = ""
    """The digest of its agent."""


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
    """From what the agent printed."""
    try:
        found = {name: Answer(**answer) for name, answer in json.loads(text).items()}
    except UNREADABLE as error:
        return MachineReport(machine, problem=f"its answer cannot be read: {type(error).__name__} {error}")
    return MachineReport(machine, found)


def read_machine(report: MachineReport) -> Machine:
    """Its services, disks and clock, and whether it is the instance that it should be."""
    offset, _, clock = report.text("clock").partition(" ")
    return Machine(
        report.name,
        report.machine.role,
        report.problem,
        services={unit: state or "unknown" for unit, state in report.pairs("services")},
        disks={path: int(percent) for percent, path in report.pairs("disks") if percent.isdigit()},
        # Stand-ins for clouds, and images without cloud-init's data, have no id.
        stranger=report.text("instance").strip() not in ("", report.machine.instance_id),
        wants_restart=bool(report.text("restart").strip()),
        clock=report.answer("clock").problem or clock,
        clock_milliseconds=float(offset) if offset.replace(".", "", 1).isdigit() else None,
        agent=report.text("agent"),
    )


def read_gateway(report: MachineReport) -> Gateway:
    """From its addresses, one a line, such as 10.21.0.5/32."""
    found = report.text("addresses").split()
    held = [address.removesuffix(_VIRTUAL) for address in found if address.endswith(_VIRTUAL)]
    return Gateway(report.name, tuple(held), report.answer("addresses").problem)


def api_server_problem(report: MachineReport) -> str:
    """What is wrong with a control plane's own API server: the failing checks, or why there is no answer."""
    answer = report.answer("api-server")
    lines = answer.text.splitlines()
    failing = ", ".join(line.removeprefix("[-]") for line in lines if line.startswith("[-]"))
    return failing or answer.problem or ("" if "200" in lines else f"it answers {' '.join(lines)}")
