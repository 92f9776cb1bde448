"""Programs: how they end, their limit, and what of their output a reader sees."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from agent import programs
from agent.programs import CANNOT_RUN, NOT_FOUND, TIMED_OUT, Ended, last_lines, run, without_secrets

TOKEN = "abcdef.0123456789abcdef"
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEprecious\nMIIEmore\n-----END RSA PRIVATE KEY-----\n"
DIGEST = "07" * 32


def bash(script: str, seconds: float = 20, given: str = "", grace: float = 0.2) -> Ended:
    return run(("bash", "-c", script), seconds, given, grace=grace)


def test_output_and_status() -> None:
    ended = bash("cat; echo wrong >&2; exit 3", given="ö given\n")
    assert ended == Ended(3, "ö given\n", "wrong\n")
    assert not ended
    assert bash("true")
    assert ended.said == "ö given\nwrong"
    assert bash("exit 3").said == "exit status 3"


def test_a_program_that_does_not_read_what_it_is_given() -> None:
    assert bash("exec <&-; echo done", given="x" * 1_000_000) == Ended(0, "done\n", "")


def test_bytes_that_are_not_text() -> None:
    assert bash(r"printf '\377ok'").output.endswith("ok")


def test_a_program_that_is_not_there_or_cannot_run(tmp_path: Path) -> None:
    assert run(("no-such-program",), 5).status == NOT_FOUND
    assert "no-such-program" in run(("no-such-program",), 5).said
    script = tmp_path / "script"
    script.write_text("neither a script nor a binary")
    assert run((str(script),), 5).status == CANNOT_RUN
    script.chmod(0o755)
    assert run((str(script),), 5).status == CANNOT_RUN


def test_a_signal_is_never_a_success_nor_a_small_status() -> None:
    # subprocess has it as -9, which is less than any limit for a status.
    assert bash("kill -KILL $$").status == 128 + signal.SIGKILL


def test_the_environment_has_no_surprises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.setenv("SECRET", "x")
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    seen = run(("env",), 5, environment={"ONE": "1"}).output
    assert "LC_ALL=C\n" in seen and "ONE=1\n" in seen and "https_proxy=http://proxy:3128\n" in seen
    assert "SECRET" not in seen
    assert f"PATH={programs.PATH}\n" in seen


def test_the_time_limit() -> None:
    ended = bash("echo before; echo why >&2; exec sleep 60", seconds=0.3)
    assert ended.status == TIMED_OUT
    assert ended.output == "before\n"
    assert ended.errors == "why\n\nbash did not end within 0 s"


def test_the_time_limit_of_one_that_ignores_the_signal_to_end() -> None:
    began = time.monotonic()
    ended = bash("trap '' TERM; echo stays; while :; do sleep 0.05; done", seconds=0.3)
    assert (ended.status, ended.output) == (TIMED_OUT, "stays\n")
    assert time.monotonic() - began < 10


def test_children_end_with_it(tmp_path: Path) -> None:
    # apt-get's dpkg, say: a signal for the parent alone leaves it, and it keeps the output open.
    bash(f"sleep 60 & echo $! >{tmp_path}/child; wait", seconds=0.3)
    child = int((tmp_path / "child").read_text())
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and _runs(child):
        time.sleep(0.02)
    assert not _runs(child)


def _runs(process: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_daemon_that_keeps_the_output_open_does_not_hold_up_the_run(tmp_path: Path) -> None:
    script = f"echo started; setsid sleep 60 & echo $! >{tmp_path}/child; exit 4"
    began = time.monotonic()
    ended = bash(script, seconds=0.5)
    os.kill(int((tmp_path / "child").read_text()), signal.SIGKILL)
    assert (ended.status, ended.output) == (4, "started\n")
    assert time.monotonic() - began < 10


def test_one_that_escapes_is_given_up_after_the_limit(tmp_path: Path) -> None:
    script = f"setsid sleep 60 & echo $! >{tmp_path}/child; echo started; exec sleep 60"
    began = time.monotonic()
    ended = bash(script, seconds=0.5)
    os.kill(int((tmp_path / "child").read_text()), signal.SIGKILL)
    assert (ended.status, ended.output) == (TIMED_OUT, "started\n")
    assert time.monotonic() - began < 10


def test_a_run_that_is_stopped_stops_its_program_gently(tmp_path: Path) -> None:
    """dpkg gets the moment it needs, and the failure comes through."""

    class StoppedError(Exception):
        pass

    def stop(number: int, frame: object) -> None:
        raise StoppedError

    old = signal.signal(signal.SIGUSR1, stop)
    try:
        threading.Timer(0.4, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        with pytest.raises(StoppedError):
            bash(f"trap 'echo tidy >{tmp_path}/file; exit' TERM; while :; do sleep 0.05; done", grace=5)
    finally:
        signal.signal(signal.SIGUSR1, old)
    assert (tmp_path / "file").read_text() == "tidy\n"


def test_no_lock_outlives_the_run_in_a_program(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as lock:
        os.set_inheritable(lock.fileno(), True)
        assert str(tmp_path) not in run(("ls", "-l", "/proc/self/fd"), 5).output


def test_secrets_do_not_reach_a_reader() -> None:
    shown = without_secrets(f"join --token {TOKEN} --certificate-key {DIGEST} end\n{KEY}after\n")
    for secret in (TOKEN, DIGEST, "MIIE", "PRIVATE KEY"):
        assert secret not in shown
    assert shown == "join --token <token> --certificate-key <hidden> end\nafter\n"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"key_{DIGEST}_x", DIGEST),
        (f"token_{TOKEN}_x", TOKEN),
        ("ab" * 64, "abab"),
        ("0A" * 32, "0A0A"),
        ("before\n-----BEGIN PRIVATE KEY-----\nMIIEcut", "MIIE"),
        ("IEcut\n-----END EC PRIVATE KEY-----\nafter", "IEcut"),
        (f"{KEY}between\n{KEY}", "MIIE"),
        ('{"key": "-----BEGIN PRIVATE KEY-----\\nMIIE\\n-----END PRIVATE KEY-----\\n", "name": "x"}', "MIIE"),
        ("client-key-data: LS0tLS1CRUdJTiBFQyBQUklWQVRF", "UFJ"),
        ("AGE-SECRET-KEY-1QQQQQQQQ", "QQQ"),
        ("Bearer eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrIn0.c2lnbmF0dXJl", "c2ln"),
    ],
)
def test_secrets_in_other_forms(text: str, secret: str) -> None:
    assert secret not in without_secrets(text)


def test_what_is_no_secret_stays() -> None:
    text = "etcd 3.6.5 of registry.k8s.io/etcd:3.6.5-0\n-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
    assert without_secrets(text) == text
    assert "after" in without_secrets("IEcut\n-----END EC PRIVATE KEY-----\nafter")


def test_last_lines() -> None:
    assert last_lines("one\n\ntwo\n  \nthree\n\n", 2) == "two\nthree"
    assert last_lines("", 3) == ""
    # A key that begins before the last lines is hidden as a whole.
    assert last_lines(f"one\n{KEY}", 2) == "one"
