"""The behaviour of the bash library and of etcd's membership decision: each case is a script beside this file."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from machines.common.templates import MACHINES

CASES = sorted((Path(__file__).parent / "shell").glob("case-*.sh"))
#: Cases that run as root only.
AS_ROOT = {"case-certificates"}


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, marks=[pytest.mark.system] if case.stem in AS_ROOT else []) for case in CASES],
    ids=lambda case: case.stem.removeprefix("case-"),
)
def test_case(case: Path, tmp_path: Path) -> None:
    assert shutil.which("jq"), "jq is missing: `make tools-installed` installs what the tests try"
    environment = os.environ | {"SCRIPTS": str(MACHINES), "ROOT": str(tmp_path)}
    done = subprocess.run(["bash", str(case)], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{case.name} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
