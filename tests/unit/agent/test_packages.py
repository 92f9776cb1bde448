"""Only what is missing is asked of apt, and what runs on a machine that serves waits for its turn."""

from pathlib import Path

import pytest

from agent.machine import Failed
from agent.programs import Ended
from agent.system import etcd_archive
from agent.system.packages import Packages
from tests.unit.agent.fake_packages import (
    POLICY,
    FakePackages,
    archives,
    desired,
    digest,
    etcd_machine,
    make_archive,
)

HAPROXY = "2.6.12-1+deb12u"


def serving_gateway(root: Path) -> FakePackages:
    fake = FakePackages(root)
    fake.installed = {
        "haproxy": ("installed", "hold", f"{HAPROXY}3"),
        "keepalived": ("installed", "install", "1:2.2.7-1+b2"),
    }
    fake.offered = {"haproxy": (f"{HAPROXY}4", f"{HAPROXY}3")}
    return fake


def test_what_is_missing(tmp_path: Path) -> None:
    fake = FakePackages(tmp_path)
    fake.installed = {
        "curl": ("installed", "install", "7.88"),
        "kubelet": ("installed", "hold", "1.34.1-1.1"),
        "etcd": ("config-files", "deinstall", "3.6.5-1"),
    }
    packages = fake.packages("curl", "jq", "kubelet=1.34.2", "etcd=3.6.5")
    packages.look()
    assert packages.missing == ("jq", "kubelet=1.34.2", "etcd=3.6.5")
    assert packages.waiting == packages.unheld == ()
    assert len(fake.machine.calls) == 1


def test_nothing_is_asked_of_apt_when_nothing_is_missing(tmp_path: Path) -> None:
    fake = FakePackages(tmp_path)
    fake.installed = {"curl": ("installed", "install", "7.88"), "kubelet": ("installed", "hold", "1.34.2-1.1")}
    fake.packages("curl", "kubelet=1.34.2").install()
    assert fake.changes == fake.machine.lines == []
    assert [call[0] for call in fake.machine.calls] == ["dpkg-query"]


def test_what_is_missing_is_installed_in_the_newest_version_that_matches_and_held(tmp_path: Path) -> None:
    fake = FakePackages(tmp_path)
    fake.offered = {"kubelet": ("1.34.10-1.1", "1.34.2-1.2", "1.34.2-1.1")}
    fake.packages("jq", "kubelet=1.34.2", "runc").install()
    assert fake.changes == ["update", "install jq kubelet=1.34.2-1.2 runc", "hold kubelet runc"]
    assert fake.starts == [True, False]
    assert not fake.machine.path(POLICY).exists()
    assert fake.machine.lines == ["installing jq kubelet=1.34.2 runc"]


def test_a_version_that_nobody_offers_ends_the_run_before_anything_changes(tmp_path: Path) -> None:
    fake = FakePackages(tmp_path)
    fake.offered = {"kubelet": ("1.34.10-1.1", "1.34.3-1.1")}
    said = r"no apt source offers kubelet 1\.34\.2; on offer: 1\.34\.10-1\.1 1\.34\.3-1\.1"
    with pytest.raises(Failed, match=said):
        fake.packages("jq", "kubelet=1.34.2").install()
    with pytest.raises(Failed, match=r"no apt source offers etcd 3\.6\.5; on offer: nothing"):
        fake.packages("etcd=3.6.5").install()
    assert fake.changes == ["update", "update"]


def test_packages_that_apt_does_not_install_end_the_run(tmp_path: Path) -> None:
    fake = FakePackages(tmp_path)
    fake.machine.answer("apt-get install", "")
    with pytest.raises(Failed, match="still not installed, although apt has succeeded: jq"):
        fake.packages("jq").install()


def test_a_policy_that_a_killed_run_left_does_not_stay(tmp_path: Path) -> None:
    fake = FakePackages(tmp_path)
    policy = fake.machine.path(POLICY)
    policy.parent.mkdir(parents=True)
    policy.write_text("# openstack-paas: left\n")
    fake.packages().install()
    assert not policy.exists()


def test_on_a_machine_that_serves_packages_wait_for_their_turn(tmp_path: Path) -> None:
    fake = serving_gateway(tmp_path)
    wanted = ("jq", f"haproxy={HAPROXY}4", "keepalived")
    packages = fake.packages(*wanted, deferred=("haproxy", "keepalived"))
    packages.install()
    assert fake.taken_changes() == ["update", "install jq", "hold keepalived"]
    assert f"running here, and changed in this machine's turn: haproxy={HAPROXY}4" in fake.machine.lines
    assert packages.waits() == (f"haproxy={HAPROXY}4",)
    assert packages.waits("keepalived") == ()
    packages.download_waiting()
    assert fake.taken_changes() == [f"install --download-only haproxy={HAPROXY}4"]
    packages.change("keepalived")
    assert fake.taken_changes() == []
    packages.change()
    assert fake.taken_changes() == [f"install haproxy={HAPROXY}4", "hold haproxy"]
    assert packages.waiting == packages.missing == ()
    packages.download_waiting()
    packages.change()
    assert fake.taken_changes() == []


def test_a_dpkg_that_cannot_say_changes_nothing_under_what_serves(tmp_path: Path) -> None:
    """The shell took no answer for no packages, and installed at once what has to wait for its turn."""
    fake = serving_gateway(tmp_path)
    fake.machine.answer("dpkg-query", Ended(2, "", "dpkg-query: error: parsing file"))
    with pytest.raises(Failed, match="dpkg cannot say what is installed"):
        fake.packages(f"haproxy={HAPROXY}4", deferred=("haproxy",)).install()
    assert fake.changes == []


def test_what_is_deferred_and_not_there_comes_now(tmp_path: Path) -> None:
    fake = FakePackages(tmp_path)
    fake.packages("haproxy", deferred=("haproxy",)).install()
    assert fake.changes == ["update", "install haproxy", "hold haproxy"]


def machine_with_etcd(root: Path) -> tuple[FakePackages, Packages]:
    """A machine with a package of etcd, where a newer one is only in its archive."""
    content = make_archive()
    fake = FakePackages(root)
    fake.machine.programs += etcd_machine(root, content).programs
    fake.installed = {"etcd": ("installed", "hold", "3.6.14-1")}
    return fake, Packages(fake.machine, desired("etcd=3.7.3", archives=archives(digest(content))))


def test_etcd_comes_from_its_archive_where_no_source_has_it(tmp_path: Path) -> None:
    fake, packages = machine_with_etcd(tmp_path)
    packages.look()
    assert packages.missing == ("etcd=3.7.3",)
    packages.install()
    assert fake.changes == ["update"]
    assert etcd_archive.installed_version(fake.machine) == "3.7.3"
    packages.look()
    assert packages.missing == ()


def test_etcds_archive_is_fetched_before_its_turn(tmp_path: Path) -> None:
    fake, packages = machine_with_etcd(tmp_path)
    packages.deferred = frozenset(("etcd",))
    packages.install()
    assert packages.waiting == ("etcd=3.7.3",)
    packages.download_waiting()
    assert etcd_archive.installed_version(fake.machine) == ""
    assert (fake.machine.state / "etcd-3.7.3.tar.gz").exists()
    packages.change()
    assert etcd_archive.installed_version(fake.machine) == "3.7.3"


def test_a_package_takes_the_place_of_the_archive(tmp_path: Path) -> None:
    fake, packages = machine_with_etcd(tmp_path)
    packages.install()
    fake.offered = {"etcd": ("3.7.4-1",)}
    later = fake.packages("etcd=3.7.4", deferred=("etcd",))
    later.look()
    later.download_waiting()
    assert etcd_archive.installed_version(fake.machine) == "3.7.3"
    later.change()
    assert etcd_archive.installed_version(fake.machine) == ""
    assert not list(fake.machine.path(etcd_archive.LOCAL_PROGRAMS).iterdir())
    assert later.missing == later.waiting == ()
