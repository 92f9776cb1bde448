"""The steps of a gateway: what they put in place, what they start, and what they leave for the gateway's turn."""

from dataclasses import replace
from pathlib import Path

import pytest

from agent.gateway import converge as gateway_converge
from agent.gateway.converge import DesiredGateway, EdgeRoute
from agent.gateway.interfaces import Interfaces, find_interfaces, held_addresses, interface_within
from agent.machine import Failed, NotYet
from agent.programs import Ended
from agent.system import services
from agent.system.firewall import TABLE_FILE
from tests.unit.agent.fake_gateway import BALANCING, PRIVATE_VIP, PUBLIC_VIP, FakeGateway, FakeGround, fake_gateway

DESIRED = DesiredGateway(
    edge_cidr="192.0.2.0/24",
    private_cidr="10.0.0.0/24",
    balancing=BALANCING,
    haproxy="global\n",
    haproxy_runs="#!/bin/sh\n",
    keepalived="interface @PRIVATE_INTERFACE@\ninterface @EDGE_INTERFACE@\n",
    ways="ChannelTimeout direct-tcpip=180\n",
    edge_route=EdgeRoute("#!/bin/bash\n", "[Service]\n", "[Timer]\n"),
)


def converge(gateway: FakeGateway, waits: str = "", **others: str) -> FakeGround:
    ground = FakeGround(gateway, waits)
    gateway_converge.converge(gateway.machine, replace(DESIRED, **others), ground)  # type: ignore[arg-type]
    return ground


@pytest.fixture
def new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeGateway:
    return fake_gateway(tmp_path, monkeypatch, serves=False)


def test_a_new_gateway(new: FakeGateway) -> None:
    ground = converge(new)
    assert ground.deferred == ()
    assert new.machine.path(TABLE_FILE).read_text() == 'define edge = "eth0"\n'
    assert new.machine.path("/etc/keepalived/keepalived.conf").read_text() == "interface eth1\ninterface eth0\n"
    script = new.machine.path("/usr/local/sbin/openstack-paas-haproxy-runs")
    assert script.stat().st_mode & 0o777 == 0o755
    assert [event for event in new.events if "disable" not in event and "stop" not in event] == [
        "renew",
        "end epoch",
        "start openstack-paas-edge-route.service",
        "start openstack-paas-edge-route.timer",
        "start openstack-paas-firewall.service",
        "start ssh.service",
        "start haproxy.service",
        "start keepalived.service",
    ]
    steps = [line for line in new.machine.lines if line.startswith("done in")]
    assert len(steps) == 10
    assert new.machine.lines[-1] == "ready"


def test_a_second_run_changes_nothing(new: FakeGateway) -> None:
    converge(new)
    new.events.clear()
    new.machine.lines.clear()
    new.active -= {"kubelet.service", "containerd.service", "etcd.service"}
    ground = converge(new)
    assert ground.deferred == ("haproxy", "keepalived")
    assert [event for event in new.events if "disable" not in event] == []
    assert not [line for line in new.machine.lines if line.startswith(("wrote", "removed"))]


#: What each service reads, as the release before the agent wrote it down.
READ = {
    "openstack-paas-edge-route.service": (
        "/etc/systemd/system/openstack-paas-edge-route.service",
        "/usr/local/sbin/openstack-paas-edge-route",
    ),
    "openstack-paas-edge-route.timer": ("/etc/systemd/system/openstack-paas-edge-route.timer",),
    "openstack-paas-firewall.service": (
        "/etc/openstack-paas/firewall.nft",
        "/etc/systemd/system/openstack-paas-firewall.service",
    ),
    "ssh.service": (
        "/etc/ssh/sshd_config.d/50-openstack-paas.conf",
        "/etc/ssh/sshd_config.d/51-openstack-paas-ways.conf",
    ),
    "haproxy.service": ("/etc/haproxy/haproxy.cfg",),
    "keepalived.service": ("/etc/keepalived/keepalived.conf", "/usr/local/sbin/openstack-paas-haproxy-runs"),
}


def test_a_gateway_of_the_release_before_reloads_nothing(new: FakeGateway) -> None:
    """Its marks are of the same files, in the same order."""
    new.machine.write("/etc/ssh/sshd_config.d/50-openstack-paas.conf", "UseDNS no\n")
    converge(new)
    marks = {path.name: path.read_text() for path in (new.machine.state / "applied").iterdir()}
    assert marks == {unit: f"{services.fingerprint(new.machine, paths)}\n" for unit, paths in READ.items()}


def test_other_settings_are_loaded_without_a_restart(new: FakeGateway) -> None:
    converge(new)
    new.events.clear()
    converge(new, haproxy="another")
    assert [event for event in new.events if "disable" not in event] == ["reload-or-restart haproxy.service"]


def test_an_installed_program_is_not_started_before_the_turn(new: FakeGateway) -> None:
    """Other settings neither: a reload would start it."""
    converge(new)
    new.events.clear()
    new.machine.lines.clear()
    new.held = {PRIVATE_VIP, PUBLIC_VIP}
    new.run_old_program("haproxy.service")
    new.run_old_program("keepalived.service")
    converge(new, haproxy="another", keepalived="another")
    assert [event for event in new.events if "disable" not in event][:2] == ["fetch", "stop keepalived.service"]
    assert "restart haproxy.service" in new.events


def test_what_waits_is_changed_in_the_turn_of_one_that_serves(new: FakeGateway) -> None:
    converge(new, waits="haproxy 3")
    assert "fetch" not in new.events
    new.held = {PRIVATE_VIP, PUBLIC_VIP}
    converge(new, waits="haproxy 3")
    assert "fetch" in new.events
    assert new.events.count("renew") == 2


@pytest.mark.parametrize("program", ["haproxy", "keepalived"])
def test_bad_settings_stay_away(new: FakeGateway, program: str) -> None:
    new.machine.answer(program, Ended(1, "", "unknown keyword"))
    with pytest.raises(
        Failed, match=f"/etc/{program}/{program}.* would not be valid, the old one stays: unknown keyword"
    ):
        converge(new)
    assert f"start {program}.service" not in new.events


def test_an_sshd_that_does_not_know_the_setting(new: FakeGateway) -> None:
    converge(new)
    file = new.machine.path("/etc/ssh/sshd_config.d/51-openstack-paas-ways.conf")
    assert file.read_text() == DESIRED.ways
    new.machine.answer("sshd", Ended(255, "", "Bad configuration option: ChannelTimeout"))
    converge(new)
    assert not file.exists()
    assert new.events[-1] == "reload-or-restart ssh.service"


def test_haproxy_does_not_start(new: FakeGateway) -> None:
    new.machine.answer("/usr/local/sbin/openstack-paas-haproxy-runs", Ended(1))
    with pytest.raises(Failed, match="waited 20 s for haproxy to run; last seen: haproxy does not run"):
        converge(new)
    assert "start keepalived.service" not in new.events


def test_nobody_holds_the_address(new: FakeGateway) -> None:
    new.taker = ""
    with pytest.raises(Failed, match=r"waited 30 s for the virtual address 10\.0\.0\.5 to be held"):
        converge(new)


def test_dhcp_takes_its_time(new: FakeGateway) -> None:
    wanted = new.links.pop("eth1")
    new.machine.clock.after(20, lambda: new.links.update(eth1=wanted))
    assert find_interfaces(new.machine, DESIRED.edge_cidr, DESIRED.private_cidr) == Interfaces("eth0", "eth1")


def test_no_address_on_one_of_the_networks(new: FakeGateway) -> None:
    del new.links["eth1"]
    with pytest.raises(Failed, match=r"waited 60 s for an address within 10\.0\.0\.0/24; last seen: no interface has"):
        find_interfaces(new.machine, DESIRED.edge_cidr, DESIRED.private_cidr)


@pytest.mark.parametrize("answer", [Ended(1, "", "no netlink"), Ended(0, "{")])
def test_an_ip_that_says_nothing(new: FakeGateway, answer: Ended) -> None:
    new.machine.answer("ip", answer)
    with pytest.raises(NotYet, match="does not answer"):
        held_addresses(new.machine, (PRIVATE_VIP,))


def test_an_interface_is_found_among_empty_objects(new: FakeGateway) -> None:
    """As `ip -json address show to` prints them for the interfaces that it leaves out."""
    new.machine.answer("ip", Ended(0, '[{},{"ifname":"ens3","addr_info":[{"local":"10.0.0.9","prefixlen":24}]}]\n'))
    assert interface_within(new.machine, "10.0.0.0/24") == "ens3"
    new.machine.answer("ip", Ended(0, '[{},{"ifname":"ens3","addr_info":[]}]\n'))
    with pytest.raises(NotYet):
        interface_within(new.machine, "10.0.0.0/24")


def test_an_address_of_its_own_is_no_virtual_one(new: FakeGateway) -> None:
    assert held_addresses(new.machine, ("10.0.0.11", PRIVATE_VIP)) == set()
    new.held = {PRIVATE_VIP}
    assert held_addresses(new.machine, ("10.0.0.11", PRIVATE_VIP)) == {PRIVATE_VIP}
