"""A machine whose disk holds somebody's data is replaced only where the settings say so; the cluster must answer."""

import json
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from components.kubeconfig import kubeconfig_text
from preflight import claims
from preflight.run import run
from settings.load import parse
from settings.platform import Platform
from settings.problem import SettingsError
from settings.running import Form, Running

WORKER = "lab-worker-general-0"
OTHER = "lab-worker-general-1"


@dataclass
class Api:
    """A Kubernetes API that wants a client certificate. What it answers, and how."""

    kubeconfig: str = ""
    claims: list[dict[str, Any]] = field(default_factory=list)
    volumes: list[dict[str, Any]] = field(default_factory=list)
    status: int = 200
    delay: float = 0
    text: str = ""
    asked: list[str] = field(default_factory=list)


def volume(name: str, node: str, claim: str = "", **spec: Any) -> dict[str, Any]:
    """A volume of the local-path provisioner."""
    rule = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    affinity = {"required": {"nodeSelectorTerms": [{"matchExpressions": [rule]}]}}
    reference = {"claimRef": {"namespace": "shop", "name": claim, "uid": f"uid-{claim}"}} if claim else {}
    return {
        "metadata": {"name": name},
        "spec": {"nodeAffinity": affinity, "persistentVolumeReclaimPolicy": "Delete", **reference, **spec},
        "status": {"phase": "Bound"},
    }


def claim(name: str, **metadata: Any) -> dict[str, Any]:
    """A claim."""
    return {"metadata": {"name": name, "namespace": "shop", "uid": f"uid-{name}", **metadata}}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A certificate of 127.0.0.1 that signs itself, and its key: authority, server and client at once."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    folder = tmp_path_factory.mktemp("pair")
    (folder / "both.pem").write_bytes(made.public_bytes(Encoding.PEM) + private)
    return made.public_bytes(Encoding.PEM).decode(), private.decode()


@pytest.fixture
def api(pair: tuple[str, str], tmp_path: Path) -> Iterator[Api]:
    """Serves it on loopback."""
    certificate, key = pair
    (tmp_path / "both.pem").write_text(certificate + key)
    made = Api()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            made.asked.append(self.path)
            time.sleep(made.delay)
            found = {"persistentvolumeclaims": made.claims, "persistentvolumes": made.volumes}
            text = made.text or json.dumps({"items": found[self.path.rpartition("/")[2]]})
            try:
                self.send_response(made.status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())
            except OSError:
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=certificate)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    made.kubeconfig = kubeconfig_text("lab", f"https://127.0.0.1:{server.server_port}", certificate, certificate, key)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()


def two_workers(kubeconfig: str, zone: str = "zone-1") -> Running:
    """Two workers in a zone."""
    return Running(
        instances={WORKER: "id-0", OTHER: "id-1"},
        forms={name: Form(flavor="m1.large", zone=zone) for name in (WORKER, OTHER)},
        kubeconfig=kubeconfig,
    )


def planned(running: Running, pool: dict[str, Any] | None = None, **rollout: Any) -> Platform:
    """Both are to be in another zone, the first of them now."""
    general = {"count": 2, "availabilityZones": ["zone-2"], **(pool or {})}
    values = {"workers": {"general": general}, "rollout": {"replace": [WORKER], **rollout}}
    return parse({"preset": "dev", **values}, "lab", running)


def reported(running: Running, seconds: float = 5, **rollout: Any) -> list[str]:
    """The problems of a platform on `running`."""
    return [str(problem) for problem in claims.problems(planned(running, **rollout), running, seconds)]


def test_a_claimed_volume_on_the_disk_is_a_refusal_that_names_it(api: Api) -> None:
    api.claims = [claim("data"), claim("elsewhere")]
    api.volumes = [volume("pv-1", WORKER, "data"), volume("pv-2", OTHER, "elsewhere")]
    assert reported(two_workers(api.kubeconfig)) == [
        f"rollout.replace {WORKER}: its disk holds data that is nowhere else: shop/data (volume pv-1); move it "
        "(docs/scaling.md), or name the machine in rollout.loseVolumes: the data is lost then"
    ]
    assert api.asked == ["/api/v1/persistentvolumeclaims", "/api/v1/persistentvolumes"]


def test_volumes_that_may_be_lost_are_not_asked_about(api: Api) -> None:
    api.claims, api.volumes = [claim("data")], [volume("pv-1", WORKER, "data")]
    assert reported(two_workers(api.kubeconfig), loseVolumes=[WORKER]) == []
    assert api.asked == []


def test_what_is_kept_after_its_claim_counts_and_what_was_given_up_does_not(api: Api) -> None:
    released = {"persistentVolumeReclaimPolicy": "Retain"}
    api.claims = [claim("leaving", deletionTimestamp="2026-01-01T00:00:00Z")]
    api.volumes = [
        volume("given-up", WORKER, "leaving"),
        volume("no-claim", WORKER),
        volume("claim-is-gone", WORKER, "gone"),
        {**volume("kept", WORKER, "old", **released), "status": {"phase": "Released"}},
        volume("anywhere", WORKER, "leaving", nodeAffinity=None),
    ]
    assert claims.volumes(api.kubeconfig, [WORKER, OTHER]) == {WORKER: ["shop/old (volume kept)"], OTHER: []}


def test_a_volume_that_may_be_on_two_nodes_is_on_neither_alone(api: Api) -> None:
    shared = volume("shared", WORKER, "data")
    terms = shared["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    terms.append({"matchFields": [{"key": "metadata.name", "operator": "In", "values": [OTHER]}]})
    api.claims, api.volumes = [claim("data")], [shared]
    assert claims.volumes(api.kubeconfig, [WORKER, OTHER]) == {WORKER: [], OTHER: []}
    terms.pop(0)
    assert claims.volumes(api.kubeconfig, [WORKER, OTHER])[OTHER] == ["shop/data (volume shared)"]


def unanswered(running: Running, seconds: float = 5) -> str:
    """The reason why the cluster could not be asked, which is a refusal."""
    (text,) = reported(running, seconds)
    before, _, rest = text.partition("could not be asked which volumes are on it (")
    assert before.startswith(f"rollout.replace {WORKER}: its disk goes with it")
    reason, _, fix = rest.partition("); ")
    assert fix.endswith("name it in rollout.loseVolumes: everything on it is lost then")
    return reason


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"status": 403}, "/api/v1/persistentvolumeclaims: 403 Forbidden"),
        ({"text": "<html>"}, "/api/v1/persistentvolumeclaims: the answer is not a listing"),
        ({"text": '{"items": {}}'}, "/api/v1/persistentvolumeclaims: the answer is not a listing"),
        ({"text": '{"items": [{}]}'}, "its answer is not a list of volumes and claims"),
        ({"text": '{"items": [1]}'}, "its answer is not a list of volumes and claims"),
        ({"delay": 5}, "no answer within 0 s"),
    ],
)
def test_no_good_answer_is_no_permission(api: Api, change: dict[str, Any], reason: str) -> None:
    for name, value in change.items():
        setattr(api, name, value)
    began = time.monotonic()
    assert unanswered(two_workers(api.kubeconfig), 0.4 if api.delay else 5) == reason
    assert time.monotonic() - began < 3


def test_nobody_there_or_no_kubeconfig_is_no_permission(pair: tuple[str, str]) -> None:
    certificate, key = pair
    nobody = kubeconfig_text("lab", "https://127.0.0.1:9", certificate, certificate, key)
    assert unanswered(two_workers(nobody)).startswith("127.0.0.1:9: ")
    assert unanswered(two_workers("")) == "the stack's outputs have no kubeconfig"
    secret = nobody.replace('"client-key-data"', '"client-key"')
    assert unanswered(two_workers(secret)) == "the kubeconfig among the stack's outputs cannot be used"
    assert unanswered(two_workers("no: [yaml")) == "the kubeconfig among the stack's outputs cannot be used"


def test_nothing_is_asked_where_no_disk_goes(api: Api) -> None:
    running = two_workers(api.kubeconfig)
    same = replace(running, forms={name: Form(flavor="m1.large", zone="zone-2") for name in (WORKER, OTHER)})
    resized = replace(running, forms={name: Form(flavor="m1.small", zone="zone-2") for name in (WORKER, OTHER)})
    with_volume = planned(running, {"volume": {"sizeGib": 20}})
    assert claims.endangered(planned(same)) == claims.endangered(planned(resized)) == []
    assert claims.endangered(with_volume) == claims.problems(with_volume, running) == []
    assert [machine.hostname for machine in claims.endangered(planned(running))] == [WORKER]
    assert api.asked == []


def test_the_preflight_refuses_even_where_the_cloud_may_stay_unasked(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENSTACK_PAAS_PREFLIGHT", "optional")
    running = two_workers(api.kubeconfig)
    nowhere = {"authUrl": "http://127.0.0.1:9/v3", "userName": "a", "password": "b", "tenantName": "c"}
    assert run(planned(running), running, nowhere, is_preview=True).warnings
    api.claims, api.volumes = [claim("data")], [volume("pv-1", WORKER, "data")]
    with pytest.raises(SettingsError, match="shop/data") as caught:
        run(planned(running), running, nowhere, is_preview=True)
    assert len(caught.value.problems) == 1
