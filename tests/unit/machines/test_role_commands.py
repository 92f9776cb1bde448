"""What holds for the steps of all roles: no secret in the open, the agent reads what the program writes."""

import re
from typing import Any

import pytest
import yaml

from agent import desired
from agent.__main__ import find_command
from machines.common.packages import COPY_PACKAGES, desired_packages, role_packages
from machines.kubernetes.containerd import desired_containerd
from machines.kubernetes.kubeadm import taint
from tests.unit.machines import samples

COMMANDS: dict[str, Any] = {
    **{
        f"{role}-{name}": samples.command(samples.stack(name), role)
        for role in samples.COMMANDS
        for name in samples.STACKS
    },
    **{
        f"{role}-{name}": samples.command(samples.variant(name), role)
        for name, (roles, _) in samples.VARIANTS.items()
        for role in roles
    },
}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_agent_reads_what_the_program_writes(name: str) -> None:
    made = COMMANDS[name]
    command = find_command(made.command, made.role)
    assert command
    assert desired.load(command.state, desired.unpack(made.standard_input().encode())) == made.state


@pytest.mark.parametrize("name", COMMANDS)
def test_no_secret_outside_secret_files(name: str) -> None:
    step = COMMANDS[name]
    assert samples.SECRET not in step.script()
    for file in samples.entries(step):
        assert file.secret or samples.SECRET not in file.content, file.path


@pytest.mark.parametrize("role", samples.COMMANDS)
def test_steps_are_deterministic(role: str) -> None:
    first, second = (samples.command(samples.stack("prod"), role) for _ in range(2))
    assert first.standard_input() == second.standard_input()


def test_control_plane_has_the_shared_keys_and_no_other_role_has() -> None:
    keys = {samples.INPUTS[f"{name}_key"] for name in ("ca", "front_proxy_ca", "service_account")}
    for name, made in COMMANDS.items():
        found = keys & set(samples.files(made).values())
        assert found == (keys if name.startswith("control-plane") else set()), name


def test_only_root_reads_what_a_machine_joins_with() -> None:
    state = samples.command(samples.stack("prod"), "worker").state
    assert state.worker.bootstrap.key
    assert state.worker.bootstrap.key not in repr(state)


def test_kubeadm_documents() -> None:
    platform = samples.stack("lab")
    files = samples.files(samples.command(platform, "control-plane"))
    init, cluster, kubelet, kube_proxy = yaml.safe_load_all(files["control_plane.init_configuration"])
    assert {document["apiVersion"] for document in (init, cluster)} == {"kubeadm.k8s.io/v1beta4"}
    assert cluster["kubernetesVersion"] == f"v{platform.settings.kubernetes.version}"
    assert cluster["etcd"]["external"]["endpoints"][0] == "https://10.20.0.16:2379"
    assert kubelet["cgroupDriver"] == "systemd"
    assert kubelet["failCgroupV1"] is False
    assert kubelet["maxPods"] == 110
    assert kube_proxy["conntrack"]["maxPerCore"] == 0
    (join,) = yaml.safe_load_all(files["control_plane.join_configuration"])
    assert join["discovery"]["file"]["kubeConfigPath"] == "/opt/openstack-paas/control-plane/bootstrap.conf"
    assert join["controlPlane"]["localAPIEndpoint"] == {"advertiseAddress": "10.20.0.23", "bindPort": 6443}


def test_a_worker_keeps_its_own_balancer_and_a_control_plane_the_virtual_address() -> None:
    platform = samples.stack("prod")
    worker, control_plane = (samples.files(samples.command(platform, role)) for role in ("worker", "control-plane"))
    assert "server: https://127.0.0.1:6443" in worker["worker.bootstrap.kubeconfig"]
    assert "server: https://10.20.0.5:6443" in control_plane["control_plane.bootstrap.kubeconfig"]
    assert worker["worker.endpoint"] == "127.0.0.1:6443"


def test_every_worker_s_balancer_has_all_control_planes_that_may_be() -> None:
    balancer = samples.files(samples.command(samples.stack("prod"), "worker"))["worker.balancer"]
    assert re.findall(r"^ +server (\S+) (\S+)$", balancer, re.MULTILINE) == [
        (f"prod-control-plane-{index}", f"10.20.0.{23 + index}:6443") for index in range(9)
    ]


@pytest.mark.parametrize("text", ["", "key", "key=value", "key=value:Never", "=value:NoSchedule"])
def test_taints_are_checked(text: str) -> None:
    with pytest.raises(ValueError, match="a taint reads"):
        taint(text)


def test_a_lone_gateway_has_no_peers() -> None:
    alone, one = samples.command(samples.variant("alone"), "gateway"), samples.command(samples.stack("prod"), "gateway")
    assert alone.state.gateway.balancing.peers == ()
    assert "protocol 112" not in alone.state.machine.firewall.table
    assert "protocol 112" in one.state.machine.firewall.table


@pytest.mark.parametrize("role", samples.COMMANDS)
def test_the_metadata_address_is_closed_on_every_machine(role: str) -> None:
    files = samples.files(samples.command(samples.stack("dev"), role))
    assert files["machine.firewall.table"].count("ip daddr 169.254.169.254") == 2


def test_the_lab_s_image_has_what_the_lab_s_machines_install() -> None:
    """Whatever differs would be written, or installed, again on each machine of that image."""
    settings = samples.stack("lab").settings
    image = samples.image().state
    assert image.containerd == desired_containerd(settings)
    wanted = [*role_packages(settings, gateway=True, etcd=True, node=True), *COPY_PACKAGES]
    assert image.packages == desired_packages(settings, wanted)
