"""Processes of a machine in a folder."""

from tests.unit.agent.fake_machine import FakeMachine


def begin(machine: FakeMachine, number: int, *words: str, started: int = 100) -> None:
    """There is a process with these words."""
    machine.write(f"/proc/{number}/cmdline", "\0".join(words) + "\0")
    fields = " ".join(["S", *["0"] * 18, str(started), "0"])
    machine.write(f"/proc/{number}/stat", f"{number} (a (strange) name) {fields}\n")


def end(machine: FakeMachine, number: int) -> None:
    """It is gone."""
    folder = machine.path(f"/proc/{number}")
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
