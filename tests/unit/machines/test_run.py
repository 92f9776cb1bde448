"""The command of a step as it runs on a machine: its limit, its lock, its words, and its lost connection."""

import subprocess
import time
from pathlib import Path

import pytest

from machines.common.bundle import WORD_SECONDS, Bundle, File
from machines.gateway.bundle import WAY_SECONDS

SECRET = "made-up-secret"


class Machine:
    """A folder in which steps run that would run in /opt/openstack-paas."""

    def __init__(self, root: Path) -> None:
        self.root = root
        # Whoever runs the tests need not be root.
        self.sudo = root / "sudo"
        self.sudo.write_text('#!/bin/bash\nshift\nexec "$@"\n')
        self.sudo.chmod(0o755)

    def start(self, converge: str, limit_seconds: int = 20, words: float = WORD_SECONDS) -> subprocess.Popen[str]:
        """Begin a step; what the machine would take minutes for takes seconds."""
        files = (File("converge", f"#!/bin/bash\n{converge}\n", 0o755), File("pki/key", SECRET, 0o600, secret=True))
        bundle = Bundle("sample", files, limit_seconds)
        script = bundle.script()
        for old, new in (
            ("/opt/openstack-paas", str(self.root)),
            (f"read -rt {WORD_SECONDS};", f"read -rt {words};"),
            ("--kill-after=20", "--kill-after=1"),
            ("set -- sudo ", f"set -- {self.sudo} "),
        ):
            assert script.count(old) == 1, old
            script = script.replace(old, new)
        process = subprocess.Popen(
            ["bash", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stdin
        process.stdin.write(bundle.archive())
        process.stdin.close()
        process.stdin = None
        return process

    def run(self, converge: str, limit_seconds: int = 20, words: float = WORD_SECONDS) -> tuple[int, str, str]:
        """Run a step to its end: status, output, and what the shell itself said."""
        process = self.start(converge, limit_seconds, words)
        output, errors = process.communicate(timeout=60)
        return process.returncode, output, errors

    def log(self) -> str:
        """What the last run wrote."""
        return (self.root / "sample.log").read_text()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """An empty machine."""
    return Machine(tmp_path)


def wait_for(path: Path) -> None:
    """Until a file is there."""
    end = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < end, f"{path} never came"
        time.sleep(0.02)


def test_a_step_ends_as_converge_does(machine: Machine) -> None:
    assert machine.run("echo one; echo two >&2") == (0, "one\ntwo\n", "")
    assert machine.run("echo bad; exit 3") == (3, "bad\n", "")
    assert machine.log() == "bad\n"
    assert (machine.root / "sample.log").stat().st_mode & 0o777 == 0o600


def test_an_error_holds_no_secret(machine: Machine) -> None:
    """The plugin's message has the whole script and all that it wrote: finding 8 of the official plugins."""
    script = Bundle("sample", (File("converge", ""), File("pki/key", SECRET, secret=True))).script()
    status, output, errors = machine.run('key=$(<"${0%/*}/pki/key"); [ -n "$key" ]; echo "it failed" >&2; exit 1')
    assert (status, output) == (1, "it failed\n")
    assert SECRET not in script + output + errors + machine.log()


@pytest.mark.parametrize(("trap", "hard"), [("", False), ("trap '' TERM;", True)])
def test_the_limit_ends_a_step_and_says_which_and_where(machine: Machine, trap: str, hard: bool) -> None:
    begin = time.monotonic()
    status, output, _ = machine.run(f"{trap} echo begun; sleep 50", limit_seconds=1)
    name = subprocess.run(["uname", "-n"], text=True, capture_output=True, check=True).stdout.strip()
    assert output == f"begun\nFAILED: step sample on {name} has not ended within 1 s\n"
    assert status == (137 if hard else 124)
    assert time.monotonic() - begin < 20


def test_a_quiet_step_says_that_it_is_still_there(machine: Machine) -> None:
    status, output, _ = machine.run("sleep 1.7", words=0.5)
    assert status == 0
    assert [line.split(":")[0] for line in output.splitlines()] == ["sample"] * 3
    assert 3 * WORD_SECONDS <= WAY_SECONDS, "gateways would close the way of a quiet step"


def test_a_step_runs_on_when_its_connection_is_lost(machine: Machine) -> None:
    body = f"echo begun; until [ -e {machine.root}/lost ]; do sleep 0.1; done; echo more; sleep 0.3; echo end"
    process = machine.start(f"{body}; touch {machine.root}/done", words=0.1)
    assert process.stdout and process.stderr
    # On a busy machine the first word comes before the step's own output.
    while (line := process.stdout.readline()) != "begun\n":
        assert line.startswith("sample: ")
    # As sshd leaves it: nobody reads any more.
    process.stdout.close()
    process.stderr.close()
    (machine.root / "lost").touch()
    wait_for(machine.root / "done")
    process.wait(20)  # Its status has nobody to go to.
    assert machine.log() == "begun\nmore\nend\n"


def test_the_next_step_waits_for_one_that_runs_on(machine: Machine) -> None:
    first = machine.start(f"touch {machine.root}/begun; until [ -e {machine.root}/go ]; do sleep 0.1; done; echo first")
    wait_for(machine.root / "begun")
    second = machine.start("echo second", words=0.2)
    assert second.stdout
    # It is not silent while it waits.
    missing = {"waiting for an earlier run on this machine to end\n", "sample: 1 s so far\n"}
    while missing:
        missing.discard(second.stdout.readline())
    assert second.poll() is None
    (machine.root / "go").touch()
    assert first.communicate(timeout=20)[0] == "first\n"
    assert second.communicate(timeout=20)[0].endswith("second\n")
    assert second.returncode == 0


def test_waiting_for_an_earlier_run_has_a_limit(machine: Machine) -> None:
    first = machine.start(f"touch {machine.root}/begun; until [ -e {machine.root}/go ]; do sleep 0.1; done")
    wait_for(machine.root / "begun")
    status, _, errors = machine.run("echo never", limit_seconds=1)
    assert status == 75
    assert errors.startswith("an earlier run on ")
    assert errors.endswith(" has not ended after 1 s\n")
    (machine.root / "go").touch()
    assert first.wait(20) == 0


def test_nothing_of_a_step_is_left_behind(machine: Machine) -> None:
    """The lock is free, and nobody goes on saying words."""
    process = machine.start("true", words=0.1)
    process.communicate(timeout=20)
    subprocess.run(["flock", "--nonblock", machine.root / ".lock", "true"], check=True)
    found = subprocess.run(["pgrep", "--full", str(machine.root)], text=True, capture_output=True, check=False)
    assert found.stdout == ""
