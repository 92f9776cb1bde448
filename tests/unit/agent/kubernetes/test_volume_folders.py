"""Folders of local volumes."""

import os

import pytest

from agent.kubernetes.worker import make_volume_folder, open_lost_volumes
from tests.unit.agent.fake_machine import FakeMachine


def test_the_folders_are_made_once(machine: FakeMachine) -> None:
    make_volume_folder(machine, "/srv/volumes")
    make_volume_folder(machine, "/srv/volumes")
    assert machine.lines == ["made /srv/volumes"]
    assert machine.path("/srv/volumes").stat().st_mode & 0o777 == 0o755


@pytest.mark.skipif(os.getuid() != 0, reason="folders of root")
def test_a_volume_that_was_lost_is_for_everyone_again(machine: FakeMachine) -> None:
    modes = {"pvc-lost": 0o755, "pvc-full": 0o755, "pvc-own": 0o700, "other": 0o755}
    for name, mode in modes.items():
        machine.path(f"/srv/volumes/{name}").mkdir(parents=True)
        machine.path(f"/srv/volumes/{name}").chmod(mode)
    machine.write("/srv/volumes/pvc-full/data", "x")
    machine.write("/srv/volumes/pvc-file", "x")
    open_lost_volumes(machine, "/srv/volumes")
    now = {path.name: path.stat().st_mode & 0o777 for path in machine.path("/srv/volumes").iterdir() if path.is_dir()}
    assert now == {**modes, "pvc-lost": 0o777}
    assert machine.lines == ["/srv/volumes/pvc-lost is for everyone again"]
