"""The keys that Pulumi logs in with come and go with the settings; those of people stay. And how sshd answers."""

import grp
import os
import pwd
from pathlib import Path

import pytest

from agent.machine import Failed
from agent.programs import Ended
from agent.system import files, login
from agent.system.login import Login
from tests.unit.agent.fake_machine import FakeMachine, FakeSystemd

ME = pwd.getpwuid(os.geteuid())
FIRST, SECOND = "ssh-ed25519 AAAAfirst pulumi", "ssh-ed25519 AAAAsecond pulumi"
PERSON = 'from="192.0.2.1, 192.0.2.2" ssh-ed25519 AAAAperson somebody'


@pytest.fixture
def machine(tmp_path: Path) -> FakeMachine:
    return FakeMachine(tmp_path)


def keys_of(machine: FakeMachine) -> Path:
    return machine.path(f"{ME.pw_dir}/.ssh/authorized_keys")


def accept(machine: FakeMachine, *keys: str) -> list[str]:
    """The lines of the file after that."""
    login.accept_keys(machine, Login(ME.pw_name, keys))
    return keys_of(machine).read_text("utf-8", "surrogateescape").splitlines()


def write(machine: FakeMachine, *lines: str) -> None:
    machine.write(f"{ME.pw_dir}/.ssh/authorized_keys", "".join(f"{line}\n" for line in lines), 0o600)


def test_keys_come_and_go_and_those_of_people_stay(machine: FakeMachine) -> None:
    write(machine, FIRST, PERSON)
    assert accept(machine, FIRST) == [FIRST, PERSON]
    assert machine.lines == []
    assert accept(machine, FIRST, SECOND) == [FIRST, SECOND, PERSON]
    assert accept(machine, SECOND) == [SECOND, PERSON]
    found = keys_of(machine).stat()
    assert found.st_mode & 0o777 == 0o600
    assert keys_of(machine).parent.stat().st_mode & 0o777 == 0o700
    assert (found.st_uid, found.st_gid) == (ME.pw_uid, ME.pw_gid)
    machine.lines.clear()
    accept(machine, SECOND)
    assert machine.lines == []


def test_the_first_key_of_a_machine(machine: FakeMachine) -> None:
    assert accept(machine, FIRST) == [FIRST]


def test_a_key_in_another_form_is_the_same_key(machine: FakeMachine) -> None:
    write(
        machine, 'no-pty,command="echo a b" ssh-ed25519 AAAAfirst', "#ssh-ed25519 AAAAfirst", "# ssh-ed25519 AAAAfirst"
    )
    assert accept(machine, FIRST) == [FIRST, "#ssh-ed25519 AAAAfirst"]


def test_a_key_that_begins_alike_is_another(machine: FakeMachine) -> None:
    write(machine, "ssh-ed25519 AAAAfirstandmore somebody")
    assert accept(machine, FIRST) == [FIRST, "ssh-ed25519 AAAAfirstandmore somebody"]


def test_a_run_that_was_interrupted_before_it_wrote_down_what_it_did(machine: FakeMachine) -> None:
    accept(machine, SECOND)
    machine.write("/var/lib/openstack-paas/login-keys", f"{FIRST}\n")
    assert accept(machine, SECOND) == [SECOND]


def test_a_key_of_an_interrupted_run_does_not_stay_for_ever(
    machine: FakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was put in place, and the run ended; then the settings had another one."""
    accept(machine, FIRST)
    real = files.write

    def write(path: Path, *arguments: object, **options: object) -> None:
        real(path, *arguments, **options)  # type: ignore[arg-type]
        if path == keys_of(machine):
            raise Failed("stopped from outside")

    monkeypatch.setattr(files, "write", write)
    with pytest.raises(Failed):
        accept(machine, FIRST, SECOND)
    monkeypatch.undo()
    assert accept(machine, FIRST) == [FIRST]


def test_an_empty_line_of_what_is_known_removes_nobodys_key(machine: FakeMachine) -> None:
    write(machine, PERSON)
    machine.write("/var/lib/openstack-paas/login-keys", "\n\n \n")
    assert accept(machine, FIRST) == [FIRST, PERSON]


def test_the_last_line_of_a_person_without_a_line_end(machine: FakeMachine) -> None:
    machine.write(f"{ME.pw_dir}/.ssh/authorized_keys", PERSON)
    assert accept(machine, FIRST) == [FIRST, PERSON]


def test_bytes_of_people_stay_as_they_are(machine: FakeMachine) -> None:
    write(machine)
    keys_of(machine).write_bytes(b"ssh-ed25519 AAAAperson M\xfcller\x0c\n")
    accept(machine, FIRST)
    assert keys_of(machine).read_bytes().endswith(b"\nssh-ed25519 AAAAperson M\xfcller\x0c\n")


def test_no_such_user(machine: FakeMachine) -> None:
    with pytest.raises(Failed, match="there is no user nosuch to log in as"):
        login.accept_keys(machine, Login("nosuch", (FIRST,)))


def test_without_a_user_nothing_is_done(machine: FakeMachine) -> None:
    write(machine, PERSON)
    login.accept_keys(machine, Login())
    assert keys_of(machine).read_text() == f"{PERSON}\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files away")
def test_they_belong_to_the_user(machine: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = pwd.getpwnam("nobody")
    home = f"/home/{nobody.pw_name}"
    entry = pwd.struct_passwd((*nobody[:5], home, nobody[6]))
    monkeypatch.setattr(pwd, "getpwnam", lambda name: entry)
    login.accept_keys(machine, Login("nobody", (FIRST,)))
    for path in (machine.path(f"{home}/.ssh"), machine.path(f"{home}/.ssh/authorized_keys")):
        found = path.stat()
        assert (found.st_uid, found.st_gid) == (nobody.pw_uid, grp.getgrgid(nobody.pw_gid).gr_gid)


def test_sshd_is_reloaded_for_all_of_our_files(machine: FakeMachine) -> None:
    systemd = FakeSystemd(machine)
    systemd.states["ssh.service"] = "active"
    machine.answer("sshd -t -f")
    machine.write("/etc/ssh/sshd_config.d/60-openstack-paas-images.conf", "")
    for _ in range(2):
        login.harden_ssh(machine, "PasswordAuthentication no\n")
    assert systemd.calls == ["enable ssh.service", "reload-or-restart ssh.service"]
    machine.write("/etc/ssh/sshd_config.d/60-openstack-paas-images.conf", "UseDNS no\n")
    login.harden_ssh(machine, "PasswordAuthentication no\n")
    assert systemd.calls[2:] == ["reload-or-restart ssh.service"]


def test_what_sshd_refuses_is_not_put_in_place(machine: FakeMachine) -> None:
    systemd = FakeSystemd(machine)
    machine.answer("sshd -t -f", Ended(255, "", "line 1: Bad configuration option: Nonsense"))
    with pytest.raises(Failed, match="would not be valid, the old one stays: line 1: Bad configuration option"):
        login.harden_ssh(machine, "Nonsense\n")
    assert not machine.path(login.SSHD_CONFIG).exists()
    assert systemd.calls == []
