"""What lands on machines of whole stacks, compared with golden archives; `make golden` writes them again.

An archive lists every value of a desired state. Units and manifests that are files of machines/ have no content in it.
Archives of other stacks than production hold only what differs from that one.
"""

import os
from dataclasses import asdict
from pathlib import Path

import pytest
import yaml

from machines.common.agent_command import AgentCommand
from machines.kubernetes import kubeadm
from machines.kubernetes.cluster_commands import kube_proxy_command, leave_command, nodes_command
from machines.user_data import user_data
from settings.platform import Platform
from tests.unit.machines import samples

GOLDEN = Path(__file__).parent / "golden"
USUAL = "prod"


def _entry(file: samples.Part) -> str:
    """One file of an archive."""
    head = f"==> {file.path} {'(secret) ' if file.secret else ''}"
    if file.content and "\n" not in file.content:
        return f"{head}: {file.content}\n"
    if not file.content:
        return f"{head} (empty)\n"
    if file.content in samples.SOURCES:
        return f"{head} = machines/{samples.SOURCES[file.content]}\n"
    return f"{head}\n{file.content}" + ("" if file.content.endswith("\n") else "\n(no newline at the end)\n")


def _entries(step: AgentCommand) -> dict[str, str]:
    return {file.path: _entry(file) for file in sorted(samples.entries(step), key=lambda file: file.path)}


def _compare(name: str, content: str) -> None:
    """The content against its golden file, or into it."""
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    assert path.exists(), f"{path} is missing: `make golden` writes it"
    assert content == path.read_text(encoding="utf-8"), f"differs from {path}; if that is intended: `make golden`"


def _cases() -> dict[str, tuple[str, Platform]]:
    """The archives by file name: the role, and the stack."""
    stacks = {f"{role}-{name}.txt": (role, samples.stack(name)) for role in samples.COMMANDS for name in samples.STACKS}
    variants = {
        f"{role}-{name}.txt": (role, samples.variant(name))
        for name, (roles, _) in samples.VARIANTS.items()
        for role in roles
    }
    return stacks | variants


CASES = _cases()


@pytest.mark.parametrize("name", CASES)
def test_archives(name: str) -> None:
    role, platform = CASES[name]
    entries = _entries(samples.command(platform, role))
    if name == f"{role}-{USUAL}.txt":
        return _compare(name, "".join(entries.values()))
    usual = _entries(samples.command(samples.stack(USUAL), role))
    gone = [f"==> {path} is not there\n" for path in usual if path not in entries]
    differ = [entry for path, entry in entries.items() if usual.get(path) != entry]
    assert differ, "the variant is none for this role"
    return _compare(name, "".join([*gone, *differ]))


def test_commands_of_a_control_plane() -> None:
    """A node leaves by what an earlier release has recorded: the agent of a later one has to understand it."""
    platform = samples.stack(USUAL)
    _compare("command-leave.sh", leave_command(platform, "prod-worker-general-1").script())
    _compare("command-kube-proxy.sh", kube_proxy_command(platform).script())
    _compare("command-nodes.sh", nodes_command(platform).script())
    departure = leave_command(platform, "prod-worker-general-1", "kept").state
    assert asdict(departure) == {
        "node": "prod-worker-general-1",
        "drain_seconds": 300,
        "bare_pods": "refuse",
        "data": "kept",
    }


@pytest.mark.parametrize("role", ["gateway", "other"])
def test_user_data(role: str) -> None:
    """A change here replaces machines: the golden file is to make that a decision."""
    platform = samples.stack(USUAL)
    planned = (platform.plan.gateways if role == "gateway" else platform.plan.etcd)[0]
    key = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{samples.SECRET}\n-----END OPENSSH PRIVATE KEY-----\n"
    text = user_data(platform, planned, key, "ssh-ed25519 AAAA made-up")
    _compare(f"user-data-{role}.yaml", text)
    config = yaml.safe_load(text)
    assert text.startswith("#cloud-config\n")
    assert config["ssh_deletekeys"] is True
    assert ("write_files" in config) is (role == "gateway")


@pytest.mark.parametrize("role", ["control-plane", "worker"])
def test_both_yaml_writers_give_the_same(role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise nodes would differ with the machine that previews: PyYAML without libyaml has only the slow writer."""
    fast = _entries(samples.command(samples.stack(USUAL), role))
    assert kubeadm.DUMPER is yaml.CSafeDumper
    monkeypatch.setattr(kubeadm, "DUMPER", yaml.SafeDumper)
    assert _entries(samples.command(samples.stack(USUAL), role)) == fast


def test_there_is_no_golden_file_that_nothing_renders() -> None:
    others = {
        "command-leave.sh",
        "command-kube-proxy.sh",
        "command-nodes.sh",
        "user-data-gateway.yaml",
        "user-data-other.yaml",
    }
    assert {path.name for path in GOLDEN.iterdir()} == {*CASES, *others}
