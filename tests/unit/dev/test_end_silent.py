"""dev/scripts/end-silent.sh: an `up` in which nothing happens is interrupted, one that says something is not."""

from __future__ import annotations

import subprocess
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[3] / "dev/scripts" / "end-silent.sh"

#: A shell that runs a program named pulumi beside the watch, as dev/scripts/up.sh does.
SHELL = """
"$1" "$2" 1 $$ 0.2 &
trap "kill $! 2>/dev/null" EXIT
"$3"/pulumi && echo whole || echo "ended by $?"
"""


def up(folder: Path, program: str) -> str:
    """What such a shell prints; the event log is there from the start."""
    log, pulumi = folder / "events.jsonl", folder / "pulumi"
    log.touch()
    pulumi.write_text(f"#!/bin/bash\nlog={log}\n{program}\n")
    pulumi.chmod(0o755)
    done = subprocess.run(
        ["bash", "-c", SHELL, "up", SCRIPT, log, folder], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout + done.stderr


def test_a_silent_one_is_interrupted(tmp_path: Path) -> None:
    text = up(tmp_path, "trap 'exit 3' INT\nfor ((i = 0; i < 200; i++)); do sleep 0.1; done")
    assert "ended by 3" in text
    assert "nothing has happened for" in text


def test_one_that_ignores_that_is_interrupted_again(tmp_path: Path) -> None:
    text = up(tmp_path, "trap 'trap \"exit 4\" INT' INT\nfor ((i = 0; i < 200; i++)); do sleep 0.1; done")
    assert "ended by 4" in text
    assert text.count("nothing has happened for") == 1


def test_one_that_says_something_goes_on(tmp_path: Path) -> None:
    text = up(tmp_path, 'for ((i = 0; i < 30; i++)); do sleep 0.1; echo event >>"$log"; done')
    assert "whole" in text
    assert "nothing has happened" not in text
