"""The ways into a platform while machines of it are away, and the `up` that brings them back."""

import os
from pathlib import Path
from typing import Any

import paramiko
import pytest

from ops.drill.drills.etcd_outage import REFUSALS
from ops.drill.target import Target
from ops.drill.waiting import DrillError
from ops.shared.outputs import Machine
from ops.shared.pulumi import PulumiError
from ops.shared.ssh import SshError
from tests.unit.ops.drill_samples import FakeTarget, target


class Connections:
    """Stands for ops.ssh.Ssh: some machines open no SSH, some addresses are refused by the node."""

    def __init__(self, dead: set[str], refused: bool = False) -> None:
        self.dead, self.refused = dead, refused
        self.tried: list[str] = []
        self.closed = 0

    def client(self, machine: Machine) -> Any:
        self.tried.append(machine.name)
        if machine.name in self.dead:
            raise SshError(f"{machine.name}: no SSH")
        return self

    def get_transport(self) -> Any:
        return self

    def open_channel(self, kind: str, target: tuple[str, int], origin: tuple[str, int], timeout: float) -> str:
        if self.refused:
            raise paramiko.ChannelException(2, "Connect failed")
        return f"channel to {target[0]}:{target[1]}"

    def close(self) -> None:
        self.closed += 1


def through(platform: FakeTarget, connections: Connections) -> FakeTarget:
    platform.ssh = lambda seconds=5.0: connections  # type: ignore[method-assign,assignment,return-value]
    return platform


def test_the_way_in_is_a_gateway_that_is_not_away() -> None:
    platform = target()
    assert platform.way_in() == platform.outputs.machine("paas-gateway-0")
    platform.away = {"paas-gateway-0"}
    assert platform.way_in() == platform.outputs.machine("paas-gateway-1")
    platform.away.add("paas-gateway-1")
    assert platform.way_in() is None, "then by the VIP"


def test_a_tunnel_takes_the_next_node_when_one_opens_no_ssh() -> None:
    connections = Connections({"paas-control-plane-1"})
    platform = through(target(away={"paas-control-plane-0"}), connections)
    channel, ssh = platform.tunnel("10.96.0.7", 3306, 1)
    assert str(channel) == "channel to 10.96.0.7:3306" and ssh is connections  # type: ignore[comparison-overlap]
    assert connections.tried == ["paas-control-plane-1", "paas-control-plane-2"]
    assert connections.closed == 1, "what did not lead on is closed"


def test_an_address_that_is_refused_is_not_tried_from_every_node() -> None:
    connections = Connections(set(), refused=True)
    with pytest.raises(SshError, match=r"paas-control-plane-0 does not reach 10.96.0.7:3306: .*Connect failed"):
        through(target(), connections).tunnel("10.96.0.7", 3306, 1)
    assert connections.tried == ["paas-control-plane-0"] and connections.closed == 1


def status(address: str, member: int, leader: int) -> dict[str, Any]:
    return {"Endpoint": f"https://{address}:2379", "Status": {"header": {"member_id": member}, "leader": leader}}


def test_the_leader_is_the_member_that_says_so_of_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    platform = target()
    known = platform.outputs.role("etcd")
    answers = [status(machine.address, 7 + i, 8) for i, machine in enumerate(known)]
    monkeypatch.setattr(FakeTarget, "etcd", lambda *_: answers)
    assert Target.etcd_leader(platform) == known[1]
    monkeypatch.setattr(FakeTarget, "etcd", lambda *_: [answers[0], answers[2]])
    with pytest.raises(DrillError, match="no etcd member leads"):
        Target.etcd_leader(platform)


def test_an_up_that_fails_says_all_that_it_printed_in_a_session_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "pulumi"
    program.write_text(
        f'#!/bin/sh\nps -o sid= -p $$\necho these nodes {REFUSALS[0]}: "$@"\necho error: update failed >&2\nexit 1\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(PulumiError, match="`pulumi up --refresh` failed:\n") as caught:
        Target.up(target())
    _, session, printed, error = str(caught.value).splitlines()
    assert int(session) != os.getsid(0), "Ctrl-C does not reach it"
    assert printed.startswith(f"these nodes {REFUSALS[0]}: up --refresh --yes --skip-preview --suppress-outputs ")
    assert printed.endswith("--stack paas") and "--non-interactive" in printed
    assert error == "error: update failed"
