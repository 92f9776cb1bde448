"""What Pulumi hands over: encrypted secrets are told from those in plain text, and no secret's text goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pulumi
import pytest
from pulumi.runtime import config as runtime_config

from settings import source
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


class Engine:
    """The engine's functions, whose state is half written at first."""

    def __init__(self, *errors: str) -> None:
        self.errors = list(errors)

    def __call__(self, token: str, args: dict[str, Any]) -> SimpleNamespace:
        if self.errors:
            raise Exception(self.errors.pop(0))
        return SimpleNamespace(value={"outputs": {"versions": {"kubernetes": "1.36.5"}, "forms": {"machines": {}}}})


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Engine]:
    """An engine in the place of the real one."""
    monkeypatch.setattr(pulumi, "get_organization", lambda: "organization")
    monkeypatch.setattr(pulumi, "get_project", lambda: "openstack-paas")
    monkeypatch.setattr(pulumi, "get_stack", lambda: "dev")
    monkeypatch.setattr(source, "_PAUSE", 0)

    def place(*errors: str) -> Engine:
        made = Engine(*errors)
        monkeypatch.setattr(source, "invoke", made)
        return made

    return place


def test_a_state_that_is_half_written_is_read_again(engine: Callable[..., Engine]) -> None:
    engine(
        "returned an error: failed to load checkpoint: EOF", "failed to load checkpoint: unexpected end of JSON input"
    )
    running = source.read_running()
    assert running is not None
    assert running.kubernetes == "1.36.5"


def test_a_state_that_cannot_be_read_is_an_error_and_never_an_empty_stack(engine: Callable[..., Engine]) -> None:
    engine(*["failed to load checkpoint: EOF"] * 10)
    with pytest.raises(Exception, match="EOF"):
        source.read_running()
    asked = engine("unauthorized", "unauthorized")
    with pytest.raises(Exception, match="unauthorized"):
        source.read_running()
    assert len(asked.errors) == 1
