"""What holds for the bundles of all roles: no secret in the open, every file that scripts name is there."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from machines.common.agent_command import AgentCommand
from machines.common.bundle import Bundle, settings_file
from machines.common.packages import COPY_PACKAGES, package_files, package_settings, role_packages
from machines.common.templates import MACHINES, read_script
from machines.kubernetes.containerd import containerd_files
from machines.kubernetes.kubeadm import taint
from tests.unit.machines import samples

BUNDLES: dict[str, Any] = {
    **{
        f"{role}-{name}": samples.bundle(samples.stack(name), role)
        for role in samples.BUNDLES
        for name in samples.STACKS
    },
    **{
        f"{role}-{name}": samples.bundle(samples.variant(name), role)
        for name, (roles, _) in samples.VARIANTS.items()
        for role in roles
    },
    "image": samples.image(),
}
#: Roles that have not gone over to the agent.
SHELL = [name for name, bundle in BUNDLES.items() if isinstance(bundle, Bundle)]
SCRIPTS = sorted(str(path.relative_to(MACHINES)) for path in MACHINES.rglob("*.sh"))


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_lose_their_comments_and_nothing_else(name: str, tmp_path: Path) -> None:
    script, short = MACHINES / name, tmp_path / "short.sh"
    short.write_text(read_script(name))
    assert not [line for line in short.read_text().splitlines()[1:] if line.lstrip().startswith("#")]

    def parsed(path: Path) -> str:
        """As bash writes down what it has read."""
        written = subprocess.run(["bash", "--pretty-print", path], text=True, capture_output=True, check=True).stdout
        # A comment leaves an empty line there.
        return re.sub(r"\n+", "\n", written)

    assert parsed(short) == parsed(script)


@pytest.mark.parametrize("name", BUNDLES)
def test_no_secret_outside_secret_files(name: str) -> None:
    bundle = BUNDLES[name]
    assert samples.SECRET not in bundle.script()
    for file in samples.entries(bundle):
        if not file.secret:
            assert samples.SECRET not in file.content, file.path
        else:
            assert file.mode & 0o077 == 0, f"{file.path} is a secret for all to read"


@pytest.mark.parametrize("role", samples.BUNDLES)
def test_bundles_are_deterministic(role: str) -> None:
    first, second = (samples.bundle(samples.stack("prod"), role) for _ in range(2))
    assert first.archive() == second.archive()


@pytest.mark.parametrize("name", SHELL)
def test_every_file_that_scripts_name_is_in_the_bundle(name: str) -> None:
    """`$folder/x` in the role's scripts must exist, or converge would fail on a machine only."""
    bundle = BUNDLES[name]
    paths = {file.path for file in bundle.files}
    # components/role.py adds the keys to every step.
    optional = {"files/login-keys"} | ({"files/service-proxy.conf"} if name == "image" else set())
    if bundle.step == "worker":
        # registration.sh asks whether this is a control plane.
        optional |= {"files/init.yaml"}
    scripts = {read_script(script) for script in SCRIPTS}
    for file in bundle.files:
        if file.content not in scripts or file.path.startswith("files/"):
            continue
        for word in file.content.replace('"', " ").replace(")", " ").split():
            path = word.removeprefix("$folder/")
            if path != word and "$" not in path and "*" not in path:
                assert path in paths | optional, f"{file.path} uses {path}"


@pytest.mark.parametrize("name", SHELL)
def test_every_part_that_scripts_source_is_in_the_bundle(name: str) -> None:
    files = BUNDLES[name].files
    loops = [line for file in files for line in file.content.splitlines() if line.startswith("for part in ")]
    assert loops, "converge sources its parts in a loop"
    for line in loops:
        parts = line.removeprefix("for part in ").partition(";")[0].split()
        assert {f"{part}.sh" for part in parts} <= {file.path for file in files}


def test_control_plane_has_the_shared_keys_and_no_other_role_has() -> None:
    keys = {"pki/ca.key", "pki/front-proxy-ca.key", "pki/sa.key"}
    for name in SHELL:
        bundle = BUNDLES[name]
        assert keys & {file.path for file in bundle.files} == (keys if bundle.step == "control-plane" else set()), name


def test_kubeadm_documents() -> None:
    platform = samples.stack("lab")
    files = samples.files(samples.bundle(platform, "control-plane"))
    init, cluster, kubelet, kube_proxy = yaml.safe_load_all(files["files/init.yaml"])
    assert {document["apiVersion"] for document in (init, cluster)} == {"kubeadm.k8s.io/v1beta4"}
    assert cluster["kubernetesVersion"] == f"v{platform.settings.kubernetes.version}"
    assert cluster["etcd"]["external"]["endpoints"][0] == "https://10.20.0.16:2379"
    assert kubelet["cgroupDriver"] == "systemd"
    assert kubelet["failCgroupV1"] is False
    assert kubelet["maxPods"] == 110
    assert kube_proxy["conntrack"]["maxPerCore"] == 0
    (join,) = yaml.safe_load_all(files["files/join.yaml"])
    assert join["discovery"]["file"]["kubeConfigPath"] == "/opt/openstack-paas/control-plane/bootstrap.conf"
    assert join["controlPlane"]["localAPIEndpoint"] == {"advertiseAddress": "10.20.0.23", "bindPort": 6443}


def test_a_worker_keeps_its_own_balancer_and_a_control_plane_the_virtual_address() -> None:
    platform = samples.stack("prod")
    worker, control_plane = (samples.files(samples.bundle(platform, role)) for role in ("worker", "control-plane"))
    assert "server: https://127.0.0.1:6443" in worker["bootstrap.conf"]
    assert "server: https://10.20.0.5:6443" in control_plane["bootstrap.conf"]
    assert "ENDPOINT=127.0.0.1:6443\n" in worker["settings.sh"]


def test_every_worker_s_balancer_has_all_control_planes_that_may_be() -> None:
    balancer = samples.files(samples.bundle(samples.stack("prod"), "worker"))["files/haproxy.cfg"]
    assert re.findall(r"^ +server (\S+) (\S+)$", balancer, re.MULTILINE) == [
        (f"prod-control-plane-{index}", f"10.20.0.{23 + index}:6443") for index in range(9)
    ]


@pytest.mark.parametrize("text", ["", "key", "key=value", "key=value:Never", "=value:NoSchedule"])
def test_taints_are_checked(text: str) -> None:
    with pytest.raises(ValueError, match="a taint reads"):
        taint(text)


def test_no_function_is_defined_twice() -> None:
    """In two files that one process sources, the later one would be called by both."""
    owners: dict[str, list[str]] = {}
    for name in SCRIPTS:
        for function in re.findall(r"^(\w+)\(\)", read_script(name), re.MULTILINE):
            owners.setdefault(function, []).append(name)
    assert owners["log"] == ["common/lib.sh"]
    assert {function: names for function, names in owners.items() if len(names) > 1} == {}


def test_a_lone_gateway_has_no_peers() -> None:
    table = samples.files(samples.bundle(samples.variant("alone"), "gateway"))["files/firewall.nft"]
    assert "protocol 112" not in table
    assert "protocol 112" in samples.files(samples.bundle(samples.stack("prod"), "gateway"))["files/firewall.nft"]


@pytest.mark.parametrize("role", samples.BUNDLES)
def test_the_metadata_address_is_closed_on_every_machine(role: str) -> None:
    bundle = samples.bundle(samples.stack("dev"), role)
    by_agent = isinstance(bundle, AgentCommand)
    table = bundle.state.machine.firewall.table if by_agent else samples.files(bundle)["files/firewall.nft"]
    assert table.count("ip daddr 169.254.169.254") == 2


def test_the_lab_s_image_has_what_the_lab_s_machines_install() -> None:
    """Whatever differs would be written, or installed, again on each machine of that image."""
    settings = samples.stack("lab").settings
    image = samples.files(BUNDLES["image"])
    for file in (*package_files(settings), *containerd_files(settings)):
        assert image[file.path] == file.content, file.path
    wanted = [*role_packages(settings, gateway=True, etcd=True, node=True), *COPY_PACKAGES]
    assert image["settings.sh"] == settings_file(package_settings(settings, wanted)).content
