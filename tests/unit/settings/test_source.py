"""What Pulumi hands over: encrypted secrets differ from those in plain text, and no secret's text is passed on."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pulumi
import pytest
from pulumi.runtime import config as runtime_config

from settings import source
from settings.load import parse
from settings.problem import SettingsError
from settings.running import BY_RANGE
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


FINISHED: dict[str, Any] = {
    "versions": {"kubernetes": "1.36.5"},
    "forms": {"machines": {"a": {}}},
    "securityRules": BY_RANGE,
}


@dataclass
class Engine:
    """The engine's functions: the outputs and resources of one stack, whose state is half written at first."""

    errors: list[str] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=lambda: FINISHED)
    resources: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def __call__(self, token: str, args: dict[str, Any]) -> SimpleNamespace:
        self.asked.append(token.rpartition(":")[2])
        if self.errors:
            raise Exception(self.errors.pop(0))
        found = self.outputs if token.endswith("readStackOutputs") else self.resources
        return SimpleNamespace(value={"outputs": found})


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Engine]:
    """An engine in the place of the real one."""
    monkeypatch.setattr(pulumi, "get_organization", lambda: "organization")
    monkeypatch.setattr(pulumi, "get_project", lambda: "openstack-paas")
    monkeypatch.setattr(pulumi, "get_stack", lambda: "dev")
    monkeypatch.setattr(source, "_PAUSE", 0)

    def place(*errors: str, **state: Any) -> Engine:
        made = Engine(list(errors), **state)
        monkeypatch.setattr(source, "invoke", made)
        return made

    return place


def test_a_state_that_is_half_written_is_read_again(engine: Callable[..., Engine]) -> None:
    engine(
        "returned an error: failed to load checkpoint: EOF", "failed to load checkpoint: unexpected end of JSON input"
    )
    running, _ = source.read_running()
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


def resource(kind: str, key: str, **outputs: Any) -> tuple[str, Any]:
    """One resource as the engine hands it over."""
    return f"urn:pulumi:dev::p::a${kind}::{key}", {"type": kind, "outputs": outputs}


def machine(name: str, step_ran_on: str = "") -> list[tuple[str, Any]]:
    """A machine of which the state knows the instance `name`-id, and its step where that has run."""
    instance = resource(
        "openstack:compute/instance:Instance", name, id=f"{name}-id", name=f"dev-{name}", flavorName="m1.medium"
    )
    step = resource("command:remote:Command", name, triggers=[step_ran_on])
    return [instance, *([step] if step_ran_on else [])]


def test_after_a_first_up_that_failed_late_ready_machines_are_changed_one_after_another(
    engine: Callable[..., Engine],
) -> None:
    resources = [
        *machine("control-plane-0", "control-plane-0-id"),
        *machine("control-plane-1"),
        # Replaced since its step ran.
        *machine("control-plane-2", "another-id"),
        resource("command:remote:Command", "leave-control-plane-1", triggers=["control-plane-1-id"]),
    ]
    made = engine(outputs={}, resources=dict(resources))
    running, numbered = source.read_running()
    assert running is not None
    assert not running.finished
    assert running.instances == {"dev-control-plane-0": "control-plane-0-id"}
    assert set(running.forms) == {"dev-control-plane-0"}
    assert made.asked == ["readStackOutputs", "readStackResourceOutputs"]
    # A new stack begins with whatever generation it likes, and has not finished with another one.
    keys = {"login": "2", "accepted": ["2"]}
    values = {"controlPlanes": {"count": 3, "flavor": "m1.medium"}, "access": {"sshKeys": keys}}
    assert parse(values, "dev", running, numbered).working == {"dev-control-plane-0"}


def test_a_stack_without_a_ready_machine_runs_nothing(engine: Callable[..., Engine]) -> None:
    made = engine(outputs={}, resources=dict(machine("control-plane-0")))
    assert source.read_running() == (None, {})
    assert len(made.asked) == 2


def test_after_an_up_of_this_release_the_outputs_say_it_all(engine: Callable[..., Engine]) -> None:
    made = engine()
    source.read_running()
    assert made.asked == ["readStackOutputs"]
