"""A machine's data volume, for real: loop devices, file systems and mounts in a mount namespace of the test's own."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from machines.common.bundle import CONVERGE
from machines.common.templates import MACHINES
from machines.common.volume import volume_settings, with_volume
from machines.etcd.bundle import VOLUME_USE
from settings.machines import VolumeSettings
from tests.unit.machines import samples

CASES = sorted((Path(__file__).parent / "volume").glob("case-*.sh"))


@pytest.mark.system
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem.removeprefix("case-"))
def test_case(case: Path, tmp_path: Path) -> None:
    missing = [tool for tool in ("losetup", "mkfs.ext4", "resize2fs", "unshare", "sfdisk") if not shutil.which(tool)]
    assert not missing, f"{', '.join(missing)} missing: `make tools-installed` installs what the tests try"
    assert os.geteuid() == 0, "loop devices need root"
    files = tmp_path / "files"
    files.mkdir()
    for file in with_volume([], VolumeSettings(sizeGib=1), VOLUME_USE):
        if file.path.startswith("files/"):
            (tmp_path / file.path).write_text(file.content)
    environment = os.environ | {"SCRIPTS": str(MACHINES), "ROOT": str(tmp_path), "FILES": str(files)}
    done = subprocess.run(
        ["unshare", "--mount", "bash", str(case)], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, f"{case.name} ended with {done.returncode}:\n{done.stdout}{done.stderr}"


def test_without_a_volume_a_bundle_is_what_it_was() -> None:
    assert with_volume([], None, VOLUME_USE) == ()
    assert volume_settings(None, VOLUME_USE, {}) == {}


def test_the_roles_own_script_comes_second() -> None:
    plain, volume = (
        samples.bundle(platform, "worker") for platform in (samples.stack("prod"), samples.variant("volume"))
    )
    own = next(file for file in plain.files if file.path == CONVERGE)
    role = next(file for file in volume.files if file.path == "role")
    assert (role.content, role.mode) == (own.content, own.mode)
