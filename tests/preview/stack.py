"""A copy of the program in its own folder with its own state, for the real engine."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ops.pipeline.without_secrets import secret_keys, without_secrets
from settings.stack_file import SECRETS

#: Credentials for a cloud that does not exist. The provider needs some, and nothing listens on port 9 (discard).
NOWHERE = {
    "OS_AUTH_URL": "http://127.0.0.1:9/v3",
    "OS_USERNAME": "nobody",
    "OS_PASSWORD": "none",
    "OS_PROJECT_NAME": "none",
    "OS_USER_DOMAIN_NAME": "none",
    "OS_PROJECT_DOMAIN_NAME": "none",
}
PROJECT = Path(__file__).resolve().parents[2]
#: Without it the engine writes the whole state at each step of a preview and throws it away (docs/performance.md).
PREVIEWS = {"PULUMI_SKIP_CHECKPOINTS": "true"}
#: What the program consists of; tests, the lab and the toolchain are none of it.
PARTS = (
    "Pulumi.yaml",
    "__main__.py",
    "agent",
    "settings",
    "components",
    "machines",
    "preflight",
    "charts",
    "requirements.txt",
)


@dataclass
class Preview:
    """The outcome of a preview: its exit status, its output and its steps."""

    status: int
    text: str
    steps: list[dict[str, Any]]

    def operations(self) -> dict[str, int]:
        """How many resources each operation touches."""
        counts: dict[str, int] = {}
        for step in self.steps:
            counts[step["op"]] = counts.get(step["op"], 0) + 1
        return counts


class Stack:
    """A stack of the copy."""

    def __init__(self, folder: Path, name: str, project: Path = PROJECT) -> None:
        self.folder, self.name = folder / "program", name
        self.secrets: dict[str, str] = {}
        self.folder.mkdir(parents=True)
        self.take(project)
        # Where Pulumi.yaml says that it is; an official engine would make another one otherwise.
        (self.folder / "venv").symlink_to(sys.prefix)
        self.environment = {
            **os.environ,
            "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "preview",
        }
        (folder / "state").mkdir()

    def take(self, project: Path) -> None:
        """Take the program of this folder."""
        for part in PARTS:
            source, target = project / part, self.folder / part
            if source.is_dir():
                shutil.rmtree(target, ignore_errors=True)
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            elif source.exists():
                shutil.copy(source, target)

    def leave_cloud(self) -> None:
        """Remove the cloud's credentials from the environment."""
        self.environment = {
            key: value for key, value in self.environment.items() if not key.startswith("OS_")
        } | NOWHERE

    def configure(self, values: Mapping[str, Any]) -> None:
        """Write the stack's file. `values` are this project's keys, secrets in plain text."""
        self.secrets = {key: values[key] for key in SECRETS if key in values}
        plain = {key: value for key, value in values.items() if key not in self.secrets}
        document = {"config": {f"openstack-paas:{key}": value for key, value in plain.items()}}
        (self.folder / f"Pulumi.{self.name}.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")

    def configure_as_committed(self) -> None:
        """Use the committed stack file with other values for its secrets."""
        text = (PROJECT / f"Pulumi.{self.name}.yaml").read_text(encoding="utf-8")
        self.secrets = {key.partition(":")[2]: "another" for key in secret_keys(text)}
        (self.folder / f"Pulumi.{self.name}.yaml").write_text(without_secrets(text), encoding="utf-8")

    def select(self) -> None:
        """Create the stack and set its secrets."""
        made = self.pulumi("stack", "select", "--create", self.name)
        assert made.returncode == 0, made.stderr
        for key, text in self.secrets.items():
            made = self.pulumi("config", "set", "--secret", key, text)
            assert made.returncode == 0, made.stderr

    def pulumi(self, *arguments: str, seconds: float = 240) -> subprocess.CompletedProcess[str]:
        """Run the engine on this stack."""
        return subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.folder,
            env=self.environment | (PREVIEWS if arguments[0] == "preview" else {}),
            text=True,
            capture_output=True,
            timeout=seconds,
            check=False,
        )

    def preview(self, *arguments: str) -> Preview:
        """Preview the stack."""
        self.select()
        done = self.pulumi("preview", "--json", *arguments)
        try:
            steps = json.loads(done.stdout).get("steps", [])
        except ValueError:
            steps = []
        return Preview(done.returncode, done.stdout + done.stderr, steps)
