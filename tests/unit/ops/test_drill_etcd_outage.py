"""What the drills of etcd's loss do when they are stopped before anything is gone, and when etcd works again."""

from contextlib import nullcontext

import pytest

from ops.drill.drills import etcd_outage
from ops.drill.drills.etcd_outage import EtcdDataLoss, EtcdLoss, EtcdMajority
from ops.etcd.plan import Member, RestoreError
from ops.etcd.restore import Survey
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


def test_an_etcd_that_works_is_restored_only_when_a_restore_was_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    platform = target(say=said.append)
    monkeypatch.setattr(FakeTarget, "ssh", lambda self: nullcontext())
    note = {"id": "20260102T030405Z"}
    for plan in (None, note):
        members = {
            name: Member(name, True, name == "paas-etcd-0", True, 7, "", plan)
            for name in ("paas-etcd-0", "paas-etcd-1")
        }
        monkeypatch.setattr(etcd_outage, "survey", lambda *_, found=members: Survey(found))
        monkeypatch.setattr(etcd_outage, "choose", _refuses)
        if plan:
            with pytest.raises(RestoreError, match="chosen"):
                EtcdMajority(platform)._restore()
        else:
            EtcdMajority(platform)._restore()
    assert said == ["etcd works: there is nothing to restore"]


def _refuses(*_: object) -> None:
    raise RestoreError("chosen")
