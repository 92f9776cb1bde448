"""Why an `up` failed: for each failed resource what Pulumi says, and the tail of the machine's own console log."""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops import protected
from ops.timeline.steps import FAILS, events

#: Lines of a console log that are shown.
TAIL = 15
#: Resources whose failure is a machine's, and what components/ put after the machine's name: its instance, the upload
#: of the agent, a step on it.
_OF_A_MACHINE = {
    "openstack:compute/instance:Instance": "",
    "command:remote:CopyToRemote": "-agent",
    "command:remote:Command": "",
}


@dataclass(frozen=True)
class Failure:
    """A resource that failed, and its last error message."""

    urn: str
    message: str

    @property
    def type(self) -> str:
        """The resource's type token."""
        return self.urn.split("::")[2].split("$")[-1]

    @property
    def name(self) -> str:
        """The resource's name in the program."""
        return self.urn.split("::")[-1]

    @property
    def machine(self) -> str:
        """The name of the machine that it is about; empty for any other resource."""
        return self.name.removesuffix(_OF_A_MACHINE[self.type]) if self.type in _OF_A_MACHINE else ""


def failures(log: str) -> list[Failure]:
    """The failed resources of an engine's event log, each once, in the order of failing."""
    failed: dict[str, None] = {}
    messages: dict[str, str] = {}
    for event in events(log):
        diagnostic = event.get("diagnosticEvent") or {}
        if diagnostic.get("severity") == "error" and (urn := diagnostic.get("urn")):
            messages[urn] = diagnostic.get("message", "").strip()
            if protected.is_refusal(messages[urn]):
                failed[urn] = None  # Refused before it was tried.
        if FAILS in event:
            failed[event[FAILS]["metadata"]["urn"]] = None
    return [Failure(urn, messages.get(urn, "")) for urn in failed]


def console_tail(connection: Any, cluster: str, name: str) -> str:
    """The state, fault and last console lines of the machine `name`, or an empty text when there is none."""
    server = connection.compute.find_server(f"{cluster}-{name}", ignore_missing=True)
    if server is None:
        return ""
    server = connection.compute.get_server(server)
    fault = (server.fault or {}).get("message", "")
    head = f"machine {server.name} ({server.id}) is {server.status}" + (f": {fault}" if fault else "")
    try:
        output = connection.compute.get_server_console_output(server, length=TAIL).get("output") or ""
    except Exception as error:  # a machine that never started has none; its fault says why
        return f"{head}\n  (no console log: {error})"
    lines = [line.rstrip() for line in output.splitlines() if line.strip()][-TAIL:]
    return "\n".join([head, *(f"  | {line}" for line in lines or ["(its console is empty)"])])


def add(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("log", type=Path, help="the engine's event log")
    parser.add_argument("--cluster", required=True, help="name of the cluster, the prefix of its machines")
    parser.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """Always 0: the run itself has failed."""
    found = failures(arguments.log.read_text(encoding="utf-8"))
    refused = [failure.urn for failure in found if protected.is_refusal(failure.message)]
    if refused:
        print(f"\nprotected from removal:\n{protected.how_to_lift(refused)}")
    others = [failure for failure in found if failure.urn not in refused]
    if not others:
        return 0
    import openstack

    connection = openstack.connect()
    for failure in others:
        print(f"\nfailed: {failure.name} ({failure.type.split(':')[-1]})")
        if failure.machine:
            try:
                tail = console_tail(connection, arguments.cluster, failure.machine)
            except Exception as error:
                tail = f"its console log cannot be read: {error}"
            if tail:
                print(tail)
    print("\nFix the cause and run the same command again: it continues from here.")
    return 0
