"""No secret of a machine's desired state shows in a preview or in the state. tests.engine.echo stands for the cloud."""

import base64
import importlib
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from agent import desired
from tests.engine import home
from tests.preview.official_kubernetes import SECRET_KEY
from tests.preview.stack import Stack
from tests.preview.test_changes import COMMAND
from tests.preview.test_stacks import ON_THE_LAB

#: Settings with every kind of secret. A short line would be found in a preview by chance.
GIVEN = {
    "databaseRootPassword": "root-password-of-the-test",
    "databaseReplicationPassword": "replication-password-of-the-test",
    "backupS3AccessKey": "access-key-of-the-test",
    "backupS3SecretKey": "secret-key-of-the-test",
}
SETTINGS: dict[str, Any] = {
    **ON_THE_LAB,
    **GIVEN,
    "preset": "production",
    "kubernetes": {"cni": "flannel"},
    "database": {"replicas": 1},
    "backups": {"copyTo": {"s3": {"endpoint": "https://s3.example.org", "bucket": "backups"}}},
}
#: Renews every certificate and makes another authority and other keys.
ROTATED = {
    "certificates": {"epoch": "spring", "authorities": {"issuing": "1", "trusted": ["1", "2"]}},
    "access": {"sshKeys": {"login": "1", "accepted": ["1", "2"]}},
}
#: A line of a key in PEM.
PEM_LINE = re.compile(r"^[A-Za-z0-9+/]{24,}={0,2}$", re.MULTILINE)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """A production platform made with the current program."""
    folder = tmp_path_factory.mktemp("secrets")
    made = Stack(folder / "stack", "secrets")
    made.environment |= home.make(folder / "home")
    made.configure(SETTINGS)
    made.select()
    up = made.pulumi("up", "--yes", "--skip-preview", "--diff")
    assert up.returncode == 0, up.stdout + up.stderr
    found = set(secrets(made))
    assert not shown(up.stdout + up.stderr, found)
    return made


def archives(stack: Stack) -> dict[str, tuple[str, str]]:
    """The script and the standard input of every command, by its name; the latter decrypted."""
    exported = stack.pulumi("stack", "export", "--show-secrets")
    assert exported.returncode == 0, exported.stderr
    found = {}
    for each in json.loads(exported.stdout)["deployment"]["resources"]:
        inputs = each.get("inputs", {})
        if each["type"] == COMMAND and isinstance(inputs["stdin"], dict):
            assert SECRET_KEY in inputs["stdin"]
            found[each["urn"].split("::")[-1]] = inputs["create"], json.loads(inputs["stdin"]["plaintext"])
    return found


def secrets(stack: Stack) -> Iterator[str]:
    """Every secret of all desired states, by its lines, and the archives in which they travel."""
    for script, archive in archives(stack).values():
        role = re.match(r"# openstack-paas: converge (\S+)\. ", script)
        assert role
        yield archive
        commands = importlib.import_module(f"agent.roles.{role[1].replace('-', '_')}").COMMANDS
        for text in desired.secrets(desired.load(commands["converge"].state, desired.unpack(archive.encode()))):
            # A key ends with its public half, which anyone may read.
            yield from PEM_LINE.findall(text)[:2] or [text]
    yield from GIVEN.values()


def shown(text: str, found: set[str]) -> list[str]:
    """The secrets that are in the text, as they are or in base64."""
    assert len(found) > 30
    return [
        secret
        for secret in found
        if secret in text or base64.b64encode(secret.encode()).decode().rstrip("=")[:-2] in text
    ]


def test_every_machine_has_secrets_that_its_script_names_without_a_digest(stack: Stack) -> None:
    found = archives(stack)
    assert len(found) == 10
    for name, (script, _) in found.items():
        listed = re.findall(r"^# (\S+) secret$", script, re.MULTILINE)
        assert bool(listed) == (not name.startswith("gateway-")), name


def test_the_state_has_none_in_plain_text(stack: Stack) -> None:
    found = set(secrets(stack))
    assert not shown(stack.pulumi("stack", "export").stdout, found)
    files = [path for path in (stack.folder.parent / "state").rglob("*") if path.is_file()]
    assert files
    for path in files:
        assert not shown(path.read_text(encoding="utf-8"), found), path


#: What every machine gets is known in the preview, as it is not where there are other keys.
KNOWN = {"time": {"servers": ["192.0.2.1"]}, "backupS3SecretKey": "another-key-of-the-test"}


@pytest.mark.parametrize("form", ["--diff", "--json"])
@pytest.mark.parametrize("change", [ROTATED, KNOWN], ids=["rotated", "known"])
def test_previews_of_any_change_show_none(stack: Stack, change: dict[str, Any], form: str) -> None:
    found = set(secrets(stack))
    stack.configure({**SETTINGS, **change, "databaseRootPassword": "another-password-of-the-test"})
    try:
        stack.select()
        done = stack.pulumi("preview", form)
    finally:
        stack.configure(SETTINGS)
    text = done.stdout + done.stderr
    assert done.returncode == 0, text
    assert "machine.base.time" in text or change is not KNOWN
    assert not shown(text, found | {"another-password-of-the-test", "another-key-of-the-test"})
    assert "PRIVATE KEY" not in text
