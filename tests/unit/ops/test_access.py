"""`paas logs`: which lines of the journal are asked for."""

import pytest

from ops import __main__ as ops
from ops import access
from ops.shared.outputs import Machine, Outputs, OutputsError
from tests.unit.ops.drill_samples import LARGE
from tests.unit.ops.drill_samples import outputs as platform


def words(monkeypatch: pytest.MonkeyPatch, *line: str) -> list[str]:
    """What is run on the machine."""
    seen: list[str] = []

    def run(outputs: Outputs, machine: Machine, command: list[str]) -> int:
        seen.extend([machine.name, *command])
        return 0

    monkeypatch.setattr("ops.shared.outputs.load", lambda *_: platform(LARGE))
    monkeypatch.setattr(access, "run", run)
    assert ops.main(["logs", *line]) == 0
    return seen


def test_a_role_has_its_units_and_what_up_did_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert words(monkeypatch, "paas-etcd-1", "--lines", "7") == [
        *("paas-etcd-1", "sudo", "journalctl", "--no-pager", "--output=short-iso", "--lines=7"),
        *("SYSLOG_IDENTIFIER=openstack-paas", "+", "_SYSTEMD_UNIT=etcd.service", "+", "UNIT=etcd.service"),
        *("+", "_SYSTEMD_UNIT=openstack-paas-etcd-backup.service", "+", "UNIT=openstack-paas-etcd-backup.service"),
        *("+", "_SYSTEMD_UNIT=openstack-paas-etcd-defragment.service"),
        *("+", "UNIT=openstack-paas-etcd-defragment.service"),
    ]


def test_one_unit_alone_and_what_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = words(monkeypatch, "paas-worker-0", "--follow", "--unit", "openstack-paas-volume-folders.path")
    assert seen[5:] == [
        *("--lines=100", "--follow", "_SYSTEMD_UNIT=openstack-paas-volume-folders.path", "+"),
        "UNIT=openstack-paas-volume-folders.path",
    ]


@pytest.mark.parametrize("unit", ["a;reboot", "$(id)", "", "a b"])
def test_a_name_that_a_shell_would_read_is_refused(unit: str) -> None:
    with pytest.raises(OutputsError, match="no unit has such a name"):
        access.journal(platform(LARGE).machine("paas-etcd-0"), [unit], 1, False)
