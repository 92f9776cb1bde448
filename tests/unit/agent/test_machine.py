"""The ground of a run: steps, waiting, failures, folders for secrets, signals."""

from pathlib import Path

import pytest

from agent.machine import Failed, Machine, NotYet
from agent.programs import Ended
from tests.unit.agent.fake_machine import FakeMachine

TOKEN = "abcdef.0123456789abcdef"


@pytest.fixture
def machine(tmp_path: Path) -> FakeMachine:
    return FakeMachine(tmp_path)


def test_retry_until_ends_with_the_first_success(machine: FakeMachine) -> None:
    tries: list[int] = []

    def probe() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise NotYet("no")
        return "yes"

    assert machine.retry_until(20, "the third try", probe) == "yes"
    assert machine.clock.monotonic() - machine.began == pytest.approx(0.6)
    assert machine.lines == []


def never(text: str, machine: FakeMachine, seconds: float = 0) -> None:
    machine.clock.sleep(seconds)
    raise NotYet(text)


def test_retry_until_ends_within_its_limit_and_says_what_it_saw(machine: FakeMachine) -> None:
    with pytest.raises(Failed) as failed:
        machine.retry_until(25, "a door to open", lambda: never(f"a\nb\nc\nconnection refused {TOKEN}\n", machine))
    assert str(failed.value) == "waited 25 s for a door to open; last seen: b\nc\nconnection refused <token>"
    assert machine.elapsed < 26
    assert machine.logged == [("start", "waiting for a door to open (10 s): connection refused <token>")]


def test_retry_until_says_nothing_was_seen(machine: FakeMachine) -> None:
    with pytest.raises(Failed, match=r"last seen: nothing$"):
        machine.retry_until(11, "a word", lambda: never("", machine))
    assert machine.said == "waiting for a word (10 s): nothing seen"


def test_slow_probes_do_not_make_it_talk_more(machine: FakeMachine) -> None:
    with pytest.raises(Failed):
        machine.retry_until(100, "it", lambda: never("no", machine, 45 if not machine.lines else 1))
    # At 45 s, and then every 20 s; not once for each 20 s that the first probe took.
    assert [line.split("it ")[1] for line in machine.lines] == ["(45 s): no", "(66 s): no", "(87 s): no"]


def test_retry_until_looks_once_without_any_time(machine: FakeMachine) -> None:
    assert machine.retry_until(0, "it", lambda: "there") == "there"
    with pytest.raises(Failed):
        machine.retry_until(0, "it", lambda: never("no", machine))


def test_what_a_probe_refuses_ends_the_wait(machine: FakeMachine) -> None:
    def probe() -> None:
        raise Failed("this cannot become better")

    with pytest.raises(Failed, match="cannot become better"):
        machine.retry_until(100, "it", probe)
    assert machine.elapsed == 0


def test_steps_have_names_and_times(machine: FakeMachine) -> None:
    machine.unit, machine.log_file = "before.service", machine.path("/before.log")

    def greet() -> str:
        machine.log("hello")
        machine.clock.sleep(1.5)
        return machine.unit

    # What an earlier step named is not this one's.
    assert machine.step("greeting", greet) == ""
    assert machine.logged == [("greeting", "hello"), ("greeting", "done in 1.5 s")]
    assert machine.lines == ["hello", "done in 1.5 s"]
    assert machine.log_file is None


def test_a_log_line_has_the_time_the_step_and_goes_to_the_journal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake = FakeMachine(tmp_path)
    fake.answer("logger")
    fake.step_name = "membership"
    fake.clock.sleep(12.34)
    Machine.log(fake, "member-0 -- is a member")
    assert capsys.readouterr().out == "[  12.3 s] membership: member-0 -- is a member\n"
    assert fake.calls == [("logger", "-t", "openstack-paas", "--", "membership: member-0 -- is a member")]


def test_must_says_what_failed(machine: FakeMachine) -> None:
    machine.answer("nft list", Ended(1, "", f"line 3 is wrong {TOKEN}\n"))
    machine.answer("nft --version", "nftables v1\n")
    assert machine.must("nft", "--version") == "nftables v1\n"
    with pytest.raises(Failed, match=r"^nft list tables failed: line 3 is wrong <token>$"):
        machine.must("nft", "list", "tables")
    with pytest.raises(Failed, match=r"^the table failed: line 3"):
        machine.must("nft", "list", "tables", what="the table")


def test_a_failure_is_reported_once_with_the_ends_of_logs(
    machine: FakeMachine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.path("/run/systemd/system").mkdir(parents=True)
    machine.answer("logger")
    machine.answer("journalctl", f"etcd: started with {TOKEN}\n")
    lines = "".join(f"line {number}\n" for number in range(40))
    machine.write("/var/log/apt.log", f"{lines}E: no such package\n")

    def fails() -> None:
        machine.unit, machine.log_file = "etcd.service", machine.path("/var/log/apt.log")
        raise Failed("cannot go on")

    with pytest.raises(Failed) as failed:
        machine.step("breaking", fails)
    machine.clock.sleep(3)
    machine.report(str(failed.value))
    said = capsys.readouterr().err
    assert said.splitlines()[-1] == "FAILED at step 'breaking' on machine-0 after 3.0 s: cannot go on"
    assert "E: no such package" in said and "line 16\n" in said and "line 15\n" not in said
    assert "etcd: started with <token>" in said
    assert "--unit=etcd.service" in machine.called("journalctl")[0]
    assert machine.called("logger -t openstack-paas -p user.err") != []


def test_without_systemd_the_journal_is_not_asked(machine: FakeMachine) -> None:
    machine.unit = "etcd.service"
    assert not machine.booted()
    assert machine.ends_of_logs() == ""


def test_a_work_folder_is_for_root_alone_and_goes(machine: FakeMachine) -> None:
    with pytest.raises(Failed), machine.work_folder() as folder:
        assert folder.parent == machine.path("/run")
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "key").write_text("secret")
        raise Failed("in the middle")
    assert list(machine.path("/run").iterdir()) == []


def test_paths_stay_below_the_root(machine: FakeMachine, tmp_path: Path) -> None:
    assert machine.path("/etc/hosts") == tmp_path / "etc/hosts"
    assert Machine("x").path("/etc/hosts") == Path("/etc/hosts")
    assert machine.state == tmp_path / "var/lib/openstack-paas"


def test_a_real_machine_runs_programs(tmp_path: Path) -> None:
    assert Machine("x", tmp_path).must("cat", given="hello") == "hello"
