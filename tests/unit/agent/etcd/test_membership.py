"""What a member finds out about its peers, and how it becomes a voter."""

from pathlib import Path

import pytest

from agent.etcd.membership import Says
from agent.etcd.network import Network, leads
from agent.etcd_api import Etcd, EtcdError, PortState
from agent.machine import NotYet
from tests.unit.agent.etcd.world import NOT_IN_SYNC, World, make_world, this_member


@pytest.fixture
def world() -> World:
    return make_world()


def test_what_peers_are(world: World, tmp_path: Path) -> None:
    this = this_member(world, tmp_path)
    one, two = this.settings.peers

    def says() -> tuple[Says, Says]:
        found = this.ask_peers().says
        return found[one], found[two]

    world.hosts["etcd-2"].on = False
    assert says() == (Says.IDLE, Says.SILENT)
    assert str(this.ask_peers()) == "etcd-1 idle, etcd-2 silent"
    for number, name in enumerate(("etcd-0", "etcd-1", "etcd-2")):
        world.add_entry(world.hosts[name], 0xA0 + number)
    world.hosts["etcd-1"].etcd = True
    assert says()[0] is Says.FORMING
    world.hosts["etcd-2"].on = world.hosts["etcd-2"].etcd = True
    assert says() == (Says.CLUSTER, Says.CLUSTER)
    world.hosts["etcd-2"].etcd = False
    assert says() == (Says.BROKEN, Says.IDLE)
    world.hosts["etcd-1"].tls = False
    assert says()[0] is Says.STARTING


def test_learner_becomes_a_voter_once_it_has_caught_up(world: World, tmp_path: Path) -> None:
    world.cluster("etcd-0", "etcd-1", "etcd-2", learner="etcd-0")
    world.lag = 1
    this = this_member(world, tmp_path)
    with pytest.raises(NotYet, match=NOT_IN_SYNC):
        this.check_works()
    with pytest.raises(NotYet, match="has become a voter"):
        this.check_works()
    this.check_works()
    assert world.calls == ["promote a0", "promote a0"]


def test_learner_asks_the_others_and_not_another_learner(world: World, tmp_path: Path) -> None:
    world.cluster("etcd-0", "etcd-1", "etcd-2", learner="etcd-1")
    assert this_member(world, tmp_path).others.members()


def test_nobody_promotes_what_is_not_a_learner(world: World, tmp_path: Path) -> None:
    world.cluster("etcd-0", "etcd-1", "etcd-2")
    world.hosts["etcd-0"].etcd = False
    with pytest.raises(NotYet, match="nobody answers"):
        this_member(world, tmp_path).check_works()
    assert world.calls == []


def test_no_majority(world: World, tmp_path: Path) -> None:
    world.cluster("etcd-0", "etcd-1", "etcd-2")
    world.hosts["etcd-1"].etcd = world.hosts["etcd-2"].etcd = False
    with pytest.raises(NotYet, match="timed out"):
        this_member(world, tmp_path).check_works()


def test_only_member_does_not_work(tmp_path: Path) -> None:
    with pytest.raises(NotYet, match="nobody answers"):
        this_member(make_world(("etcd-0",)), tmp_path).check_works()


def test_leads(world: World, tmp_path: Path) -> None:
    world.cluster("etcd-0", "etcd-1", "etcd-2")
    this = this_member(world, tmp_path)
    assert leads(this.api)
    assert not leads(this.network.api("https://10.0.0.2:2379"))
    world.hosts["etcd-0"].on = False
    assert not leads(this.api)


def test_ways_have_the_certificates_of_this_machine(world: World, tmp_path: Path) -> None:
    """And the real API is what the state machines ask for."""
    network = Network(this_member(world, tmp_path).machine)
    assert isinstance(network.api("https://127.0.0.1:2379"), Etcd)
    with pytest.raises(EtcdError):
        network.peer_members("127.76.0.9")
    assert network.port_state("127.76.0.9", 2380) is PortState.REFUSED
