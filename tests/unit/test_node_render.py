"""What lands on machines, compared with golden files. UPDATE_GOLDEN=1 writes them anew."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from node import kubeadm, render
from node.bundle import Bundle, File
from node.kubeadm import join_configuration
from node.leave import leave_script
from node.specs import Kubelet
from node.templates import NODE, read_script, read_unit
from tests.unit import node_samples as samples

GOLDEN = Path(__file__).parent / "golden" / "node"


BUNDLES: dict[str, Callable[[], Bundle]] = {
    "gateway": lambda: render.gateway(samples.gateway_spec()),
    "etcd": lambda: render.etcd(samples.etcd_spec()),
    "control-plane": lambda: render.control_plane(samples.control_plane_spec()),
    "worker": lambda: render.worker(samples.worker_spec()),
    "image": lambda: render.install(samples.install_spec()),
}
#: Other machines of a role, by the folder of their golden files, which has only what differs from the usual machine.
VARIANTS: dict[str, tuple[str, Callable[[], Bundle]]] = {
    "gateway-without-public-vip": (
        "gateway",
        lambda: render.gateway(dataclasses.replace(samples.gateway_spec(), public_vip="")),
    ),
    "gateway-alone": (
        "gateway",
        lambda: render.gateway(dataclasses.replace(samples.gateway_spec(), peers=(), edge_peers=())),
    ),
    "gateway-on-provider-network": (
        "gateway",
        lambda: render.gateway(dataclasses.replace(samples.gateway_spec(), edge_is_open=True)),
    ),
    "gateway-beside-load-balancer": (
        "gateway",
        lambda: render.gateway(
            dataclasses.replace(samples.gateway_spec(), api_backends=(), load_balancer="10.20.0.6"),
        ),
    ),
    "etcd-with-copies": ("etcd", lambda: render.etcd(samples.etcd_spec(number=1, backups=samples.BACKUPS))),
    "etcd-without-backups": ("etcd", lambda: render.etcd(samples.etcd_spec(backups=None))),
    "etcd-with-volume": ("etcd", lambda: render.etcd(samples.etcd_spec(volume=samples.VOLUME))),
    "worker-with-volume": (
        "worker",
        lambda: render.worker(dataclasses.replace(samples.worker_spec(), volume=samples.VOLUME)),
    ),
}
_AS_THEY_STAND = {
    read(path.name)
    for folder, read in (("scripts", read_script), ("units", read_unit))
    for path in (NODE / folder).iterdir()
} | {read_script("edge-route.sh", comments=True)}


def _compare(path: Path, content: str) -> None:
    """The content against its golden file, or into it."""
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    assert path.exists(), f"{path} is missing: UPDATE_GOLDEN=1 writes it"
    assert content == path.read_text(), f"differs from {path}; if it is meant to, UPDATE_GOLDEN=1 writes it anew"


@pytest.mark.parametrize("step", BUNDLES)
def test_rendered_files(step: str) -> None:
    bundle = BUNDLES[step]()
    assert bundle.step == step
    rendered = [file for file in bundle.files if file.content and file.content not in _AS_THEY_STAND]
    for file in rendered:
        _compare(GOLDEN / step / file.path, file.content)
    if os.environ.get("UPDATE_GOLDEN"):
        return
    expected = {str(path.relative_to(GOLDEN / step)) for path in (GOLDEN / step).rglob("*") if path.is_file()}
    assert expected == {file.path for file in rendered}, "golden files that nothing renders"


@pytest.mark.parametrize("variant", VARIANTS)
def test_rendered_files_of_variants(variant: str) -> None:
    role, make = VARIANTS[variant]
    usual = {(file.path, file.content) for file in BUNDLES[role]().files}
    rendered = [f for f in make().files if f.content not in _AS_THEY_STAND and (f.path, f.content) not in usual]
    assert rendered
    for file in rendered:
        _compare(GOLDEN / variant / file.path, file.content)
    kept = {str(path.relative_to(GOLDEN / variant)) for path in (GOLDEN / variant).rglob("*") if path.is_file()}
    assert kept == {file.path for file in rendered}, "golden files that nothing renders"


def test_command_text() -> None:
    files = (File("converge", "true\n", 0o755), File("pki/key", "x", 0o600, secret=True))
    bundle = Bundle("sample", files, limit_seconds=60)
    _compare(GOLDEN / "command.sh", bundle.script())


def test_leave() -> None:
    """It may be called by the command of an earlier release: the path and the arguments' order stay."""
    text = leave_script("worker-1", "10.20.1.10:6443", 300, "refuse")
    _compare(GOLDEN / "command-leave.sh", text)
    assert "/opt/openstack-paas/gateway/leave.sh worker-1 10.20.1.10:6443 300 refuse\n" in text
    assert {"leave.sh", "drain.sh", "lib.sh", "ca.crt"} <= {file.path for file in BUNDLES["gateway"]().files}


@pytest.mark.parametrize("script", sorted((NODE / "scripts").glob("*.sh")), ids=lambda path: path.name)
def test_scripts_lose_their_comments_and_nothing_else(script: Path, tmp_path: Path) -> None:
    short = tmp_path / script.name
    short.write_text(read_script(script.name))
    assert not [line for line in short.read_text().splitlines()[1:] if line.lstrip().startswith("#")]

    def parsed(path: Path) -> str:
        """As bash writes down what it has read."""
        written = subprocess.run(["bash", "--pretty-print", path], text=True, capture_output=True, check=True).stdout
        # A comment leaves an empty line there.
        return re.sub(r"\n+", "\n", written)

    assert parsed(short) == parsed(script)


@pytest.mark.parametrize("edge", [True, False])
def test_user_data(edge: bool) -> None:
    """A change here replaces machines: the golden file is to make that a decision."""
    text = render.user_data(samples.user_data_spec(edge=edge))
    _compare(GOLDEN / f"user-data-{'gateway' if edge else 'other'}.yaml", text)
    config = yaml.safe_load(text)
    assert text.startswith("#cloud-config\n")
    assert config["ssh_deletekeys"] is True
    assert ("write_files" in config) is edge


def test_user_data_refuses_half_an_edge() -> None:
    spec = dataclasses.replace(samples.user_data_spec(), edge_cidr="")
    with pytest.raises(ValueError, match="belong together"):
        render.user_data(spec)


@pytest.mark.parametrize("step", BUNDLES)
def test_no_secret_outside_secret_files(step: str) -> None:
    bundle = BUNDLES[step]()
    assert samples.SECRET not in bundle.script()
    for file in bundle.files:
        if not file.secret:
            assert samples.SECRET not in file.content, file.path
        else:
            assert file.mode & 0o077 == 0, f"{file.path} is a secret for all to read"


@pytest.mark.parametrize("step", BUNDLES)
def test_bundles_are_deterministic(step: str) -> None:
    assert BUNDLES[step]().archive() == BUNDLES[step]().archive()


@pytest.mark.parametrize("step", [*BUNDLES, *VARIANTS])
def test_every_file_that_scripts_name_is_in_the_bundle(step: str) -> None:
    """`$folder/x` in the role's scripts must exist, or converge would fail on a machine only."""
    bundle = (BUNDLES.get(step) or VARIANTS[step][1])()
    paths = {file.path for file in bundle.files}
    # components/step.py adds the keys to every step.
    optional = {"files/login-keys"} | ({"files/service-proxy.conf"} if step == "image" else set())
    # registration.sh looks whether it is there: the cluster's configuration is a control plane's to write.
    optional |= {"files/init.yaml"} if step.startswith("worker") else set()
    if step.startswith("worker"):
        # registration.sh asks whether this is a control plane.
        optional |= {"files/init.yaml"}
    for file in bundle.files:
        if file.content not in _AS_THEY_STAND or file.path.startswith("files/"):
            continue
        for word in file.content.replace('"', " ").replace(")", " ").split():
            path = word.removeprefix("$folder/")
            if path != word and "$" not in path and "*" not in path:
                assert path in paths | optional, f"{file.path} uses {path}"


@pytest.mark.parametrize("step", BUNDLES)
def test_every_part_that_scripts_source_is_in_the_bundle(step: str) -> None:
    files = BUNDLES[step]().files
    loops = [line for file in files for line in file.content.splitlines() if line.startswith("for part in ")]
    assert loops, "converge sources its parts in a loop"
    for line in loops:
        parts = line.removeprefix("for part in ").partition(";")[0].split()
        assert {f"{part}.sh" for part in parts} <= {file.path for file in files}


def test_control_plane_has_the_shared_keys_and_no_other_role_has() -> None:
    keys = {"pki/ca.key", "pki/front-proxy-ca.key", "pki/sa.key"}
    assert keys <= {file.path for file in BUNDLES["control-plane"]().files}
    for step in ("gateway", "etcd", "worker", "image"):
        assert not keys & {file.path for file in BUNDLES[step]().files}


def test_kubeadm_documents() -> None:
    files = {file.path: file.content for file in BUNDLES["control-plane"]().files}
    init, cluster, kubelet, kube_proxy = yaml.safe_load_all(files["files/init.yaml"])
    assert {document["apiVersion"] for document in (init, cluster)} == {"kubeadm.k8s.io/v1beta4"}
    assert cluster["kubernetesVersion"] == "v1.34.2"
    assert cluster["etcd"]["external"]["endpoints"][0] == "https://10.20.1.20:2379"
    assert kubelet["cgroupDriver"] == "systemd"
    assert kubelet["failCgroupV1"] is False
    assert kube_proxy["conntrack"] == {"maxPerCore": 0}
    (join,) = yaml.safe_load_all(files["files/join.yaml"])
    assert join["discovery"]["file"]["kubeConfigPath"] == "/opt/openstack-paas/control-plane/bootstrap.conf"
    assert join["controlPlane"]["localAPIEndpoint"] == {"advertiseAddress": "10.20.1.30", "bindPort": 6443}


@pytest.mark.parametrize("taint", ["", "key", "key=value", "key=value:Never", "=value:NoSchedule"])
def test_taints_are_checked(taint: str) -> None:
    with pytest.raises(ValueError, match="a taint reads"):
        join_configuration(samples.base(samples.WORKERS[0]), Kubelet(taints=(taint,)), "worker")


@pytest.mark.parametrize("step", BUNDLES)
def test_no_part_of_a_role_s_script_takes_another_part_s_place(step: str) -> None:
    """Functions of the same name in two files that one process sources: the later one would be called by both."""
    owners: dict[str, list[str]] = {}
    parts = {
        path.name for path in (NODE / "scripts").iterdir() if path.read_text().startswith("# shellcheck shell=bash")
    }
    for file in BUNDLES[step]().files:
        if file.path == "converge" or file.path in parts:
            for name in re.findall(r"^(\w+)\(\)", file.content, re.MULTILINE):
                owners.setdefault(name, []).append(file.path)
    # A control plane has more to guard than a worker, and says so in a part of its own.
    assert owners.pop("log") == ["lib.sh"]
    owners.pop("guard_cluster", None)
    assert {name: paths for name, paths in owners.items() if len(paths) > 1} == {}


def test_gateway_without_peers_and_backends() -> None:
    spec = dataclasses.replace(samples.gateway_spec(), peers=(), edge_peers=(), ingress_backends=(), ssh_cidrs=())
    files = {file.path: file.content for file in render.gateway(spec).files}
    assert "protocol 112" not in files["files/firewall.nft"]
    assert "dport 22" not in files["files/firewall.nft"]
    assert "bind *:80" not in files["files/haproxy.cfg"]


def test_metadata_guard_can_be_left_open_on_request_only() -> None:
    spec = samples.worker_spec()
    opened = dataclasses.replace(spec, base=dataclasses.replace(spec.base, metadata_open=True))
    guarded_table = {file.path: file.content for file in render.worker(spec).files}["files/firewall.nft"]
    open_table = {file.path: file.content for file in render.worker(opened).files}["files/firewall.nft"]
    assert "ip daddr 169.254.169.254" in guarded_table
    assert "169.254.169.254" not in open_table


@pytest.mark.parametrize("role", ["control-plane", "worker"])
def test_both_of_yamls_writers_say_the_same(role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise nodes would change with the machine that previews: PyYAML without libyaml has the slow one alone."""
    fast = {file.path: file.content for file in BUNDLES[role]().files}
    assert kubeadm.DUMPER is yaml.CSafeDumper
    monkeypatch.setattr(kubeadm, "DUMPER", yaml.SafeDumper)
    assert {file.path: file.content for file in BUNDLES[role]().files} == fast
