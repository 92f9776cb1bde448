"""What the drills of etcd's loss do when they are stopped before anything is gone."""

import pytest

from ops.drill.drills.etcd_outage import EtcdDataLoss, EtcdLoss
from tests.unit.ops.drill_samples import FakeTarget, target


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a repair does, in its order."""
    seen: list[str] = []
    monkeypatch.setattr(FakeTarget, "up", lambda self, api=True: seen.append(f"up, api {api}"))
    monkeypatch.setattr(EtcdLoss, "_restore", lambda self: seen.append("restore"))
    return seen


def test_nothing_is_made_again_when_nothing_was_deleted(steps: list[str]) -> None:
    EtcdDataLoss(target(delete=True)).repair()
    assert steps == ["restore", "up, api True"]


def test_new_machines_come_first_and_once(steps: list[str]) -> None:
    drill = EtcdDataLoss(target(delete=True))
    drill.target.away.update(machine.name for machine in drill.victims())
    drill.repair()
    drill.repair()
    assert steps == ["up, api False", "restore", "up, api True", "restore", "up, api True"]
