"""The nova driver's text: what a container and its network are made of. nova itself is not needed for that."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

PACKAGE = Path(__file__).parents[3] / "dev/lab/driver/virt/openstack_paas_lab"


def load(name: str) -> ModuleType:
    specification = importlib.util.spec_from_file_location(f"driver_{name}", PACKAGE / f"{name}.py")
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    import sys

    sys.modules[specification.name] = module
    specification.loader.exec_module(module)
    return module


configuration = load("configuration")
cgroups = load("cgroups")


class Network(dict[str, Any]):
    """What nova calls a network."""

    def get_meta(self, key: str) -> Any:
        return {"mtu": 1450}.get(key)


def vif(addresses: list[str]) -> dict[str, Any]:
    subnet = {"cidr": "10.2.0.0/20", "version": 4, "ips": [{"address": address} for address in addresses]}
    return {"address": "fa:16:3e:00:00:01", "network": Network(bridge="brq1", subnets=[subnet])}


def test_only_the_first_port_uses_dhcp() -> None:
    ports = [configuration.Port.of(number, vif(["10.2.0.10"]), f"tap{number}", "brq1") for number in (0, 1)]
    text = configuration.interfaces(ports)
    assert "iface eth0 inet dhcp" in text
    assert "iface eth1 inet static\n    address 10.2.0.10/20\n    mtu 1450\n" in text
    assert "gateway" not in text


def test_a_port_without_address_comes_up_bare() -> None:
    ports = [configuration.Port.of(number, vif([]), f"tap{number}", "brq1") for number in (0, 1)]
    assert "iface eth1 inet manual" in configuration.interfaces(ports)


def test_container() -> None:
    ports = [configuration.Port.of(0, vif(["10.2.0.10"]), "tap0", "brq1")]
    text = configuration.container(
        Path("/state"), Path("/state/i/u"), Path("/state/images/x/rootfs"), "web", 512, ports
    )
    assert "lxc.rootfs.path = overlay:/state/images/x/rootfs:/state/i/u/delta\n" in text
    assert "512M" in text
    assert "lxc.net.0.veth.pair = tap0\n" in text
    assert "lxc.mount.entry = /state/i/u/plain/disks disks none bind,create=dir 0 0\n" in text
    assert "${" not in text


def test_a_machine_without_ports_has_an_empty_network() -> None:
    text = configuration.container(Path("/s"), Path("/s/i"), Path("/s/b"), "web", 512, [])
    assert "lxc.net.0.type = empty" in text


def test_leftover_groups_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    (tmp_path / "memory/lxc.payload.u1/init.scope").mkdir(parents=True)
    (tmp_path / "memory/lxc.payload.u1-1").mkdir()
    (tmp_path / "memory/lxc.payload.u2").mkdir()
    cgroups.remove(cgroups.of_containers(["u1"]))
    assert [path.name for path in (tmp_path / "memory").iterdir()] == ["lxc.payload.u2"]
