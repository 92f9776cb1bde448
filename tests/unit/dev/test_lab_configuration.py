"""The lab's configuration files and services as rendered text."""

import configparser
import json
import stat
from pathlib import Path

import pytest
import yaml

from dev.lab import configuration, passwords, places, services

SECRETS = {name: f"secret-of-{name}" for name in passwords.NAMES}
KNOWN = configuration.values(
    SECRETS, ["http://a.example/debian"], ["http://a.example/security"], "http://proxy.example:1"
)
FILES = configuration.files(KNOWN)


def parsed(name: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=True, allow_no_value=True)
    parser.read_string(FILES[name])
    return parser


@pytest.mark.parametrize("name", sorted(name for name in FILES if name.endswith((".conf", ".ini", ".cnf"))))
def test_files_are_whole(name: str) -> None:
    assert "${" not in FILES[name]
    if not name.startswith(("rabbitmq", "apt-cacher")):
        assert parsed(name).sections() or parsed(name).defaults()


def test_every_host_has_its_own_files() -> None:
    for host in places.COMPUTE_HOSTS:
        assert parsed(f"nova-{host.name}.conf")["DEFAULT"]["my_ip"] == host.address
        assert parsed(f"linuxbridge-{host.name}.ini")["vxlan"]["local_ip"] == host.address
        assert not parsed(f"linuxbridge-{host.name}.ini")["linux_bridge"]["bridge_mappings"]
    mappings = parsed("linuxbridge-lab-network.ini")["linux_bridge"]["bridge_mappings"]
    assert mappings == "external:lab-provider"
    assert "nova-lab-network.conf" not in FILES


def test_private_networks_get_metadata_from_dhcp() -> None:
    dhcp = parsed("dhcp.ini")["DEFAULT"]
    assert (dhcp["enable_isolated_metadata"], dhcp["force_metadata"]) == ("true", "true")


def test_machines_come_back_after_a_restart() -> None:
    assert parsed("nova.conf")["DEFAULT"]["resume_guests_state_on_host_boot"] == "true"


def test_apt_proxy_uses_the_hosts_own_sources() -> None:
    lines = FILES["apt-cacher-ng/acng.conf"].splitlines()
    assert "Remap-debian: /debian ; http://a.example/debian" in lines
    assert "Remap-security: /debian-security ; http://a.example/security" in lines
    assert "Proxy: http://proxy.example:1" in lines
    without = configuration.values(SECRETS, ["http://a"], ["http://a"], "")
    assert "Proxy:" not in configuration.render("acng.conf", without)


def test_registry_and_clouds_are_yaml() -> None:
    assert yaml.safe_load(FILES["registry.yml"])["http"]["addr"] == "172.24.4.1:5000"
    clouds = yaml.safe_load(configuration.render("clouds.yaml", KNOWN))["clouds"]
    assert clouds["lab"]["auth"]["username"] == "paas"
    assert clouds["lab"]["auth"]["password"] == SECRETS["project_user"]
    assert clouds["lab-admin"]["auth"]["auth_url"] == "http://172.24.5.1:5000/v3"


def test_the_object_store_reads_its_keys_from_a_file() -> None:
    store = json.loads(FILES["object-store.json"])
    assert store["listen"] == "172.24.4.1:8490"
    assert store["accessKey"] and store["secretKey"]
    (program,) = [text for name, text in FILES.items() if name == "supervisor/lab-object-store.conf"]
    assert store["secretKey"] not in program


def test_programs_carry_no_password() -> None:
    programs = [text for name, text in FILES.items() if name.startswith("supervisor/")]
    assert len(programs) == len(services.ALL)
    assert not [text for text in programs for secret in SECRETS.values() if secret in text]


def test_services_are_distinct_and_only_listen_on_the_labs_addresses() -> None:
    assert len({service.name for service in services.ALL}) == len(services.ALL)
    taken = [(service.address, service.port) for service in services.ALL if service.port]
    assert len(set(taken)) == len(taken)
    for address, _ in taken:
        assert address in (places.UNDERLAY_ADDRESS, places.EXTERNAL_ADDRESS, "127.0.0.1")


def test_compute_hosts_run_in_their_namespace() -> None:
    by_name = {service.name: service for service in services.ALL}
    assert " lab-host-2 " in by_name["compute-host-2"].command
    assert "in-host lab-network " in by_name["l3"].command


def test_passwords_are_made_once_and_private(tmp_path: Path) -> None:
    file = tmp_path / "passwords.json"
    first = passwords.load(file)
    assert passwords.load(file) == first
    assert set(first) == set(passwords.NAMES)
    assert len(set(first.values())) == len(first)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
