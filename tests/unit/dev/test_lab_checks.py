"""What the lab says of a host on which it cannot run."""

from dataclasses import replace

import pytest

from dev.errors import DevError
from dev.lab import checks, ownership
from dev.lab.checks import Facts, Listener, address_of, check, problems

GOOD = Facts(user=0, system="debian", version="12", memory=24, disk=80, disk_of="/var/lib", installed=False, ours=False)


@pytest.fixture(autouse=True)
def _limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAB_MINIMUM_MEMORY", raising=False)
    monkeypatch.delenv("LAB_MINIMUM_DISK", raising=False)


def test_good_host_has_no_problems() -> None:
    assert problems(GOOD) == []


def test_all_problems_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    bad = replace(GOOD, user=1000, system="ubuntu", version="24.04", memory=7.7, disk=3, filesystems=frozenset())
    monkeypatch.setattr(checks, "gather", lambda installed: bad)
    monkeypatch.setattr(ownership, "ours", lambda: False)
    with pytest.raises(DevError, match=r"^the lab cannot run here:\n  - it must run") as raised:
        check(installed=False)
    text = str(raised.value)
    for part in ("as root", "is ubuntu 24.04", "16 GiB of memory; this host has 7.7", "30 GiB free under /var/lib"):
        assert part in text
    assert "overlay" in text


def test_a_lab_that_was_just_killed_gets_time_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = replace(GOOD, listeners=(Listener("172.24.4.1", 3142, 0, "", ours=False),))
    facts = iter((taken, taken, GOOD))
    monkeypatch.setattr(checks, "gather", lambda installed: next(facts))
    monkeypatch.setattr(ownership, "ours", lambda: True)
    check(installed=True)
    assert next(facts, None) is None
    monkeypatch.setattr(checks, "gather", lambda installed: taken)
    monkeypatch.setattr(checks, "DYING_LIMIT", 0)
    with pytest.raises(DevError, match="port 3142"):
        check(installed=True)


def test_a_machine_sold_with_16_gib_will_do() -> None:
    assert problems(replace(GOOD, memory=15.6)) == []


def test_an_installed_lab_needs_less() -> None:
    installed = replace(GOOD, installed=True, memory=12, disk=6)
    assert problems(installed) == []
    assert "5 GiB free" in problems(replace(installed, disk=4))[0]


def test_limits_can_be_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_MINIMUM_MEMORY", "8")
    monkeypatch.setenv("LAB_MINIMUM_DISK", "4")
    small = replace(GOOD, memory=8, disk=4)
    assert problems(small) == problems(replace(small, installed=True)) == []
    less = "\n".join(problems(replace(small, memory=7, disk=3)))
    assert "it needs 8 GiB of memory; this host has 7.0" in less
    assert "it needs 4 GiB free" in less


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "172.24.4.1"])
def test_a_taken_port_names_who_has_it(address: str) -> None:
    taken = Listener(address, 3142, 77, "squid", ours=False)
    assert problems(replace(GOOD, listeners=(taken,))) == [
        f"port 3142 on 172.24.4.1 is in use by squid (process 77), which listens on {address}"
    ]


def test_ports_of_other_addresses_and_of_the_lab_itself_are_fine() -> None:
    listeners = (
        Listener("127.0.0.1", 3142, 77, "squid", ours=False),
        Listener("172.24.5.1", 5000, 78, "uwsgi", ours=True),
    )
    assert problems(replace(GOOD, listeners=listeners)) == []


def test_taken_names_and_networks() -> None:
    taken = replace(
        GOOD,
        links=("eth0", "lab-external", "lab-host-1-u"),
        namespaces=("lab-host-2", "qrouter-1", "vpn"),
        routes=(("default", "eth0"), ("172.24.0.0/16", "docker0"), ("10.0.0.0/8", "eth0")),
    )
    text = "\n".join(problems(taken))
    for part in ("interface lab-external", "lab-host-1-u", "namespace lab-host-2", "qrouter-1 belongs to another"):
        assert part in text
    assert text.count("overlaps 172.24.0.0/16, which is routed to docker0") == 2
    assert "vpn" not in text
    assert "10.0.0.0" not in text
    assert problems(replace(taken, ours=True)) == []


def test_addresses_of_the_kernels_tables() -> None:
    assert address_of("010418AC") == "172.24.4.1"
    assert address_of("0" * 8) == "0.0.0.0"
    assert address_of("0" * 32) == "::"
