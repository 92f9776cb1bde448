"""A newcomer's first stack: `python -m ops init` on the lab's cloud with the real engine, then a preview."""

import os
import subprocess
import sys
from collections.abc import Callable

from tests.preview.stack import PROJECT, Stack


def init(stack: Stack, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `ops init` in the stack's copy of the program."""
    return subprocess.run(
        [sys.executable, "-m", "ops", "init", stack.name, *words],
        cwd=stack.folder,
        env={**stack.environment, "PYTHONPATH": str(PROJECT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_new_stack_previews_cleanly(stack: Callable[[str], Stack]) -> None:
    made = stack("trial")
    done = init(made, "--defaults")
    assert done.returncode == 0, done.stderr
    file = made.folder / f"Pulumi.{made.name}.yaml"
    assert file.read_text().count("secure: v1:") == 2
    shown = made.pulumi("config").stdout
    for key in ("databaseRootPassword", "databaseReplicationPassword"):
        assert [line.split() for line in shown.splitlines() if line.startswith(key)] == [[key, "[secret]"]]
        password = made.pulumi("config", "get", key).stdout.strip()
        assert len(password) == 24
        assert password not in file.read_text() + done.stdout + done.stderr
    preview = made.preview()
    assert preview.status == 0, preview.text
    assert set(preview.operations()) == {"create"}
    assert [path.name for path in made.folder.glob(".Pulumi*")] == []


def test_a_rewritten_stack_keeps_its_passwords(stack: Callable[[str], Stack]) -> None:
    made = stack("again")
    assert init(made, "--defaults").returncode == 0
    before = made.pulumi("config", "get", "databaseRootPassword").stdout
    done = init(made, "--defaults", "--force", "--workers", "3")
    assert done.returncode == 0, done.stderr
    assert made.pulumi("config", "get", "databaseRootPassword").stdout == before
    assert '"count":3' in made.pulumi("config").stdout


def test_a_cloud_that_cannot_be_reached(stack: Callable[[str], Stack]) -> None:
    made = stack("trial")
    made.environment = {key: value for key, value in made.environment.items() if not key.startswith("OS_")}
    made.environment |= {"OS_CLOUD": "nowhere", "OS_CLIENT_CONFIG_FILE": os.environ["OS_CLIENT_CONFIG_FILE"]}
    done = init(made, "--defaults")
    assert done.returncode == 2
    assert "the cloud cannot be asked what it has: there is no cloud nowhere in clouds.yaml" in done.stderr
    assert not (made.folder / "Pulumi.trial.yaml").exists()
