"""dev/scripts/interrupt-stalled-up.sh interrupts an `up` without events, and leaves one with events alone."""

import subprocess
from pathlib import Path

import pytest

#: Its programs are silent for seconds.
pytestmark = pytest.mark.system

SCRIPT = Path(__file__).resolve().parents[3] / "dev/scripts" / "interrupt-stalled-up.sh"

#: A shell that runs the script and a program named pulumi, like dev/scripts/up.sh does.
SHELL = """
"$1" "$2" 2 $$ 0.2 &
trap "kill $! 2>/dev/null" EXIT
"$3"/pulumi && echo whole || echo "ended by $?"
"""


def up(folder: Path, program: str) -> str:
    """The output of such a shell. The event log exists from the start."""
    log, pulumi = folder / "events.jsonl", folder / "pulumi"
    log.touch()
    pulumi.write_text(f"#!/bin/bash\nlog={log}\n{program}\n")
    pulumi.chmod(0o755)
    # A shell in the background ignores the interrupt, and so would all that it starts.
    command = ["env", "--default-signal=INT", "bash", "-c", SHELL, "up", SCRIPT, log, folder]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout + done.stderr


def test_a_silent_up_is_interrupted(tmp_path: Path) -> None:
    text = up(tmp_path, "trap 'exit 3' INT\nfor ((i = 0; i < 200; i++)); do sleep 0.1; done")
    assert "ended by 3" in text
    assert "no event for" in text


def test_an_up_that_ignores_the_interrupt_is_interrupted_again(tmp_path: Path) -> None:
    text = up(tmp_path, "trap 'trap \"exit 4\" INT' INT\nfor ((i = 0; i < 200; i++)); do sleep 0.1; done")
    assert "ended by 4" in text
    assert text.count("no event for") == 1


def test_an_up_with_events_continues(tmp_path: Path) -> None:
    text = up(tmp_path, 'for ((i = 0; i < 30; i++)); do sleep 0.1; echo event >>"$log"; done')
    assert "whole" in text
    assert "no event for" not in text
