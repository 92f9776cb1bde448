"""A run of the agent as a machine gets it: its limit, its lock, its words, its lost connection, and what it says."""

import hashlib
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from agent import installed
from agent.__main__ import main
from agent.machine import Machine
from agent.output import WORD_SECONDS
from machines.gateway.command import WAY_SECONDS
from tests.unit.agent.sample_agent import SECRET, UNTIL_GO, SampleAgent

NAME = os.uname().nodename


@pytest.fixture
def agent(tmp_path: Path) -> SampleAgent:
    return SampleAgent(tmp_path)


def wait_for(path: Path) -> None:
    end = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < end, f"{path} never came"
        time.sleep(0.02)


def test_a_run_says_its_steps(agent: SampleAgent) -> None:
    status, output, errors = agent.run('machine.step("one", lambda: machine.log("said"))')
    assert (status, errors) == (0, "")
    assert re.fullmatch(r"\[ +\d+\.\d s\] one: said\n\[ +\d+\.\d s\] one: done in 0\.\d s\n", output)
    assert agent.log() == output
    assert (agent.root / "sample.log").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("act", "status", "said"),
    [
        ('raise Failed("no way")', 70, "no way"),
        ('raise KeyError("x")', 70, r"unexpected: KeyError: 'x' \(sample.py:15 act < __main__.py:\d+ _run\)"),
        ("import os, signal; os.kill(os.getpid(), 15)", 143, r"stopped from outside \(SIGTERM\)"),
    ],
)
def test_a_failure_says_once_what_and_where(agent: SampleAgent, act: str, status: int, said: str) -> None:
    found, output, errors = agent.run(f'machine.step_name = "two"; {act}')
    assert (found, errors) == (status, "")
    assert re.fullmatch(rf"FAILED at step 'two' on {NAME} after \d\.\d s: {said}\n", output), output
    assert agent.log() == output


@pytest.mark.parametrize(
    "act", ["raise Failed(desired.key)", "raise KeyError(desired.key)", "print(desired, desired.key)"]
)
def test_no_secret_is_said(agent: SampleAgent, act: str) -> None:
    """The plugin's message has the whole script and all that it wrote."""
    process = agent.start(f"assert len(desired.key) == {len(SECRET)}; {act}")
    output, errors = process.communicate(timeout=20)
    assert SECRET not in output + errors + agent.log() + " ".join(map(str, process.args))  # type: ignore[arg-type]
    assert "<hidden>" in output
    # Root alone reads the desired state, which people, timers and `paas` go on with.
    with_it = subprocess.run(["grep", "-rl", SECRET, agent.root], check=False, text=True, capture_output=True).stdout
    assert with_it.split() == [f"{agent.root}/sample.json"]
    assert (agent.root / "sample.json").stat().st_mode & 0o777 == 0o600


def test_the_limit_ends_a_run_that_tidies_up(agent: SampleAgent) -> None:
    act = 'machine.step_name = "long"\ntry:\n    time.sleep(50)\nfinally:\n    print("tidied up")'
    status, output, _ = agent.run(act, limit=0.3)
    assert status == 124
    assert re.fullmatch(
        rf"tidied up\nFAILED at step 'long' on {NAME} after \d\.\d s: the run has not ended within 0\.3 s\n", output
    )


def test_no_handler_of_failures_swallows_the_limit(agent: SampleAgent) -> None:
    """As long as the limit was a failure like others, one that tries again would have gone on for ever."""
    status, _, _ = agent.run(
        "while True:\n    try:\n        time.sleep(50)\n    except Exception:\n        pass", limit=0.3
    )
    assert status == 124


def test_the_limit_ends_a_program_of_the_run(agent: SampleAgent) -> None:
    status, _, _ = agent.run('machine.run("sleep", "54321", seconds=99)', limit=0.3)
    assert status == 124
    assert subprocess.run(["pgrep", "-f", "sleep 54321"], check=False, capture_output=True).returncode == 1


def test_a_run_that_does_not_end_by_itself_is_killed(agent: SampleAgent) -> None:
    act = "while True:\n    try:\n        time.sleep(50)\n    except BaseException:\n        pass"
    status, output, _ = agent.run(act, limit=0.2, tidy=0.3)
    assert status == 137
    assert output == "FAILED: the run does not end by itself, killed 0.3 s after its limit\n"


def test_a_quiet_run_says_that_it_is_still_there(agent: SampleAgent) -> None:
    status, output, _ = agent.run("time.sleep(0.7)", words=0.2)
    assert status == 0
    assert set(output.splitlines()) <= {"sample: 0 s so far", "sample: 1 s so far"}
    assert output.count("\n") >= 3
    assert agent.log() == ""
    assert 3 * WORD_SECONDS <= WAY_SECONDS, "gateways would close the way of a quiet run"


def test_a_run_goes_on_when_its_connection_is_lost(agent: SampleAgent) -> None:
    act = (
        'print("begun")\nwhile not (folder / "lost").exists():\n    time.sleep(0.02)\n'
        'print("more")\ntime.sleep(0.2)\nmachine.run("true")\nprint("end")\n(folder / "done").touch()'
    )
    process = agent.start(act, words=0.05)
    assert process.stdout and process.stderr
    while process.stdout.readline() != "begun\n":
        pass
    # As sshd leaves it: nobody reads any more.
    process.stdout.close()
    process.stderr.close()
    os.kill(process.pid, signal.SIGCONT)
    (agent.folder / "lost").touch()
    wait_for(agent.folder / "done")
    process.wait(20)  # Its status has nobody to go to.
    assert agent.log() == "begun\nmore\nend\n"


def test_a_lost_terminal_does_not_end_a_run(agent: SampleAgent) -> None:
    status, output, _ = agent.run("import os, signal; os.kill(os.getpid(), signal.SIGHUP); print('end')")
    assert (status, output) == (0, "end\n")


def test_the_next_run_waits_for_one_that_goes_on(agent: SampleAgent) -> None:
    first = agent.start(f'{UNTIL_GO}print("first")')
    wait_for(agent.folder / "begun")
    second = agent.start('print("second")', words=0.05)
    assert second.stdout
    # It is not silent while it waits, and the log is still the first one's.
    assert second.stdout.readline() == "sample: 0 s so far\n"
    assert agent.log() == ""
    assert second.poll() is None
    (agent.folder / "go").touch()
    assert first.communicate(timeout=20)[0] == "first\n"
    assert second.communicate(timeout=20)[0].endswith("second\n")
    assert second.returncode == 0
    assert agent.log() == "second\n"


def test_a_command_that_changes_nothing_here_runs_beside_it(agent: SampleAgent) -> None:
    """Nodes leave by a gateway that is being changed, several at a time."""
    first = agent.start(UNTIL_GO)
    wait_for(agent.folder / "begun")
    archive = str(agent.root / "agent.pyz")
    words = ["python3", "-I", archive, "beside", "sample", "20"]
    ended = subprocess.run(words, input="{}", text=True, capture_output=True, check=True, timeout=20)
    assert ended.stdout.endswith(" start: beside\n")
    assert agent.log() == ""
    (agent.folder / "go").touch()
    assert first.wait(20) == 0


def test_waiting_for_an_earlier_run_has_a_limit(agent: SampleAgent) -> None:
    first = agent.start(UNTIL_GO)
    wait_for(agent.folder / "begun")
    status, output, _ = agent.run('print("never")', limit=0.5)
    assert status == 70
    assert "waited 0 s for the end of an earlier run" in output
    (agent.folder / "go").touch()
    assert first.wait(20) == 0


def test_a_run_of_the_release_before_holds_the_same_lock(agent: SampleAgent) -> None:
    """It was a shell with the lock as descriptor 9."""
    agent.root.mkdir()
    shell = f"exec 9>{agent.root}/.lock; flock 9; touch {agent.folder}/begun; read -r"
    earlier = subprocess.Popen(["bash", "-c", shell], stdin=subprocess.PIPE)
    wait_for(agent.folder / "begun")
    assert agent.run('print("never")', limit=0.3)[0] == 70
    earlier.communicate(b"\n", timeout=20)
    assert agent.run('print("now")')[:2] == (0, "now\n")


def test_nothing_of_a_run_is_left_behind(agent: SampleAgent) -> None:
    """The lock is free, although a program that it started goes on, and nobody goes on saying words."""
    act = 'subprocess.Popen(["sleep", "3"], stdin=-3, stdout=-3, stderr=-3)'
    agent.start(act, words=0.1).communicate(timeout=20)
    subprocess.run(["flock", "--nonblock", agent.root / ".lock", "true"], check=True)
    found = subprocess.run(["pgrep", "--full", str(agent.root)], text=True, capture_output=True, check=False)
    assert found.stdout == ""


@pytest.mark.parametrize("text", ["", "{", '{"folders": ""}', '{"folder": 1}'])
def test_a_bad_state_is_refused_before_anything_happens(agent: SampleAgent, text: str) -> None:
    archive = agent.folder / "agent.pyz"
    archive.write_bytes(agent.archive(UNTIL_GO))
    words = ["python3", "-I", str(archive), "converge", "sample", "20"]
    ended = subprocess.run(words, input=text, text=True, capture_output=True, check=False, timeout=20)
    assert ended.returncode == 70
    assert ended.stdout.startswith(f"FAILED at step 'start' on {NAME} after 0.")
    assert not (agent.folder / "begun").exists()


def test_an_archive_that_was_cut_off_is_not_run(agent: SampleAgent) -> None:
    whole = agent.archive('print("never")')
    archive = agent.folder / "agent-0123456789ab.pyz"
    # Without its end it is no zip; with another content it is not what its name says.
    for content, said in ((whole[:-400], "SyntaxError"), (whole, "is not what its name says")):
        archive.write_bytes(content)
        words = ["python3", "-I", str(archive), "converge", "sample", "20"]
        ended = subprocess.run(words, input='{"folder": ""}', text=True, capture_output=True, check=False, timeout=20)
        assert ended.returncode != 0
        assert said in ended.stdout + ended.stderr
        assert "never" not in ended.stdout
    assert not list(agent.root.glob("agent*.pyz"))


def test_an_archive_that_never_came_says_so(agent: SampleAgent) -> None:
    process = agent.start('print("never")')
    script = str(process.args[-1])  # type: ignore[index]
    process.communicate(timeout=20)
    for path in agent.folder.glob("**/agent*.pyz"):
        path.unlink()
    environment = {"PATH": os.environ["PATH"], "HOME": str(agent.folder)}
    ended = subprocess.run(["bash", "-c", script], env=environment, text=True, capture_output=True, check=False)
    assert ended.returncode == 69
    assert re.fullmatch(r"FAILED: agent-[0-9a-f]{12}\.pyz is not on \S+\n", ended.stderr)


def test_what_is_installed_goes_on_without_the_upload(agent: SampleAgent) -> None:
    """A machine that was rebuilt from an image of itself, or whose login has another home now."""
    process = agent.start('print("here")')
    script = str(process.args[-1])  # type: ignore[index]
    process.communicate(timeout=20)
    given = (agent.root / "sample.json").read_text()
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    ended = subprocess.run(
        ["bash", "-c", script], input=given, env=environment, text=True, capture_output=True, check=True
    )
    assert ended.stdout == "here\n"


def test_a_command_that_goes_on_with_the_kept_state(agent: SampleAgent) -> None:
    words = ["python3", "-I", str(agent.root / "agent.pyz"), "show", "sample", "20", "word=x"]
    early = ["python3", "-I", str(agent.folder / "agent.pyz"), *words[3:]]
    (agent.folder / "agent.pyz").write_bytes(agent.archive())
    ended = subprocess.run(early, input="", text=True, capture_output=True, check=False, timeout=20)
    assert (ended.returncode, "has no desired state" in ended.stderr, ended.stdout) == (70, True, "")
    assert agent.run("pass")[0] == 0
    ended = subprocess.run(words, input="given", text=True, capture_output=True, check=True, timeout=20)
    assert ended.stdout == f"{agent.folder.name} x given\n"


@pytest.mark.parametrize("words", [[], ["converge", "sample"], ["converge", "sample", "x"], ["converge", "none", "1"],
                                   ["none", "sample", "1"], ["converge", "../x", "1"],
                                   ["converge", "sample", "1", "word=x"], ["show", "sample", "1", "word"]])  # fmt: skip
def test_wrong_words(agent: SampleAgent, words: list[str]) -> None:
    archive = agent.folder / "agent.pyz"
    archive.write_bytes(agent.archive())
    ended = subprocess.run(
        ["python3", "-I", archive, *words], text=True, capture_output=True, check=False, stdin=subprocess.DEVNULL
    )
    assert ended.returncode == 64
    assert ended.stderr.startswith("usage: ")


def test_a_fault_of_the_archive_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_roles").mkdir()
    (tmp_path / "broken_roles/sample.py").write_text("import there_is_no_such_module\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="there_is_no_such_module"):
        main(["converge", "sample", "1"], roles="broken_roles")


class TestSettle:
    """The fixed name by which timers find the agent."""

    def settle(self, tmp_path: Path, text: str) -> str:
        """Settles an archive with this content that Pulumi has put there, and returns its name."""
        name = f"agent-{hashlib.sha256(text.encode()).hexdigest()[:12]}.pyz"
        (tmp_path / "home").mkdir(exist_ok=True)
        (tmp_path / "home" / name).write_text(text)
        installed.settle(Machine("m", tmp_path), tmp_path / "home" / name)
        return name

    def found(self, tmp_path: Path) -> tuple[set[str], str, set[str]]:
        folder = tmp_path / "opt/openstack-paas"
        here = {path.name for path in folder.glob("agent-*")}
        return here, str((folder / "agent.pyz").readlink()), {path.name for path in (tmp_path / "home").iterdir()}

    def age(self, tmp_path: Path) -> None:
        for path in (*tmp_path.glob("opt/openstack-paas/agent-*"), *tmp_path.glob("home/*")):
            os.utime(path, (1, 1))

    def test_old_archives_go_but_for_the_previous_one(self, tmp_path: Path) -> None:
        one, two = self.settle(tmp_path, "one"), self.settle(tmp_path, "two")
        self.age(tmp_path)
        three = self.settle(tmp_path, "three")
        assert self.found(tmp_path) == ({two, three}, three, {two, three})
        self.age(tmp_path)
        # Again: the previous one is what the name led to before.
        assert self.settle(tmp_path, "three") == three
        assert self.found(tmp_path) == ({three}, three, {three})
        assert one not in self.found(tmp_path)[0]

    def test_an_archive_of_a_run_that_waits_stays(self, tmp_path: Path) -> None:
        one, two = self.settle(tmp_path, "one"), self.settle(tmp_path, "two")
        three = self.settle(tmp_path, "three")
        assert self.found(tmp_path) == ({one, two, three}, three, {one, two, three})

    def test_an_archive_that_runs_is_never_written_again(self, tmp_path: Path) -> None:
        name = self.settle(tmp_path, "one")
        before = (tmp_path / "opt/openstack-paas" / name).stat().st_ino
        self.settle(tmp_path, "one")
        assert (tmp_path / "opt/openstack-paas" / name).stat().st_ino == before

    def test_an_agent_from_elsewhere_changes_nothing(self, tmp_path: Path) -> None:
        (tmp_path / "agent.pyz").touch()
        installed.settle(Machine("m", tmp_path), tmp_path / "agent.pyz")
        assert not (tmp_path / "opt").exists()

    def test_the_folders_of_the_state_are_for_root_alone(self, tmp_path: Path) -> None:
        machine = Machine("m", tmp_path)
        installed.make_folders(machine)
        assert machine.state.stat().st_mode & 0o777 == 0o700
        assert (machine.state / "applied").is_dir()
