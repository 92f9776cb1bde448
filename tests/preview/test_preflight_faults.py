"""Every fault that the preflight names, made in the lab's real cloud. Nothing of it outlives its test."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import openstack
import pytest
import yaml
from openstack.connection import Connection

import ops.__main__ as ops
from preflight.ask import ask
from preflight.cloud import Cloud
from preflight.credentials import find, log_in
from preflight.demand import needs
from preflight.run import VARIABLE, run
from preflight.subject import Subject
from settings.load import parse
from settings.problem import SettingsError
from tests.preview.stack import Stack

MakeStack = Callable[[str], Stack]
# What it takes away from the project other previews need.
pytestmark = pytest.mark.alone
#: Flavors and images that the lab's cloud has.
ON_THE_LAB: dict[str, Any] = {
    "gateways": {"flavor": "lab.gateway"},
    "etcd": {"flavor": "lab.etcd"},
    "controlPlanes": {"flavor": "lab.control-plane"},
    "workers": {"general": {"count": 2, "flavor": "lab.worker"}},
}
COMPUTE_QUOTAS = ("instances", "cores", "ram", "server_groups", "key_pairs")
NETWORK_QUOTAS = ("port", "network", "subnet", "router", "floatingip", "security_group", "security_group_rule")


@pytest.fixture
def cluster() -> str:
    """A name that nothing in the cloud bears."""
    return f"faults-{uuid4().hex[:8]}"


@pytest.fixture(scope="module")
def member() -> Connection:
    """The project's member, as whom the platform is made."""
    return openstack.connect(cloud="lab")


@pytest.fixture(scope="module")
def admin() -> Connection:
    """The cloud's administrator."""
    return openstack.connect(cloud="lab-admin")


def with_lab(values: Mapping[str, Any]) -> dict[str, Any]:
    """`values` over what the lab needs, one level deep."""
    merged: dict[str, Any] = {"preset": "dev", **ON_THE_LAB}
    for key, value in values.items():
        merged[key] = {**merged.get(key, {}), **value} if isinstance(value, Mapping) else value
    return merged


def problems(cluster: str, provider: Mapping[str, Any] | None = None, **values: Any) -> str:
    """The report of a platform that must not pass."""
    with pytest.raises(SettingsError) as caught:
        run(parse(with_lab(values), cluster), None, provider or {})
    return str(caught.value)


def facts(cluster: str, **values: Any) -> Subject:
    """What the checks see."""
    platform = parse(with_lab(values), cluster)
    return Subject(platform, ask(log_in(find()), platform))


def test_a_sane_platform_passes_with_its_ids(cluster: str, member: Connection) -> None:
    found = run(parse(with_lab({}), cluster), None, {})
    assert found.catalog.external_network_id == member.network.find_network("public").id
    assert found.catalog.flavors["lab.etcd"] == member.compute.find_flavor("lab.etcd").id
    assert found.catalog.images == {"debian-12": member.image.find_image("debian-12").id}
    assert found.warnings == ()


@contextmanager
def quotas(admin: Connection, project: str, compute: Mapping[str, int], network: Mapping[str, int]) -> Iterator[None]:
    """The project's quotas, and afterwards what they were."""
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
        assert f"quota {name} {enough - 1}{unit}: is too small: the plan takes {more[name]}{unit} more" in report
        assert f"ask the cloud's operators for {enough}{unit}" in report
    assert "quota server_group_members 1: is too small: the 2 machines of workers.general" in report


def test_names_that_the_cloud_does_not_have(cluster: str) -> None:
    nothing = "the cloud shows this project no such"
    report = problems(
        cluster,
        network={"external": "pulbic"},
        etcd={"flavor": "lab.etdc", "image": "debian-21"},
        gateways={"flavor": "no-such-flavor", "availabilityZones": ["nowhere"]},
    )
    assert f"network.external pulbic: {nothing} external network; did you mean public?" in report
    assert "etcd.flavor lab.etdc: the cloud has no such flavor; did you mean lab.etcd?" in report
    assert f"etcd.image debian-21: {nothing} image; did you mean debian-12?" in report
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
        f"etcd.flavor {flavor.name}: has 300 MiB of RAM, it needs 512",
        f"controlPlanes.flavor {flavor.name}: has 1 vCPU, it needs 2: kubeadm init stops below it",
        f"controlPlanes.flavor {flavor.name}: has 300 MiB of RAM, it needs 1700: kubeadm init stops below it",
        f"workers.general.flavor {flavor.name}: has 300 MiB of RAM, it needs 1024",
    ):
        assert line in report


@contextmanager
def image(member: Connection, name: str, data: bytes | None, **properties: Any) -> Iterator[Any]:
    """An image of the project's own; without data it waits for some."""
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
    """Another image of that name, made in a later second: glance counts no fractions."""
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
    assert f"etcd.image {cluster}-large: needs a disk of 20 GiB, the flavor lab.etcd has 10" in report
    assert f"etcd.image {cluster}-large: needs 4096 MiB of RAM, the flavor lab.etcd has 512" in report
    assert found.catalog.images[f"{cluster}-twice"] == newer["id"]
    assert "2 images bear that name, the newest is taken" in str(found.warnings[0])


@contextmanager
def strangers(member: Connection, cluster: str) -> Iterator[str]:
    """Things of our names, but not ours, with a bound port on the public VIP's address; gives its floating IP."""
    neutron = member.network
    with ExitStack() as undo:
        network = neutron.create_network(name=f"{cluster}-edge")
        undo.callback(neutron.delete_network, network)
        subnet = neutron.create_subnet(
            name=f"{cluster}-edge", network_id=network.id, ip_version=4, cidr="10.21.0.0/27", enable_dhcp=False
        )
        port = neutron.create_port(
            name="somebody",
            network_id=network.id,
            fixed_ips=[{"subnet_id": subnet.id, "ip_address": "10.21.0.5"}],
            device_id="a-machine",
            device_owner="compute:nova",
        )
        undo.callback(neutron.delete_port, port)
        public = neutron.find_network("public")
        router = neutron.create_router(name=f"{cluster}-router", external_gateway_info={"network_id": public.id})
        undo.callback(neutron.delete_router, router)
        neutron.add_interface_to_router(router, subnet_id=subnet.id)
        undo.callback(neutron.remove_interface_from_router, router, subnet_id=subnet.id)
        floating_ip = neutron.create_ip(floating_network_id=public.id, port_id=port.id)
        undo.callback(neutron.delete_ip, floating_ip)
        member.compute.create_keypair(name=cluster)
        undo.callback(member.compute.delete_keypair, cluster)
        yield floating_ip.floating_ip_address


def test_names_and_addresses_that_somebody_else_has(cluster: str, member: Connection) -> None:
    with strangers(member, cluster) as taken:
        report = problems(cluster, network={"apiFloatingIp": taken})
    for kind, name in (
        ("network", f"{cluster}-edge"),
        ("subnet", f"{cluster}-edge"),
        ("router", f"{cluster}-router"),
        ("key pair", cluster),
    ):
        assert f"clusterName {cluster}: there is a {kind} {name} already, and it is not this platform's" in report
    assert (
        "network.publicVipAddress 10.21.0.5: the port somebody on that address is bound to compute:nova a-machine"
        in report
    )
    assert f"network.apiFloatingIp {taken}: is taken, it serves the port somebody (10.21.0.5)" in report
    # Nothing that the test made is left for the next.
    run(parse(with_lab({}), cluster), None, {})


def test_what_an_interrupted_up_left_is_ours_and_not_counted_twice(cluster: str, member: Connection) -> None:
    before = {need.quota: need.more for need in needs(facts(cluster))}
    network = member.network.create_network(name=f"{cluster}-private")
    try:
        member.network.set_tags(network, [f"openstack-paas:{cluster}"])
        subject = facts(cluster)
        found = run(subject.platform, None, {})
    finally:
        member.network.delete_network(network)
    assert {need.quota: need.more for need in needs(subject)}["network"] == before["network"] - 1
    assert "its tag is on 1 network although this stack has never been brought up whole" in str(found.warnings[0])


def test_a_floating_ip_that_the_project_does_not_own(cluster: str) -> None:
    report = problems(cluster, network={"apiFloatingIp": "172.24.4.251"})
    assert "network.apiFloatingIp 172.24.4.251: this project owns no such floating IP" in report


@contextmanager
def small_pool(admin: Connection, name: str, **properties: Any) -> Iterator[None]:
    """An external network with two addresses, shared, so that a member is shown its subnet."""
    network = admin.network.create_network(name=name, is_router_external=True, **properties)
    try:
        admin.network.create_subnet(
            network_id=network.id,
            ip_version=4,
            cidr="198.51.100.0/27",
            gateway_ip="198.51.100.1",
            allocation_pools=[{"start": "198.51.100.28", "end": "198.51.100.29"}],
            enable_dhcp=False,
        )
        yield
    finally:
        admin.network.delete_network(network)


PROVIDER_NETWORK = {
    "publicVip": "provider-network",
    "edge": "198.51.100.0/27",
    "publicVipAddress": "198.51.100.5",
}


def test_a_pool_without_room(cluster: str, admin: Connection) -> None:
    with small_pool(admin, cluster, is_shared=True):
        report = problems(cluster, gateways={"count": 2}, network={"external": cluster})
    assert f"network.external {cluster}: has no room for 3 more floating IPs: its pools hold 2" in report


def test_a_provider_network_that_does_not_fit(cluster: str, admin: Connection) -> None:
    gateways = {"edgeAddresses": ["198.51.100.12"]}
    network = {**PROVIDER_NETWORK, "external": cluster}
    with small_pool(admin, cluster, is_shared=True):
        elsewhere = {"edge": "203.0.113.0/27", "publicVipAddress": "203.0.113.5"}
        wrong_range = problems(cluster, gateways={"edgeAddresses": ["203.0.113.12"]}, network={**network, **elsewhere})
        wrong_router = problems(cluster, gateways=gateways, network={**network, "edgeGateway": "198.51.100.2"})
        found = run(parse(with_lab({"gateways": gateways, "network": network}), cluster), None, {})
    with small_pool(admin, cluster):
        hidden = problems(cluster, gateways=gateways, network=network)
    assert f"network.edge 203.0.113.0/27: is no subnet of {cluster}: it has 198.51.100.0/27" in wrong_range
    assert (
        "network.edgeGateway 198.51.100.2: is not the router of 198.51.100.0/27, that is 198.51.100.1" in wrong_router
    )
    assert found.catalog.external_subnet_id
    assert "create_port:allowed_address_pairs" in str(found.warnings[0])
    assert f"this project is not shown the subnets of {cluster}" in hidden


def lab_credentials() -> dict[str, str]:
    """The provider's configuration that stands for OS_CLOUD=lab."""
    clouds = yaml.safe_load(Path(os.environ["OS_CLIENT_CONFIG_FILE"]).read_text(encoding="utf-8"))
    auth = clouds["clouds"]["lab"]["auth"]
    return {
        "authUrl": auth["auth_url"],
        "userName": auth["username"],
        "password": auth["password"],
        "tenantName": auth["project_name"],
        "userDomainName": auth["user_domain_name"],
        "projectDomainName": auth["project_domain_name"],
    }


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"password": "wrong-password"}, "does not let paas in (401"),
        ({"tenantName": "nowhere"}, "does not let paas in (401"),
        ({"authUrl": "http://127.0.0.1:9/v3"}, "keystone at http://127.0.0.1:9 cannot be reached"),
        ({"region": "Nowhere"}, "there is no region Nowhere, the cloud has RegionOne"),
        ({"cloud": "nowhere"}, "there is no cloud nowhere in clouds.yaml, which has lab, lab-admin"),
    ],
)
def test_no_way_in_is_one_message_without_a_password(
    cluster: str, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str], expected: str
) -> None:
    monkeypatch.delenv("OS_CLOUD")
    right = lab_credentials()
    run(parse(with_lab({}), cluster), None, right)
    report = problems(cluster, {**right, **wrong})
    assert expected in report
    assert report.startswith("1 problem")
    assert right["password"] not in report
    assert "wrong-password" not in report


def test_a_cloud_that_cannot_be_asked_is_a_warning_where_that_is_allowed(
    cluster: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = {"authUrl": "http://127.0.0.1:9/v3", "userName": "u", "password": "p", "tenantName": "t"}
    monkeypatch.delenv("OS_CLOUD")
    optional, required = (parse(with_lab({"preflight": kind}), cluster) for kind in ("optional", "required"))
    found = run(optional, None, nowhere, is_preview=True)
    assert "cannot be reached" in str(found.warnings[0])
    assert not found.catalog.external_network_id
    for platform, is_preview in ((optional, False), (required, True)):
        with pytest.raises(SettingsError):
            run(platform, None, nowhere, is_preview)
    monkeypatch.setenv(VARIABLE, "optional")
    assert run(required, None, nowhere, is_preview=True).warnings == found.warnings


def test_a_preview_ends_before_any_resource(stack: MakeStack) -> None:
    made = stack("faults")
    made.configure(with_lab({"etcd": {"flavor": "no-such-flavor"}, "network": {"external": "no-such-network"}}))
    preview = made.preview()
    assert preview.status != 0
    assert not [step for step in preview.steps if step["newState"]["type"].startswith("openstack")]
    assert "2 problems, nothing was changed" in preview.text
    assert "etcd.flavor no-such-flavor" in preview.text


def test_the_stack_file_s_own_credentials_come_first(stack: MakeStack) -> None:
    made = stack("credentials")
    made.configure(with_lab({}))
    file = made.folder / "Pulumi.credentials.yaml"
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    given = {**lab_credentials(), "password": "wrong-password"}
    document["config"] |= {f"openstack:{key}": value for key, value in given.items()}
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    made.environment.pop("OS_CLOUD")
    preview = made.preview()
    assert preview.status != 0
    assert "OpenStack: cannot be asked: keystone at http://172.24.5.1:5000 does not let paas in" in preview.text


def test_a_preview_without_credentials_where_that_is_allowed(stack: MakeStack) -> None:
    made = stack("fork")
    made.configure(with_lab({}))
    made.environment = {key: value for key, value in made.environment.items() if not key.startswith("OS_")}
    made.environment |= {VARIABLE: "optional", "OS_AUTH_URL": "http://cloud.invalid/v3", "OS_TOKEN": "none"}
    preview = made.preview()
    assert preview.status == 0, preview.text
    assert set(preview.operations()) == {"create"}
    assert "OpenStack: cannot be asked, so nothing is checked and no id is known" in preview.text


def test_the_doctor_needs_no_engine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], cluster: str
) -> None:
    config = {f"openstack-paas:{key}": value for key, value in with_lab({"clusterName": cluster}).items()}
    (tmp_path / "Pulumi.doctor.yaml").write_text(yaml.safe_dump({"config": config}), encoding="utf-8")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert ops.main(["doctor", "--json"]) == 0
    checks = json.loads(capsys.readouterr().out)["checks"]
    assert {check["result"] for check in checks if check["area"] == "cloud"} == {"passed"}
    assert len(checks) > 14


def test_the_whole_cloud_without_a_platform_is_an_offer() -> None:
    offer: Cloud = ask(log_in(find()))
    assert offer.unknown == ()
    assert {"lab.etcd", "m1.large"} <= {flavor.name for flavor in offer.flavors or ()}
    assert "debian-12" in {image.name for image in offer.images or ()}
