"""The way into the cloud and the questions there, against a cloud on loopback."""

import os
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from preflight.cloud import Cloud, Image, Port, Quota, Subnet, Unknown
from preflight.collect import collect
from preflight.credentials import CloudUnreachable, find, log_in
from settings.load import parse
from settings.platform import Platform
from tests.unit.fake_cloud import ANSWERS, PASSWORD, FakeCloud, fake_cloud


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the machine's own credentials is seen."""
    for name in [name for name in os.environ if name.startswith("OS_")]:
        monkeypatch.delenv(name)
    for variable in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "nothing"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def cloud() -> Iterator[FakeCloud]:
    """A cloud that knows one password."""
    with fake_cloud() as made:
        yield made


def provider(cloud: FakeCloud, **changes: str) -> dict[str, str]:
    """The stack's configuration of the provider."""
    given = {"authUrl": cloud.url, "userName": "paas", "password": PASSWORD, "tenantName": "paas"}
    return given | {"userDomainName": "Default", "projectDomainName": "Default"} | changes


def platform(**values: Any) -> Platform:
    """The dev preset."""
    return parse({"preset": "dev", **values}, "dev")


def facts(cloud: FakeCloud, about: Platform | None, seconds: float = 10) -> Cloud:
    """What is found out."""
    return collect(log_in(find(provider(cloud))), about, seconds)


def refused(**given: str) -> CloudUnreachable:
    """Why there is no way in."""
    with pytest.raises(CloudUnreachable) as caught:
        log_in(find(given))
    assert PASSWORD not in str(caught.value)
    return caught.value


def unused_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# Credentials


def test_no_credentials_at_all() -> None:
    assert "there are no credentials for OpenStack" in refused().reason


def test_the_stack_s_configuration_comes_before_clouds_yaml_and_that_before_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    auth = {"auth_url": "http://clouds-yaml", "username": "from-clouds-yaml"}
    clouds = {"site": {"auth": auth, "region_name": "One", "verify": False, "profile": "vendor"}}
    (tmp_path / "clouds.yaml").write_text(yaml.safe_dump({"clouds": clouds}))
    (tmp_path / "secure.yaml").write_text(yaml.safe_dump({"clouds": {"site": {"auth": {"password": "secure"}}}}))
    public = {"vendor": {"auth": {"auth_url": "http://vendor", "user_domain_name": "Vendor"}}}
    (tmp_path / "clouds-public.yaml").write_text(yaml.safe_dump({"public-clouds": public}))
    monkeypatch.setenv("OS_USERNAME", "from-variable")
    monkeypatch.setenv("OS_PROJECT_NAME", "from-variable")
    monkeypatch.setenv("OS_CLOUD", "nowhere")
    found = find({"cloud": "site", "region": "Two"})
    assert (found.auth["auth_url"], found.auth["username"]) == ("http://clouds-yaml", "from-clouds-yaml")
    assert (found.auth["password"], found.auth["user_domain_name"]) == ("secure", "Vendor")
    assert found.auth["project_name"] == "from-variable"
    assert (found.beside["region_name"], found.verify) == ("Two", False)


def test_a_cloud_that_clouds_yaml_does_not_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"clouds": {"here": {}, "there": {}}}))
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(tmp_path / "mine.yaml"))
    assert refused(cloud="nowhere").reason == "there is no cloud nowhere in clouds.yaml, which has here, there"
    (tmp_path / "mine.yaml").write_text("clouds: [")
    assert refused(cloud="here").reason == "clouds.yaml cannot be read (ParserError)"


def test_each_way_of_logging_in(cloud: FakeCloud) -> None:
    log_in(find(provider(cloud)))
    log_in(find({"authUrl": f"{cloud.url}/v2.0", "token": PASSWORD, "tenantId": "p"}))
    secret = {"applicationCredentialId": "a", "applicationCredentialSecret": PASSWORD}
    access = log_in(find({"authUrl": f"{cloud.url}/v3/", **secret}))
    methods = [login["identity"]["methods"] for login in cloud.logins]
    assert methods == [["password"], ["token"], ["application_credential"]]
    assert cloud.logins[0]["scope"] == {"project": {"name": "paas", "domain": {"name": "Default"}}}
    assert "scope" not in cloud.logins[2]
    assert access.services == set(cloud.services)


def test_the_default_domain_is_for_what_has_no_domain_of_its_own(cloud: FakeCloud) -> None:
    given = {"authUrl": cloud.url, "userName": "paas", "password": PASSWORD, "tenantName": "paas"}
    log_in(find({**given, "defaultDomain": "default", "userDomainName": "People"}))
    log_in(find({**given, "domainName": "All", "projectDomainId": "d1"}))
    users = [login["identity"]["password"]["user"]["domain"] for login in cloud.logins]
    projects = [login["scope"]["project"]["domain"] for login in cloud.logins]
    assert (users, projects) == ([{"name": "People"}, {"name": "All"}], [{"id": "default"}, {"id": "d1"}])


def test_a_wrong_password_is_not_shown(cloud: FakeCloud) -> None:
    error = refused(**provider(cloud, password="open-sesame"))
    assert "rejects paas (401" in error.reason
    assert "open-sesame" not in str(error)


def test_a_keystone_that_cannot_be_reached() -> None:
    url = f"http://user:{PASSWORD}@127.0.0.1:{unused_port()}"
    error = refused(authUrl=url, userName="u", password=PASSWORD)
    assert error.reason == f"keystone at {url.replace(f'user:{PASSWORD}@', '')} cannot be reached"


def test_something_other_than_keystone(cloud: FakeCloud) -> None:
    error = refused(**provider(cloud, authUrl=f"{cloud.url}/horizon"))
    assert error.reason == f"keystone at {cloud.url} answers 404, not with a token"


def test_credentials_without_a_secret(cloud: FakeCloud) -> None:
    assert refused(authUrl=cloud.url).reason == "the credentials have no password, token or application credential"


def test_a_clock_that_is_ahead_of_the_cloud(cloud: FakeCloud) -> None:
    cloud.token_hours = -2
    error = refused(**provider(cloud))
    assert error.reason == "the new token expired 120 minutes ago"
    assert "clock" in error.fix


def test_a_token_of_no_project(cloud: FakeCloud) -> None:
    cloud.project = ""
    assert refused(**provider(cloud)).reason == "the credentials name no project"


def test_a_region_that_does_not_exist(cloud: FakeCloud) -> None:
    assert refused(**provider(cloud, region="Two")).reason == "there is no region Two, the cloud has One"


def test_plain_http_where_tls_is_spoken(cloud: FakeCloud) -> None:
    error = refused(**provider(cloud, authUrl=cloud.url.replace("http:", "https:")))
    assert error.reason.startswith("the certificate of https://127.0.0.1")


@pytest.fixture
def certificate(tmp_path: Path) -> str:
    """A certificate of 127.0.0.1 that only this test trusts, with its key beside it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "fake cloud")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(
            name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(hours=1)
        )
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (tmp_path / "certificate.pem").write_bytes(made.public_bytes(Encoding.PEM))
    (tmp_path / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return str(tmp_path / "certificate.pem")


def test_a_certificate_is_trusted_as_a_file_as_text_or_not_at_all(certificate: str, tmp_path: Path) -> None:
    with fake_cloud(certificate, str(tmp_path / "key.pem")) as cloud:
        for given in ({"cacertFile": certificate}, {"cacertFile": Path(certificate).read_text()}, {"insecure": "true"}):
            assert log_in(find(provider(cloud, **given))).project_id
        error = refused(**provider(cloud))
    assert error.reason.startswith(f"the certificate of {cloud.url} is not trusted (self-signed certificate)")
    assert "clock" in error.fix


# Questions


def test_facts_of_a_platform(cloud: FakeCloud) -> None:
    found = facts(cloud, platform(etcd={"volume": {"sizeGib": 8}}, api={"loadBalancer": "octavia"}))
    assert found.unknown == ()
    assert found.zones == found.volume_zones == ("nova",)
    assert found.volume_types == ("ssd",)
    assert found.load_balancer_providers == ("amphora",)
    assert found.extensions == frozenset({"router", "port-security"})
    assert found.quotas == {
        "instances": Quota("instances", 10, 4),
        "key_pairs": Quota("key_pairs", 9, 2),
        "port": Quota("port", 50, 8),
        "gigabytes_ssd": Quota("gigabytes_ssd", 100, 35),
        "load_balancer": Quota("load_balancer", -1, 1),
    }
    ours = ("openstack-paas:dev",)
    assert {(one.kind, one.name, one.tags) for one in found.existing} == {
        ("server", "dev-etcd-0", ours),
        ("key pair", "dev", ()),
        ("network", "dev-private", ours),
        ("floating ip", "203.0.113.4", ours),
        ("volume", "dev-etcd-0-data", ours),
    }
    assert found.images and found.images[0].disk_gib == 3
    assert found.floating_ips and found.floating_ips[0].port_name == "dev-public-vip"


def test_what_services_leave_empty_and_what_is_another_project_s(cloud: FakeCloud) -> None:
    ports = {
        "id": "p1",
        "name": "somebody",
        "network_id": "n1",
        "fixed_ips": [{"subnet_id": "s1", "ip_address": "10.21.0.5"}],
        "allowed_address_pairs": [{"ip_address": "10.21.0.6", "mac_address": "m"}],
        "device_id": None,
    }
    pool = {"start": "10.21.0.2", "end": "10.21.0.9"}
    subnet = {"id": "s1", "name": "dev-edge", "network_id": "n1", "cidr": "10.21.0.0/24", "project_id": "another"}
    cloud.answers |= {
        "/image/v2/images": {"images": [{"id": "i1", "name": None, "status": "queued", "size": None}]},
        "/network/v2.0/ports": {"ports": [ports]},
        "/network/v2.0/subnets": {"subnets": [{**subnet, "gateway_ip": None, "allocation_pools": [pool]}]},
    }
    found = facts(cloud, platform())
    assert found.images == (Image("i1", "", "queued"),)
    assert found.ports == (Port("p1", "somebody", "n1", ("10.21.0.5",), pairs=("10.21.0.6",)),)
    assert found.subnets == (Subnet("s1", "dev-edge", "n1", "10.21.0.0/24", pools=(("10.21.0.2", "10.21.0.9"),)),)
    assert not [one for one in found.existing if one.kind in ("port", "subnet")]


def test_nothing_is_asked_but_what_a_platform_needs_and_all_by_get(cloud: FakeCloud) -> None:
    facts(cloud, platform())
    paths = [path for method, path, _ in cloud.asked if method == "GET"]
    assert {method for method, *_ in cloud.asked} == {"POST", "GET"}
    assert [path for method, path, _ in cloud.asked if method == "POST"] == ["/v3/auth/tokens"]
    assert not [path for path in paths if path.startswith(("/volumev3", "/load-balancer"))]
    parameters = {path: found for _, path, found in cloud.asked}
    assert parameters["/image/v2/images"]["name"] == ['in:"debian-12"']
    assert parameters["/network/v2.0/floatingips"]["project_id"] == ["project-id"]
    servers = [found for _, path, found in cloud.asked if path == "/compute/servers"]
    assert [servers[0]["tags"], servers[1]["name"]] == [["openstack-paas:dev"], ["^dev-"]]


def test_a_long_listing_is_read_page_by_page(cloud: FakeCloud) -> None:
    flavors = [{"id": f"f{i}", "name": f"m{i}", "vcpus": 1, "ram": 1, "disk": 1} for i in range(7)]
    cloud.answers["/compute/flavors/detail"] = {"flavors": flavors}
    cloud.page = 3
    found = facts(cloud, platform())
    assert [flavor.name for flavor in found.flavors or ()] == [f"m{i}" for i in range(7)]
    markers = [parameters.get("marker") for _, path, parameters in cloud.asked if path == "/compute/flavors/detail"]
    assert markers == [None, ["f2"], ["f5"]]


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (403, "this user is not allowed to ask"),
        (404, "the service does not know this request (404)"),
        (500, "the service failed with 500"),
    ],
)
def test_a_question_that_fails_is_unknown(cloud: FakeCloud, status: int, reason: str) -> None:
    cloud.statuses["/compute/os-availability-zone"] = status
    found = facts(cloud, platform())
    assert found.zones is None
    assert found.unknown == (Unknown("availability zones", reason),)
    assert found.flavors


def test_a_service_that_is_not_in_the_catalog(cloud: FakeCloud) -> None:
    cloud.services = ("compute", "network")
    found = facts(cloud, platform())
    assert found.unknown == (Unknown("images", "the cloud's catalog has no such service"),)


def test_a_slow_service_does_not_hold_up_the_others(cloud: FakeCloud) -> None:
    cloud.delays["/network/v2.0/subnets"] = 7
    began = time.monotonic()
    # Long enough for the others to answer on a busy machine.
    found = facts(cloud, platform(), seconds=3)
    assert time.monotonic() - began < 5
    assert found.subnets is None
    assert found.unknown == (Unknown("subnets", "no answer within 3 s"),)
    assert found.flavors and found.networks


def test_questions_go_side_by_side(cloud: FakeCloud) -> None:
    cloud.delays = dict.fromkeys(ANSWERS, 0.2)
    began = time.monotonic()
    assert facts(cloud, platform()).unknown == ()
    assert time.monotonic() - began < 2


def test_server_groups_are_listed_only_where_the_quota_is_tight(cloud: FakeCloud) -> None:
    absolute = cloud.answers["/compute/limits"]["limits"]["absolute"]
    cloud.answers["/compute/limits"] = {
        "limits": {"absolute": {**absolute, "maxServerGroups": 10, "totalServerGroupsUsed": 7}}
    }
    found = facts(cloud, platform())
    assert [one.name for one in found.existing if one.kind == "server group"] == ["dev-etcd"]


def test_names_of_images_are_read_only_when_one_is_missing(cloud: FakeCloud) -> None:
    facts(cloud, platform())
    assert len([path for _, path, _ in cloud.asked if path == "/image/v2/images"]) == 1
    found = facts(cloud, platform(etcd={"image": "debian-99"}))
    assert found.image_names == ("debian-12",)


def test_the_offer_without_a_platform(cloud: FakeCloud) -> None:
    found = facts(cloud, None)
    assert found.existing == ()
    assert found.images and found.volume_types and found.load_balancer_providers
    assert not [path for _, path, _ in cloud.asked if path.startswith(("/compute/servers", "/network/v2.0/ports"))]
