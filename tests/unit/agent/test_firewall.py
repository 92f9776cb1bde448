"""The table of nftables: checked before it is loaded, and loaded again where it is gone."""

from pathlib import Path

import pytest

from agent.machine import Failed
from agent.programs import Ended
from agent.system import firewall
from agent.system.firewall import Firewall
from tests.unit.agent.fake_machine import FakeMachine, FakeSystemd

TABLE = Firewall("table inet openstack_paas {\n}\n", "[Service]\nType=oneshot\n")


@pytest.fixture
def machine(tmp_path: Path) -> FakeMachine:
    machine = FakeMachine(tmp_path)
    machine.answer("nft")
    return machine


@pytest.fixture
def systemd(machine: FakeMachine) -> FakeSystemd:
    return FakeSystemd(machine)


def test_it_is_loaded_now_and_at_boot(machine: FakeMachine, systemd: FakeSystemd) -> None:
    for _ in range(2):
        firewall.apply(machine, TABLE)
    assert systemd.calls == [f"enable {firewall.UNIT}", f"reset-failed {firewall.UNIT}", f"start {firewall.UNIT}"]
    assert machine.path(firewall.TABLE_FILE).stat().st_mode & 0o777 == 0o600
    assert machine.path(firewall.UNIT_FILE).read_text() == TABLE.unit
    firewall.apply(machine, Firewall("table inet openstack_paas {\n# other\n}\n", TABLE.unit))
    assert systemd.calls[3:] == [f"reload-or-restart {firewall.UNIT}"]


def test_what_nft_refuses_is_not_put_in_place(machine: FakeMachine, systemd: FakeSystemd) -> None:
    firewall.apply(machine, TABLE)
    systemd.calls.clear()
    machine.answer("nft --check", Ended(1, "", "syntax error, unexpected newline"))
    with pytest.raises(Failed, match="would not be valid, the old one stays: syntax error"):
        firewall.apply(machine, Firewall("table", TABLE.unit))
    assert machine.path(firewall.TABLE_FILE).read_text() == TABLE.table
    assert systemd.calls == []


def test_a_table_that_is_gone_is_loaded_again(machine: FakeMachine, systemd: FakeSystemd) -> None:
    firewall.apply(machine, TABLE)
    machine.answer("nft list table inet openstack_paas", 1)
    firewall.apply(machine, TABLE)
    assert "the table inet openstack_paas was gone" in machine.lines
    assert systemd.calls[-1] == f"restart {firewall.UNIT}"
    systemd.actions[f"restart {firewall.UNIT}"] = lambda: 1
    with pytest.raises(Failed, match="systemctl restart"):
        firewall.apply(machine, TABLE)
