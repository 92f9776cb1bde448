"""Pinned packages, epochs, and etcd's version against what runs."""

import re
from typing import Any

import pytest

from agent.system.etcd_archive import EtcdArchive
from machines.common.packages import etcd_archives, role_packages
from machines.gateway.command import gateway_command
from settings import resolved, versions
from settings.load import parse
from settings.problem import SettingsError
from settings.running import Running
from settings.versions import ROLE_PACKAGES


def report(values: dict[str, Any], running: Running | None = None) -> list[str]:
    """What is said of these values; nothing when they may be."""
    try:
        parse(values, "dev", running)
    except SettingsError as error:
        return [str(problem) for problem in error.problems]
    return []


def pinned(name: str, version: str = "1.0-1") -> list[str]:
    return report({"maintenance": {"packages": {name: version}}})


def test_the_packages_of_the_roles_may_be_pinned() -> None:
    assert [pinned(name, "2.0-1") for name in ROLE_PACKAGES] == [[]] * len(ROLE_PACKAGES)


def test_other_packages_may_not() -> None:
    (typo,) = pinned("haproxi")
    assert typo.endswith("did you mean haproxy?")
    (own,) = pinned("kubelet", "1.35.0")
    assert own == (
        "maintenance.packages.kubelet 1.35.0: follows kubernetes.version; remove it and set kubernetes.version"
    )
    (unknown,) = pinned("nginx")
    assert unknown.startswith("maintenance.packages.nginx 1.0-1: is not a package of any machine's role (haproxy, ")


def test_a_version_and_an_epoch_are_words() -> None:
    (version,) = pinned("haproxy", "newest one")
    assert "must be a version as `apt-cache madison` lists it" in version
    (epoch,) = report({"maintenance": {"epoch": "it's time"}})
    assert epoch.startswith("maintenance.epoch")


def test_pins_and_the_epoch_reach_the_machines() -> None:
    values = {"maintenance": {"packages": {"haproxy": "2.6.12-1+deb12u3"}, "epoch": "2026-11"}}
    platform = parse(values, "dev")
    settings = platform.settings
    packages = gateway_command(platform, platform.plan.gateways[0], {"login_keys": "debian"}).state.machine.packages
    assert packages.epoch == "2026-11"
    assert "haproxy=2.6.12-1+deb12u3" in packages.wanted
    assert {"haproxy=2.6.12-1+deb12u3", "keepalived"} <= set(role_packages(settings, gateway=True))
    assert "haproxy=2.6.12-1+deb12u3" not in role_packages(settings, node=True)


def test_etcd_s_version_follows_kubernetes_or_is_its_own() -> None:
    usual = versions.KUBERNETES[versions.DEFAULT_KUBERNETES].etcd
    assert f"etcd={usual}" in role_packages(parse({}, "dev").settings, etcd=True)
    own = parse({"etcd": {"version": "3.6.6"}}, "dev").settings
    assert "etcd=3.6.6" in role_packages(own, etcd=True)
    assert {release.etcd for release in versions.KUBERNETES.values()} <= set(versions.ETCD)
    root = "https://github.com/etcd-io/etcd/releases/download"
    digests = versions.ETCD["3.6.6"]
    assert etcd_archives(own) == tuple(
        EtcdArchive(name, digests[name], f"{root}/v3.6.6/etcd-v3.6.6-linux-{name}.tar.gz")
        for name in ("amd64", "arm64")
    )
    mine = parse({"etcd": {"version": "3.7.3", "sha256": {"amd64": "1" * 64}}}, "dev").settings
    archive = EtcdArchive("amd64", "1" * 64, f"{root}/v3.7.3/etcd-v3.7.3-linux-amd64.tar.gz")
    assert etcd_archives(mine) == (archive,)


def test_every_archive_of_the_table_has_a_digest_for_each_architecture() -> None:
    for version, digests in versions.ETCD.items():
        assert resolved.numbers(version)
        assert list(digests) == ["amd64", "arm64"]
        assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests.values())
    every = [digest for digests in versions.ETCD.values() for digest in digests.values()]
    assert len(set(every)) == len(every)


@pytest.mark.parametrize(
    ("wanted", "now", "said"),
    [
        ("3.6.6", "3.6.5", ""),
        ("3.6.6", "3.5.17", ""),
        ("3.6.5", "", ""),
        (
            "3.6.5",
            "3.6.6",
            "is older than 3.6.6, which the cluster runs: etcd's data cannot be downgraded; set it to 3.6.6",
        ),
        ("3.6.5", "3.4.30", "bring up a release of this program that has 3.5.x, and that version first"),
        ("v3.6.6", "3.6.5", "use 3.6.14, or leave it out: it comes with kubernetes.version"),
        ("4.0.0", "3.6.5", "use 3.6.14, or leave it out: it comes with kubernetes.version"),
    ],
)
def test_etcd_goes_up_by_one_minor_version_at_a_time(wanted: str, now: str, said: str) -> None:
    found = report({"etcd": {"version": wanted}}, Running(etcd=now))
    assert len(found) == bool(said)
    assert not said or found[0].endswith(said), found


def test_a_pin_that_is_left_out_does_not_take_etcd_back() -> None:
    running = Running(kubernetes="1.34.2", etcd="3.6.6")
    assert parse({"kubernetes": {"version": "1.34.2"}}, "dev", running).settings.etcd_version == "3.6.6"
