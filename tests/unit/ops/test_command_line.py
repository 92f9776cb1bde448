"""`paas` itself: every command is there under its name, and the others are not imported for it."""

import subprocess
import sys

import pytest

from ops.__main__ import COMMANDS, main


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_is_known_by_its_name(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([name, "--help"])
    assert capsys.readouterr().out.startswith(f"usage: paas {name} ")


def test_an_unknown_command_is_told_all(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["nothing"])
    shown = capsys.readouterr().err
    assert all(name in shown for name in COMMANDS)


def test_a_command_does_not_import_those_of_others() -> None:
    program = "import sys, ops.__main__ as ops; ops.parser('timeline'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    modules = done.stdout.split()
    assert "ops.timeline.cli" in modules
    assert not {"kubernetes", "paramiko", "preflight", "openstack"} & {*modules}
