"""What `paas etcd` and `paas database` share: durations, and the question before a restore."""

import io
import sys

import pytest

from ops.shared.backups import confirm, duration
from ops.shared.errors import OpsError


@pytest.mark.parametrize(
    ("seconds", "text"), [(59, "59 s"), (119, "119 s"), (120, "2 min"), (7300, "2 h 1 min"), (864_000, "10 d")]
)
def test_durations(seconds: int, text: str) -> None:
    assert duration(seconds) == text


def type_in(monkeypatch: pytest.MonkeyPatch, text: str, terminal: bool = True) -> None:
    """Standard input: what somebody types, or what a pipe holds."""
    typed = io.StringIO(text)
    typed.isatty = lambda: terminal  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stdin", typed)


def test_the_right_answer_goes_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    type_in(monkeypatch, " 20261121T110700Z\n")
    confirm("Which? ", "20261121T110700Z")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "Which? "), "standard output may be read by a program"


@pytest.mark.parametrize("text", ["", "\n", "y\n", "no\n", "yes please\n"])
def test_every_other_answer_refuses(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    type_in(monkeypatch, text)
    with pytest.raises(OpsError, match="nothing was done"):
        confirm("Restore? ", "yes")


def test_a_pipe_cannot_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    type_in(monkeypatch, "yes\n", terminal=False)
    with pytest.raises(OpsError, match="give --yes"):
        confirm("Restore? ", "yes")
