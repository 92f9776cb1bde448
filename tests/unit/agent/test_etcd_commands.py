"""The commands of a member about snapshots, restores and room, from their options to what they print."""

import io
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from agent.etcd import backup, defragment, restore
from agent.etcd.backup_schedule import schedule_backups
from agent.etcd.backup_settings import BackupFiles
from agent.machine import Failed
from agent.roles.etcd import COMMANDS
from tests.unit.agent import etcd_samples as samples
from tests.unit.agent.fake_machine import FakeMachine

UNITS = "/etc/systemd/system"
FOLDER = "/etc/openstack-paas/etcd-backup"


class Desired:
    """What a command reads of the desired state."""

    backups = samples.SETTINGS


@pytest.fixture
def machine(tmp_path: Path) -> FakeMachine:
    made = samples.machine(tmp_path)
    made.answer("systemctl", "")
    made.answer("systemctl is-enabled", 1)
    return made


def _run(name: str, machine: FakeMachine, options: Mapping[str, str]) -> None:
    command = COMMANDS[name]
    assert command.saved and not command.alone
    assert set(options) <= set(command.options)
    command.run(machine, Desired(), options)


def test_a_snapshot_by_its_options(machine: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, ...]] = []
    monkeypatch.setattr(backup, "take", lambda machine, settings, *words: asked.append(words))
    _run("snapshot", machine, {})
    _run("snapshot", machine, {"reason": "timer", "from": "10.0.0.5", "copies": "no"})
    assert asked == [("manual", "", True), ("timer", "10.0.0.5", False)]
    with pytest.raises(Failed, match="copies is yes or no, not 'maybe'"):
        _run("snapshot", machine, {"copies": "maybe"})


def test_the_list_is_json(machine: FakeMachine, capsys: pytest.CaptureFixture[str]) -> None:
    samples.add(machine, samples.describe(100, 7))
    _run("backups", machine, {"here": "yes"})
    document = json.loads(capsys.readouterr().out)
    assert list(document) == ["member", "now", "interval", "status", "snapshots", "places"]
    assert document["snapshots"][0]["revision"] == 7


def test_a_look_is_json_and_reads_nothing(
    machine: FakeMachine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.answer("systemctl is-active", samples.failing("", 3))
    monkeypatch.setattr("sys.stdin", None)
    _run("restore", machine, {"step": "look"})
    assert json.loads(capsys.readouterr().out)["member"] == "etcd-0"


def test_a_plan_and_an_identity_come_on_standard_input(machine: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[str, str]] = []
    monkeypatch.setattr(restore, "run", lambda machine, settings, step, text: given.append((step, text)))
    for step in ("stop", "snapshot", "place", ""):
        monkeypatch.setattr("sys.stdin", io.StringIO("a text"))
        _run("restore", machine, {"step": step} if step else {})
    assert given == [("stop", "a text"), ("snapshot", "a text"), ("place", ""), ("", "")]


def test_the_timer_defragments_where_it_is_needed(machine: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    reasons: list[str] = []

    def defragments(machine: object, settings: object, only_where_needed: bool, snapshot: object) -> None:
        asked.append(only_where_needed)
        assert callable(snapshot) and snapshot() == "no room"

    monkeypatch.setattr(defragment, "defragment", defragments)

    def before_change(machine: object, settings: object, reason: str, **more: object) -> str:
        reasons.append(reason)
        return "no room"

    monkeypatch.setattr(backup, "take_before_change", before_change)
    _run("defragment", machine, {})
    _run("defragment", machine, {"force": "yes"})
    assert asked == [True, False]
    assert set(reasons) == {"defragment"}


FILES = BackupFiles("[Service]\n", "[Timer]\n", "[Service]\n#d\n", "[Timer]\n#d\n", "[s3]\n", "ca\n", "key\n", "host\n")


def test_timers_and_the_configuration_of_rclone(machine: FakeMachine) -> None:
    schedule_backups(machine, FILES)
    for unit in ("backup", "defragment"):
        assert machine.path(f"{UNITS}/openstack-paas-etcd-{unit}.service").exists()
        assert machine.called(f"systemctl start openstack-paas-etcd-{unit}.timer")
    assert machine.path(FOLDER).stat().st_mode & 0o777 == 0o700
    assert {(file.name, file.stat().st_mode & 0o777) for file in machine.path(FOLDER).iterdir()} == {
        (name, 0o400) for name in ("rclone.conf", "s3-ca.crt", "sftp.key", "sftp.known_hosts")
    }
    machine.answer("systemctl is-enabled", 0)
    without = replace(FILES, service="", timer="", rclone_config="", s3_ca="", sftp_key="", sftp_known_hosts="")
    schedule_backups(machine, without)
    assert machine.called("systemctl --quiet disable openstack-paas-etcd-backup.timer")
    assert not machine.path(f"{UNITS}/openstack-paas-etcd-backup.service").exists()
    assert machine.path(f"{UNITS}/openstack-paas-etcd-defragment.timer").exists()
    assert list(machine.path(FOLDER).iterdir()) == []


def test_a_timer_of_the_release_before_starts_the_agent_from_now_on(machine: FakeMachine) -> None:
    """Its own text is the same, and systemd knows the old service: it would start a script that is gone."""
    schedule_backups(machine, FILES)
    machine.calls.clear()
    machine.answer("systemctl show --property=NeedDaemonReload --value openstack-paas-etcd-backup.service", "yes")
    schedule_backups(machine, replace(FILES, service="[Service]\nExecStart=new\n"))
    assert machine.called("systemctl daemon-reload")


def test_secrets_of_places_are_hidden() -> None:
    assert "key" not in repr(FILES).replace("sftp_known", "")
    assert "[s3]" not in repr(FILES)
