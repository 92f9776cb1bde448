"""Every fault that the preflight reports, made in the lab's cloud. Each test cleans up after itself."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from openstack.connection import Connection

from preflight.quota_usage import needs
from preflight.run import run
from settings.load import parse
from tests.preview.lab_preflight import facts, problems, with_lab

# These tests take away quotas that other previews need.
pytestmark = pytest.mark.alone
COMPUTE_QUOTAS = ("instances", "cores", "ram", "server_groups", "key_pairs")
NETWORK_QUOTAS = ("port", "network", "subnet", "router", "floatingip", "security_group", "security_group_rule")


def test_a_valid_platform_passes_and_its_ids_are_found(cluster: str, member: Connection) -> None:
    found = run(parse(with_lab({}), cluster), None, {})
    assert found.catalog.external_network_id == member.network.find_network("public").id
    assert found.catalog.flavors["lab.etcd"] == member.compute.find_flavor("lab.etcd").id
    assert found.catalog.images == {"debian-12": member.image.find_image("debian-12").id}
    assert found.warnings == ()


@contextmanager
def quotas(admin: Connection, project: str, compute: Mapping[str, int], network: Mapping[str, int]) -> Iterator[None]:
    """Set the project's quotas during the block."""
    nova, neutron = f"/os-quota-sets/{project}", f"/quotas/{project}"
    had_compute = admin.compute.get(nova).json()["quota_set"]
    had_network = admin.network.get(neutron).json()["quota"]
    try:
        answers = [
            admin.compute.put(nova, json={"quota_set": {**compute, "force": True}}),
            admin.network.put(neutron, json={"quota": dict(network)}),
        ]
        assert all(answer.ok for answer in answers), [answer.text for answer in answers]
        yield
    finally:
        admin.compute.put(nova, json={"quota_set": {key: had_compute[key] for key in compute} | {"force": True}})
        admin.network.put(neutron, json={"quota": {key: had_network[key] for key in network}})


def test_every_quota_is_counted_against_what_is_in_use(cluster: str, admin: Connection) -> None:
    subject = facts(cluster)
    more = {need.quota: need.more for need in needs(subject)}
    in_use = {name: quota.used or 0 for name, quota in subject.cloud.quotas.items()}
    just_enough = {name: used + more[name] for name, used in in_use.items() if more.get(name)}
    assert set(just_enough) == {*COMPUTE_QUOTAS, *NETWORK_QUOTAS}

    def limits(less: int) -> tuple[dict[str, int], dict[str, int]]:
        return (
            {name: just_enough[name] - less for name in COMPUTE_QUOTAS} | {"server_group_members": 2 - less},
            {name: just_enough[name] - less for name in NETWORK_QUOTAS},
        )

    project = subject.cloud.project_id
    with quotas(admin, project, *limits(0)):
        run(parse(with_lab({}), cluster), None, {})
    with quotas(admin, project, *limits(1)):
        report = problems(cluster)
    for name, enough in just_enough.items():
        unit = " MiB" if name == "ram" else ""
        assert f"quota {name} {enough - 1}{unit}: is too small: the plan needs {more[name]}{unit} more" in report
        assert f"ask the cloud's operators for {enough}{unit}" in report
    assert "quota server_group_members 1: is too small: the 2 machines of workers.general" in report


def test_names_that_the_cloud_does_not_have(cluster: str) -> None:
    report = problems(
        cluster,
        network={"external": "pulbic"},
        etcd={"flavor": "lab.etdc", "image": "debian-21"},
        gateways={"flavor": "no-such-flavor", "availabilityZones": ["nowhere"]},
    )
    assert "network.external pulbic: this project sees no external network of that name; did you mean public?" in report
    assert "etcd.flavor lab.etdc: the cloud has no such flavor; did you mean lab.etcd?" in report
    assert "etcd.image debian-21: this project sees no image of that name; did you mean debian-12?" in report
    assert "gateways.flavor no-such-flavor: the cloud has no such flavor; use one of lab.control-plane, " in report
    assert "gateways.availabilityZones nowhere: the cloud has no such zone that is up; use one of nova" in report


def test_services_that_the_cloud_does_not_have(cluster: str) -> None:
    report = problems(cluster, etcd={"volume": {"sizeGib": 5}}, api={"loadBalancer": "octavia"}, network={"mtu": 9000})
    assert "etcd.volume 5 GiB: the cloud has no block storage (cinder); leave etcd.volume out" in report
    assert "api.loadBalancer octavia: the cloud has no load balancers" in report
    assert "network.mtu 9000: is larger than any network of the cloud that this project sees (1500;" in report


def test_a_flavor_that_is_too_small_for_its_role(cluster: str, admin: Connection) -> None:
    flavor = admin.compute.create_flavor(name=f"{cluster}.tiny", vcpus=1, ram=300, disk=1)
    try:
        section = {"flavor": flavor.name}
        report = problems(cluster, etcd=section, controlPlanes=section, workers={"general": {"count": 1, **section}})
        run(parse(with_lab({"gateways": section}), cluster), None, {})
    finally:
        admin.compute.delete_flavor(flavor)
    for line in (
        f"etcd.flavor {flavor.name}: has 300 MiB of RAM, but needs 512",
        f"controlPlanes.flavor {flavor.name}: has 1 vCPU, but needs 2: kubeadm init refuses less",
        f"controlPlanes.flavor {flavor.name}: has 300 MiB of RAM, but needs 1700: kubeadm init refuses less",
        f"workers.general.flavor {flavor.name}: has 300 MiB of RAM, but needs 1024",
    ):
        assert line in report


@contextmanager
def image(member: Connection, name: str, data: bytes | None, **properties: Any) -> Iterator[Any]:
    """An image of the project. Without data it stays queued."""
    made = member.image.post(
        "/images", json={"name": name, "disk_format": "raw", "container_format": "bare", **properties}
    ).json()
    try:
        if data is not None:
            answer = member.image.put(
                f"/images/{made['id']}/file", data=data, headers={"Content-Type": "application/octet-stream"}
            )
            assert answer.ok, answer.text
        yield made
    finally:
        member.image.delete(f"/images/{made['id']}")


@contextmanager
def newer_image(member: Connection, older: Mapping[str, Any]) -> Iterator[Any]:
    """Another image with the same name, made at least a second later, because glance stores no fractions."""
    while datetime.now(UTC) < datetime.fromisoformat(older["created_at"]) + timedelta(seconds=1):
        time.sleep(0.05)
    with image(member, older["name"], b"newer") as made:
        yield made


def test_images_that_are_not_ready_or_do_not_fit(cluster: str, member: Connection) -> None:
    with (
        image(member, f"{cluster}-queued", None),
        image(member, f"{cluster}-large", b"large", min_disk=20, min_ram=4096),
        image(member, f"{cluster}-twice", b"older") as older,
        newer_image(member, older) as newer,
    ):
        report = problems(
            cluster,
            gateways={"image": f"{cluster}-queued"},
            etcd={"image": f"{cluster}-large"},
            controlPlanes={"image": f"{cluster}-twice"},
        )
        found = run(parse(with_lab({"etcd": {"image": f"{cluster}-twice"}}), cluster), None, {})
    assert f"gateways.image {cluster}-queued: cannot be used: it is queued, not active" in report
    assert f"etcd.image {cluster}-large: needs a disk of 20 GiB, but the flavor lab.etcd has 10" in report
    assert f"etcd.image {cluster}-large: needs 4096 MiB of RAM, but the flavor lab.etcd has 512" in report
    assert found.catalog.images[f"{cluster}-twice"] == newer["id"]
    assert "2 images have that name, and the newest is used" in str(found.warnings[0])
