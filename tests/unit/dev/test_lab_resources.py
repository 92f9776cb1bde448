"""Small parts of the lab: moments as OpenStack writes them, waiting, restarts, running programs."""

from pathlib import Path

import pytest

from dev.errors import DevError
from dev.lab import bring_up, command, resources
from dev.lab.cli import parser


@pytest.mark.parametrize("text", ["1970-01-02T00:00:05.000000", "1970-01-02 00:00:05"])
def test_moments(text: str) -> None:
    assert resources.seconds(text) == 86405


def test_no_moment_is_long_ago() -> None:
    assert resources.seconds("") == 0


def test_waiting_names_what_and_shows_the_log(tmp_path: Path) -> None:
    log = tmp_path / "some.log"
    log.write_text("first\nlast words\n")
    with pytest.raises(DevError, match="the thing is late within 0 s") as raised:
        command.until(lambda: False, "the thing is late", 0, log)
    assert "last words" in str(raised.value)
    with pytest.raises(DevError, match=r"late within 0 s: without this$"):
        command.until(lambda: False, "the thing is late", 0, detail=lambda: ": without this")


def test_failed_programs_say_why() -> None:
    with pytest.raises(DevError, match="exit code 2"):
        command.run("ls", "/there-is-no-such-folder")
    with pytest.raises(DevError, match="program not found"):
        command.run("there-is-no-such-program")


def test_changed_files_restart_only_their_services() -> None:
    assert bring_up.concerned(set()) == frozenset()
    assert bring_up.concerned({"l3.ini"}) == {"l3"}
    assert bring_up.concerned({"nova-lab-host-1.conf"}) == {"compute-host-1"}
    assert bring_up.concerned({"linuxbridge-lab-network.ini"}) == {"linuxbridge-network"}
    assert bring_up.concerned({"apt-cacher-ng/acng.conf"}) == {"apt-proxy"}
    for name, service in {
        **{"mariadb.cnf": "mariadb", "rabbitmq.conf": "rabbitmq", "object-store.json": "object-store"},
        **{"keystone.conf": "keystone", "placement.conf": "placement", "glance-api.conf": "glance-api"},
        **{"metadata.ini": "metadata", "dhcp.ini": "dhcp", "registry.yml": "registry"},
    }.items():
        assert bring_up.concerned({name}) == {service}
    assert bring_up.concerned({"supervisor/lab-nova-api.conf", "databases.sql", "supervisord.conf"}) == frozenset()
    hosts = {f"host-{number}" for number in (1, 2, 3)}
    bridges = {f"linuxbridge-{host}" for host in ("network", *hosts)}
    assert bring_up.concerned({"driver"}) == {f"compute-{host}" for host in hosts} | bridges
    assert bring_up.concerned({"ml2.ini"}) == {"neutron-server"} | bridges
    assert bring_up.concerned({"neutron.conf"}) == {"neutron-server", "l3", "dhcp", "metadata"} | bridges
    assert {"nova-api", "compute-host-1"} <= bring_up.concerned({"nova.conf"})
    assert "mariadb" not in bring_up.concerned({"nova.conf", "neutron.conf"})


def test_commands() -> None:
    assert parser().parse_args(["logs", "nova-api", "-f"]).follow
    assert parser().parse_args(["down", "--wipe"]).wipe
    with pytest.raises(SystemExit):
        parser().parse_args([])
