"""A gateway's programs change only when another gateway can take over, and without the virtual addresses.

It takes part again however that ended.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from agent.gateway import keepalived
from agent.gateway.keepalived import KEEPALIVED
from agent.gateway.rolling_restart import RollingRestart, serves, waits_for_turn
from agent.limits import Stopped
from agent.machine import Failed, NotYet
from agent.programs import Ended
from tests.unit.agent.fake_gateway import BALANCING, OTHER, OWN, PRIVATE_VIP, PUBLIC_VIP, FakeGateway, FakeGround
from tests.unit.agent.fake_gateway import fake_gateway as new_gateway

CHANGED = ["change", "renew", "restart haproxy.service", "restart keepalived.service"]
STOP, START = "stop keepalived.service", "start --no-block keepalived.service"


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeGateway:
    return new_gateway(tmp_path, monkeypatch)


def turn(gateway: FakeGateway, ground: FakeGround | None = None, alone: bool = False) -> RollingRestart:
    balancing = replace(BALANCING, peers=()) if alone else BALANCING
    return RollingRestart(gateway.machine, balancing, ground or FakeGround(gateway))


def test_another_gateway_takes_over_first(gateway: FakeGateway) -> None:
    turn(gateway).run()
    assert gateway.events == ["fetch", STOP, *CHANGED, "end epoch"]
    assert "to be changed: haproxy 2.6.12" in gateway.machine.said
    assert "another gateway takes the virtual addresses over" in gateway.machine.said
    assert "changed: haproxy 2.6.12" in gateway.machine.said


def test_nothing_waits(gateway: FakeGateway) -> None:
    turn(gateway, FakeGround(gateway, waits="")).run()
    assert gateway.events == []


def test_a_program_that_an_interrupted_run_installed_waits_for_the_turn(gateway: FakeGateway) -> None:
    gateway.run_old_program("haproxy.service")
    turn(gateway, FakeGround(gateway, waits="")).run()
    assert "to be changed: haproxy (installed already, not started yet)" in gateway.machine.said
    assert gateway.events == ["fetch", STOP, *CHANGED, "end epoch"]


def test_no_gateway_can_take_over(gateway: FakeGateway) -> None:
    gateway.balancers = {OWN}
    with pytest.raises(Failed, match=r"waited 60 s for another gateway that can take over; this one is not changed"):
        turn(gateway).run()
    assert gateway.events == ["fetch"]
    assert gateway.held == {PRIVATE_VIP, PUBLIC_VIP}


def test_the_other_gateway_does_not_lead_to_the_api(gateway: FakeGateway) -> None:
    gateway.apis = {OWN}
    with pytest.raises(Failed, match=r"gateway-1: the API does not answer at 10\.0\.0\.12:6443"):
        turn(gateway).run()
    assert gateway.events == ["fetch"]


def test_without_an_api_nobody_has_to_lead_to_it(gateway: FakeGateway) -> None:
    gateway.apis = set()
    turn(gateway).run()
    assert gateway.events == ["fetch", STOP, *CHANGED, "end epoch"]


def test_one_lost_answer_of_the_api_lowers_nothing(gateway: FakeGateway) -> None:
    """The shell looked once: an API that was away for that moment counted as no API."""
    gateway.apis = set()
    gateway.machine.clock.after(2, lambda: gateway.apis.add(OWN))
    with pytest.raises(Failed, match="gateway-1: the API does not answer"):
        turn(gateway).run()
    assert gateway.events == ["fetch"]


def test_a_load_balancer_of_the_cloud_serves_the_api(gateway: FakeGateway) -> None:
    gateway.apis = set()
    RollingRestart(gateway.machine, replace(BALANCING, api_port=0), FakeGround(gateway)).run()
    assert gateway.machine.clock.seconds < 1
    assert gateway.events[1] == STOP


def test_the_only_gateway(gateway: FakeGateway) -> None:
    turn(gateway, alone=True).run()
    assert gateway.events == ["fetch", *CHANGED, "end epoch"]
    assert "this is the only gateway" in gateway.machine.said


@pytest.mark.parametrize("error", [Failed("cannot install"), Stopped("stopped from outside", 143), KeyError("x")])
def test_it_takes_part_again_however_the_change_ended(gateway: FakeGateway, error: BaseException) -> None:
    with pytest.raises(type(error)):
        turn(gateway, FakeGround(gateway, broken=error)).run()
    assert gateway.events == ["fetch", STOP, "change", START]


def test_it_takes_part_again_when_keepalived_does_not_stop(gateway: FakeGateway) -> None:
    gateway.broken[STOP] = Ended(1, "", "Job failed")
    with pytest.raises(Failed, match="Job failed"):
        turn(gateway).run()
    assert gateway.events == ["fetch", STOP, START]


def test_it_takes_part_again_when_nobody_takes_over(gateway: FakeGateway) -> None:
    gateway.on_event = lambda event: gateway.balancers.discard(OTHER) if event == STOP else None
    with pytest.raises(Failed, match="waited 10 s for another gateway to hold the virtual addresses"):
        turn(gateway).run()
    assert gateway.events == ["fetch", STOP, START]


def test_addresses_that_stay_are_not_handed_over(gateway: FakeGateway) -> None:
    gateway.on_event = lambda event: setattr(gateway, "held", {PRIVATE_VIP}) if event == START else None
    original = gateway.systemctl

    def keeps(words: tuple[str, ...], given: str) -> Ended:
        ended = original(words, given)
        if words[1] == "stop":
            gateway.held = {PUBLIC_VIP}
        return ended

    gateway.machine.answer("systemctl", keeps)
    with pytest.raises(Failed, match="the virtual addresses are still here"):
        turn(gateway).run()


def test_haproxy_does_not_come_back(gateway: FakeGateway) -> None:
    gateway.on_event = lambda event: gateway.balancers.discard(OWN) if event == "renew" else None
    with pytest.raises(Failed, match=r"waited 20 s for haproxy to answer; .*10\.0\.0\.11:9000"):
        turn(gateway).run()
    assert gateway.events[-2:] == ["restart haproxy.service", START]


def test_the_api_does_not_answer_as_it_did_before(gateway: FakeGateway) -> None:
    gateway.on_event = lambda event: gateway.apis.discard(OWN) if event == "renew" else None
    with pytest.raises(Failed, match="waited 30 s for the API to answer through this gateway"):
        turn(gateway).run()
    assert gateway.events[-1] == START


@pytest.mark.parametrize(
    ("journal", "seen"),
    [
        ("", "no state yet; its look at haproxy has not said anything"),
        ("(private) Entering BACKUP STATE\n", "BACKUP; its look at haproxy has not said anything"),
        ("VRRP_Script(haproxy) succeeded\n(private) Entering FAULT STATE\n", "FAULT; its look at haproxy succeeded"),
        # The shell accepted this one: a script that succeeded once.
        ("VRRP_Script(haproxy) succeeded\nVRRP_Script(haproxy) failed (exited with status 1)\n", "at haproxy failed"),
    ],
)
def test_keepalived_does_not_find_this_gateway_well(gateway: FakeGateway, journal: str, seen: str) -> None:
    gateway.journal = journal
    with pytest.raises(Failed, match=seen):
        turn(gateway).run()
    # It runs: nothing is to be started again, and the epoch is not over.
    assert gateway.events[-1] == "restart keepalived.service"


def test_a_gateway_in_fault_that_recovered_is_well(gateway: FakeGateway) -> None:
    gateway.journal = "Entering FAULT STATE\nVRRP_Script(haproxy) succeeded\n(private) Entering BACKUP STATE\n"
    keepalived.check_may_hold(gateway.machine, 0)
    assert "@0" in gateway.machine.calls[-1]


def test_who_serves(gateway: FakeGateway) -> None:
    assert serves(gateway.machine)
    assert not waits_for_turn(gateway.machine, KEEPALIVED)
    gateway.run_old_program(KEEPALIVED)
    assert waits_for_turn(gateway.machine, KEEPALIVED)
    gateway.active.clear()
    assert not serves(gateway.machine)
    assert not waits_for_turn(gateway.machine, KEEPALIVED)


def test_a_gateway_whose_first_run_was_interrupted_does_not_serve(gateway: FakeGateway) -> None:
    (gateway.machine.state / "applied" / KEEPALIVED).unlink()
    assert not serves(gateway.machine)


def test_half_of_the_addresses_are_not_settled(gateway: FakeGateway) -> None:
    gateway.held = {PRIVATE_VIP}
    with pytest.raises(NotYet, match="1 of the 2 virtual addresses are here, keepalived runs"):
        keepalived.check_settled(gateway.machine, BALANCING.virtual)
    gateway.held = set()
    keepalived.check_settled(gateway.machine, BALANCING.virtual)
    gateway.active.discard(KEEPALIVED)
    with pytest.raises(NotYet, match="0 of the 2 virtual addresses are here, keepalived does not run"):
        keepalived.check_settled(gateway.machine, BALANCING.virtual)


def test_nobody_holds_the_address(gateway: FakeGateway) -> None:
    gateway.taker = ""
    keepalived.check_held(gateway.machine, PRIVATE_VIP)
    gateway.held = set()
    with pytest.raises(NotYet, match=r"nobody answers at 10\.0\.0\.5"):
        keepalived.check_held(gateway.machine, PRIVATE_VIP)
    gateway.taker = OTHER
    keepalived.check_held(gateway.machine, PRIVATE_VIP)


def test_a_silent_ip_is_not_a_gateway_without_addresses(gateway: FakeGateway) -> None:
    """The shell took it for one, and would have gone on as if another gateway had the addresses."""
    original = gateway.systemctl

    def stops(words: tuple[str, ...], given: str) -> Ended:
        if words[1] == "stop":
            gateway.machine.answer("ip", Ended(255, "", "Cannot open netlink socket"))
        return original(words, given)

    gateway.machine.answer("systemctl", stops)
    with pytest.raises(Failed, match="`ip address show` does not answer: Cannot open netlink socket"):
        turn(gateway).run()
    assert gateway.events == ["fetch", STOP, START]
