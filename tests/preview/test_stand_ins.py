"""Runs the Go tests of the stand-ins. `go test` also vets their code."""

import os
import shutil
import subprocess

import pytest

from dev.toolchain.plan import SOURCES


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ["command", "kubernetes", "tls"])
def test_stand_in(name: str) -> None:
    """The folder's Go tests pass."""
    if shutil.which("go") is None:
        pytest.skip("Go is not installed, so the official plugins are used")
    answer = subprocess.run(
        ["go", "test", "-mod=readonly", "-buildvcs=false", "./..."],
        cwd=SOURCES / name,
        env={**os.environ, "GOFLAGS": "", "GOWORK": "off"},
        capture_output=True,
        text=True,
        timeout=850,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
