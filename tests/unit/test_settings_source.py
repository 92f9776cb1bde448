"""What Pulumi hands over: encrypted secrets are told from those in plain text, and no secret's text goes on."""

from __future__ import annotations

from collections.abc import Iterator

import pulumi
import pytest
from pulumi.runtime import config as runtime_config

from settings.load import parse
from settings.problem import SettingsError
from settings.source import read_secret, read_stack
from settings.stack_file import ENCRYPTED

CONFIG = {
    "openstack-paas:preset": "dev",
    "openstack-paas:databaseRootPassword": "hunter2",
    "openstack-paas:databaseReplicationPassword": "hunter3",
    "openstack-paas:backupSftpKey": "",
    "openstack:cloud": "mine",
}


@pytest.fixture
def config() -> Iterator[pulumi.Config]:
    """A stack with one password encrypted, one in plain text, and an empty default."""
    before = dict(runtime_config.CONFIG.get())
    runtime_config.set_all_config(CONFIG, ["openstack-paas:databaseRootPassword"])
    yield pulumi.Config("openstack-paas")
    runtime_config.set_all_config(before, [])


def test_encrypted_secrets_are_marked_and_others_are_handed_over(config: pulumi.Config) -> None:
    assert read_stack(config) == {
        "preset": "dev",
        "databaseRootPassword": ENCRYPTED,
        "databaseReplicationPassword": "hunter3",
        "backupSftpKey": "",
    }
    assert read_secret(config, "databaseRootPassword") is not None
    assert read_secret(config, "backupSftpKey") is None


def test_the_one_in_plain_text_is_the_only_problem_and_is_not_shown(config: pulumi.Config) -> None:
    with pytest.raises(SettingsError) as caught:
        parse(read_stack(config), "dev")
    assert [problem.key for problem in caught.value.problems] == ["databaseReplicationPassword"]
    assert "hunter" not in str(caught.value)
