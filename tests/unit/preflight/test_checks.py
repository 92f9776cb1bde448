"""Each check of the preflight both ways: silent about a cloud that fits, in exact words about one that does not."""

from dataclasses import replace
from typing import Any

import pytest

from preflight import checks
from preflight.cloud import Cloud, Existing, Quota, Unknown
from settings.running import Running
from tests.unit.preflight.errors import ERRORS, bring, vip_port
from tests.unit.preflight.samples import (
    BROUGHT,
    EDGE,
    FITS,
    OURS,
    PLENTY,
    PROVIDER,
    PROVIDES,
    PUBLIC,
    WITH_OCTAVIA,
    WITH_VOLUMES,
    context,
    existing,
    flavor,
    image,
    texts,
)


@pytest.mark.parametrize(
    ("cloud", "values"),
    [
        (FITS, {}),
        (
            FITS,
            {"preset": "production", "workers": {"general": {"count": 3}}, "access": {"sshCidrs": ["192.0.2.0/24"]}},
        ),
        (FITS, {"gateways": {"availabilityZones": ["zone-2"]}, "network": {"mtu": 1500}}),
        (FITS, {"network": {"publicVip": "none"}}),
        (WITH_VOLUMES, {"etcd": {"volume": {"sizeGib": 5, "type": "ssd"}, "availabilityZones": ["nova"]}}),
        (WITH_OCTAVIA, {"api": {"loadBalancer": "octavia", "octavia": {"provider": "ovn"}}}),
        (PROVIDES, PROVIDER),
        (flavor(vcpus=1, ram_mib=1024), {"kubernetes": {"ignorePreflightErrors": ["numcpu", "Mem"]}}),
        (flavor(vcpus=1, ram_mib=1024), {"kubernetes": {"ignorePreflightErrors": ["all"]}}),
        (flavor(disk_gib=0), {}),
        (replace(FITS, zones=None, ports=None, floating_ips=None, extensions=None, quotas={}), {}),
    ],
)
def test_a_cloud_that_fits_has_no_errors(cloud: Cloud, values: dict[str, Any]) -> None:
    assert texts(checks.errors(context(cloud, **values))) == []


@pytest.mark.parametrize(("cloud", "values", "expected"), ERRORS, ids=[text.split(":")[0] for _, _, text in ERRORS])
def test_an_error_has_key_value_rule_and_fix(cloud: Cloud, values: dict[str, Any], expected: str) -> None:
    assert expected in texts(checks.errors(context(cloud, **values)))


WARNINGS: list[tuple[Cloud, dict[str, Any], str]] = [
    (
        replace(FITS, zones=None, unknown=(Unknown("availability zones", "no answer within 30 s"),)),
        {},
        "OpenStack availability zones: could not be asked (no answer within 30 s), so nothing about it is checked; "
        "make sure that the service is up and that the user may list them",
    ),
    (
        replace(FITS, quotas=PLENTY | {"port": Quota("port", 100)}),
        {},
        "quota port 100: the cloud does not say how much of it is in use; see that 11 are left",
    ),
    (
        flavor(ram_mib=1800),
        {},
        "controlPlanes.flavor m1.medium: has 1800 MiB of RAM, 2048 are recommended: kubeadm's documentation asks for "
        "it; use a larger flavor",
    ),
    (
        flavor(disk_gib=0),
        {},
        "controlPlanes.flavor m1.medium: has no root disk of its own: nova lets only administrators use it by default "
        "(zero_disk_flavor); use a flavor with a disk",
    ),
    (
        flavor(disk_gib=5),
        {},
        "controlPlanes.flavor m1.medium: has a disk of 5 GiB, container images need 10; use a larger flavor",
    ),
    (
        image(architecture="aarch64"),
        {},
        "etcd.image debian-12: is made for aarch64, but the packages installed on it are not; use an image for x86_64",
    ),
    (
        replace(PROVIDES, networks=(replace(PUBLIC, shared=True),)),
        PROVIDER,
        "network.publicVip provider-network: public is not this project's: by default neutron lets its members choose "
        "neither fixed IPs nor allowed address pairs there (policies create_port:fixed_ips:ip_address, "
        "create_port:allowed_address_pairs); ask the cloud's operators to allow both, or use floating-ip",
    ),
    (
        replace(PROVIDES, networks=(replace(PUBLIC, shared=False),)),
        PROVIDER,
        "network.publicVip provider-network: public is external and not shared: by default nova attaches no machine "
        "to it (policy network:attach_external_network); ask for it to be shared with this project, or use floating-ip",
    ),
    (
        replace(FITS, extensions=FITS.extensions - {"quota_details"} if FITS.extensions else None),
        {},
        "OpenStack extension quota_details: the cloud's network service lacks it: without it the usage of "
        "quotas is not shown; check the quotas yourself",
    ),
    (
        FITS,
        {"network": {"mtu": 1300}},
        "network.mtu 1300: leaves 1250 bytes for the pods, the overlay takes 50; have networks of 1330 bytes or more",
    ),
    (
        vip_port(pairs=("10.21.0.0/27",)),
        {},
        "network.publicVip floating-ip: the port dev-public-vip carries the pair 10.21.0.0/27: OVN takes single "
        "addresses only; `pulumi up --refresh` sets it back",
    ),
    (
        existing(Existing("router", "dev-router", "router-id", OURS)),
        {},
        "clusterName dev: its tag is on 1 router although no `pulumi up` of this stack has ever finished; run the "
        "interrupted `pulumi up` again, or choose another clusterName if another stack uses this one",
    ),
]


@pytest.mark.parametrize(("cloud", "values", "expected"), WARNINGS, ids=[text.split(":")[0] for _, _, text in WARNINGS])
def test_a_warning_ends_nothing(cloud: Cloud, values: dict[str, Any], expected: str) -> None:
    seen = context(cloud, **values)
    assert expected in texts(checks.warnings(seen))
    assert expected not in texts(checks.warnings(context(FITS)))
    assert texts(checks.errors(seen)) == []


@pytest.mark.parametrize(
    "cloud",
    [
        bring(),
        bring(port_id="p", port_name="dev-public-vip"),
    ],
)
def test_a_floating_ip_that_is_free_or_serves_our_own_vip_is_fine(cloud: Cloud) -> None:
    assert texts(checks.errors(context(cloud, **BROUGHT))) == []


def test_a_port_on_a_vip_s_address_in_another_network_is_nobody_s_business() -> None:
    cloud = vip_port(network_id="elsewhere", device_id="a-machine")
    assert texts(checks.errors(context(cloud))) == []


def test_a_large_mtu_is_believed_where_a_network_carries_it() -> None:
    jumbo = replace(FITS, networks=(PUBLIC, replace(EDGE, mtu=8950)))
    assert texts(checks.errors(context(jumbo, network={"mtu": 8950}))) == []


RUNNING = Running(kubernetes="1.34.2", instances={"dev-etcd-0": "server-id"})


@pytest.mark.parametrize(
    ("things", "running"),
    [
        ((Existing("server", "dev-etcd-0", "server-id"), Existing("key pair", "dev", "dev")), RUNNING),
        ((Existing("router", "dev-router", "r", OURS), Existing("server group", "dev-etcd", "g")), None),
        ((Existing("server", "dev-2-etcd-0", "another"), Existing("network", "dev-elsewhere", "n")), None),
    ],
)
def test_ours_by_tag_outputs_or_company_and_names_of_no_interest(
    things: tuple[Existing, ...], running: Running | None
) -> None:
    assert texts(checks.errors(context(existing(*things), running))) == []


@pytest.mark.parametrize("check", checks.ALL, ids=[check.name for check in checks.ALL])
def test_every_rule_is_proven_and_every_check_says_what_it_found(check: checks.Check) -> None:
    assert check.errors
    for rules, table in ((check.errors, ERRORS), (check.warnings, WARNINGS)):
        for rule in rules:
            assert any(expected in texts(rule(context(cloud, **values))) for cloud, values, expected in table)
    assert check.summary(context(FITS))
