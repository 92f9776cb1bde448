"""Renders charts for the tests, with Helm's own engine (charts/test)."""

import fcntl
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).parents[3]
Manifests = dict[tuple[str, str], dict[str, Any]]
"""Kind and name -> manifest."""


class RenderError(Exception):
    """The chart refuses the values."""


@cache
def renderer() -> Path:
    """Builds the renderer (seconds, once built before) and returns its path."""
    folder = Path(os.environ.get("OPENSTACK_PAAS_CACHE", "~/.cache/openstack-paas")).expanduser() / "tests"
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "render"
    # Tests run side by side: one of them writes the program, the others find it up to date.
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(["go", "build", "-o", program, "."], cwd=PROJECT / "charts" / "test", check=True)
    return program


def render(chart: str, values: dict[str, Any], release: str = "database", namespace: str = "database") -> Manifests:
    """The manifests of a chart (its folder, from the project's root) with these values."""
    command = [renderer(), "--release", release, "--namespace", namespace, PROJECT / chart]
    done = subprocess.run(command, input=yaml.safe_dump(values), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RenderError(done.stderr)
    manifests = [manifest for manifest in yaml.safe_load_all(done.stdout) if manifest]
    return {(manifest["kind"], manifest["metadata"]["name"]): manifest for manifest in manifests}
