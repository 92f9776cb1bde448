"""What the cloud does not have is one report; no way into the cloud is one message."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, NoReturn

import pytest

from components import catalog
from settings.load import SettingsError, parse
from settings.platform import Platform

ADDRESS = "203.0.113.9"


def platform(**network: Any) -> Platform:
    """Settings of the dev preset."""
    return parse({"network": network}, "dev")


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A cloud that has everything, and a floating IP which serves `port`."""
    state = SimpleNamespace(port=SimpleNamespace(name="somebody-elses", id="p"), port_id="p")
    has_it = lambda **_: SimpleNamespace(id="id")  # noqa: E731
    monkeypatch.setattr(catalog.networking, "get_network", has_it)
    monkeypatch.setattr(catalog.compute, "get_flavor", has_it)
    monkeypatch.setattr(catalog.images, "get_image", has_it)
    monkeypatch.setattr(
        catalog.networking,
        "get_floating_ip",
        lambda address: SimpleNamespace(port_id=state.port_id, fixed_ip="10.9.9.9"),
    )
    monkeypatch.setattr(catalog.networking, "get_port", lambda port_id: state.port)
    return state


def test_a_taken_floating_ip_is_named_with_the_port_it_serves(cloud: SimpleNamespace) -> None:
    with pytest.raises(SettingsError) as caught:
        catalog.look_up(platform(apiFloatingIp=ADDRESS))
    (problem,) = caught.value.problems
    assert problem == (
        f"network.apiFloatingIp {ADDRESS}: is taken, it serves the port somebody-elses (10.9.9.9); "
        "disassociate it there, name another one, or leave the key out"
    )


def test_a_free_floating_ip_and_our_own_are_fine(cloud: SimpleNamespace) -> None:
    cloud.port.name = "dev-public-vip"
    assert catalog.look_up(platform(apiFloatingIp=ADDRESS)).external_network_id == "id"
    cloud.port_id = ""
    assert catalog.look_up(platform(apiFloatingIp=ADDRESS)).images == {"debian-12": "id"}


def test_everything_missing_is_one_report(cloud: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(**_: Any) -> NoReturn:
        raise RuntimeError("invoke failed:\n\t* Your query returned no results")

    monkeypatch.setattr(catalog.networking, "get_network", missing)
    monkeypatch.setattr(catalog.compute, "get_flavor", missing)
    with pytest.raises(SettingsError) as caught:
        catalog.look_up(platform(external="nowhere"))
    keys = [problem.split(" ")[0] for problem in caught.value.problems]
    assert keys == ["network.external", "gateways.flavor", "etcd.flavor", "workers.general.flavor"]
    assert "(Your query returned no results)" in caught.value.problems[0]


def test_no_way_into_the_cloud_is_one_message(cloud: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(**_: Any) -> NoReturn:
        raise RuntimeError("Authentication failed")

    monkeypatch.setattr(catalog.networking, "get_network", refused)
    with pytest.raises(SettingsError) as caught:
        catalog.look_up(platform())
    (problem,) = caught.value.problems
    assert problem.startswith("OpenStack cannot be asked (Authentication failed); check OS_CLOUD")
