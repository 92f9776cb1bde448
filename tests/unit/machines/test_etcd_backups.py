"""What a member is asked to do about snapshots, and when."""

from dataclasses import asdict

import pytest

from agent.etcd.backup_settings import BackupFiles, BackupSettings, CopyPlace
from agent.etcd.commands import commands
from machines.etcd.backups import calendar, desired_backups
from settings.platform import Platform
from tests.unit.machines import samples


@pytest.mark.parametrize(
    ("minutes", "index", "count", "when"),
    [
        (15, 0, 3, "*:00/15:00"),
        (15, 1, 3, "*:05/15:00"),
        (15, 6, 7, "*:12/15:51"),
        (60, 1, 2, "*:30:00"),
        (360, 0, 3, "00/6:00:00"),
        (360, 2, 3, "04/6:00:00"),
        (1440, 2, 5, "09:36:00"),
    ],
)
def test_members_take_turns(minutes: int, index: int, count: int, when: str) -> None:
    assert calendar(minutes, index, count) == when


def _desired(platform: Platform, number: int = 0) -> BackupSettings:
    return desired_backups(platform, platform.plan.etcd[number], samples.INPUTS)


def test_a_member_knows_all_members_and_its_own_time() -> None:
    wanted = _desired(samples.stack("prod"), 1)
    assert [member.name for member in wanted.members] == ["prod-etcd-0", "prod-etcd-1", "prod-etcd-2"]
    assert (wanted.name, wanted.interval_minutes, wanted.quota_bytes) == ("prod-etcd-1", 15, 2**31)
    assert "OnCalendar=*:05/15:00" in wanted.files.timer
    assert "OnCalendar=08:00:00" in wanted.files.defragment_timer


def test_units_start_commands_that_there_are() -> None:
    files = _desired(samples.stack("prod")).files
    known = commands(BackupSettings)
    for text in (files.service, files.defragment_service):
        (line,) = (line for line in text.splitlines() if line.startswith("ExecStart="))
        words = line.partition(" -I /opt/openstack-paas/agent.pyz ")[2].split()
        assert words[1] == "etcd"
        assert {word.partition("=")[0] for word in words[3:]} <= set(known[words[0]].options)
        limit = next(line for line in text.splitlines() if line.startswith("TimeoutStartSec="))
        assert int(limit.removeprefix("TimeoutStartSec=").removesuffix("min")) * 60 > int(words[2])


def test_places_and_their_secrets() -> None:
    wanted = _desired(samples.variant("copies"))
    assert wanted.places == (CopyPlace("s3", "backups/paas/prod"), CopyPlace("sftp", "/srv/backups/prod"))
    assert len(wanted.recipients) == 1
    files = wanted.files
    for line in (
        f"secret_access_key = {samples.SECRET} backupS3SecretKey",
        "key_file = /etc/openstack-paas/etcd-backup/sftp.key",
        "known_hosts_file = /etc/openstack-paas/etcd-backup/sftp.known_hosts",
    ):
        assert f"{line}\n" in files.rclone_config
    assert files.sftp_key == f"{samples.SECRET} backupSftpKey\n"
    assert files.sftp_known_hosts == "[backup.example]:2022 ssh-ed25519 AAAA\n"
    assert files.s3_ca.startswith("-----BEGIN CERTIFICATE-----")
    assert samples.SECRET not in repr(wanted)


def test_without_backups_there_are_no_timer_and_no_places() -> None:
    wanted = _desired(samples.variant("without-backups"))
    kept = asdict(BackupFiles()).keys() - {"defragment_service", "defragment_timer"}
    assert all(getattr(wanted.files, name) == "" for name in kept)
    assert wanted.files.defragment_timer
    assert (wanted.interval_minutes, wanted.places, wanted.recipients) == (0, (), ())
