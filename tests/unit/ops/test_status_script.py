"""status.sh, on folders that stand for a machine's: what it tells, what it keeps, and that nothing holds it up."""

import base64
import os
import subprocess
import time
from pathlib import Path

import pytest

from ops.shared.outputs import Machine
from ops.status import certificates, machine_report
from ops.status.collect import SCRIPT
from ops.status.machine_report import MachineReport
from tests.unit.ops import status_samples as samples
from tests.unit.ops.status_samples import DAY, NOW, certificate

KEY = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA\n-----END PRIVATE KEY-----\n"


def run(folder: Path, role: str, **commands: str) -> MachineReport:
    """The script's answers where these commands are other ones."""
    fakes = folder / "fakes"
    fakes.mkdir(exist_ok=True)
    for name, body in {
        "systemctl": "case $* in *LoadState*) echo loaded ;; *) echo active ;; esac",
        **commands,
    }.items():
        (fakes / name).write_text(f"#!/bin/bash\n{body}\n")
        (fakes / name).chmod(0o755)
    environment = {**os.environ, "ROOT": str(folder / "root"), "FAKE_PATH": str(fakes), "LIMIT": "1"}
    words = ["bash", "-s", "--", role]
    done = subprocess.run(
        words, input=SCRIPT.read_text(), capture_output=True, text=True, check=True, timeout=30, env=environment
    )
    assert not done.stderr
    return machine_report.parse(Machine("here", role, "10.0.0.1", "", ""), done.stdout)


def write(folder: Path, path: str, text: str) -> None:
    """A file below the folder that stands for /."""
    file = folder / "root" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_certificates_are_reported_and_keys_are_not(tmp_path: Path) -> None:
    pem = certificate("a node")
    data = base64.b64encode(certificate("an administrator").encode()).decode()
    write(tmp_path, "var/lib/kubelet/pki/kubelet-client-current.pem", KEY + pem + KEY)
    write(
        tmp_path, "etc/kubernetes/admin.conf", f"    client-certificate-data: {data}\n    client-key-data: c2VjcmV0\n"
    )
    write(tmp_path, "etc/kubernetes/kubelet.conf", "    client-certificate: /var/lib/kubelet/pki/current.pem\n")
    report = run(tmp_path, "worker")
    found, problems = certificates.read([report])
    assert [(one.kind, one.subject) for one in found] == [
        ("kubelets", "CN=a node"),
        ("controllers", "CN=an administrator"),
    ]
    assert not problems
    assert "PRIVATE" not in str(report.answers) and "c2VjcmV0" not in str(report.answers)


def test_a_question_that_hangs_or_fails_takes_no_other_with_it(tmp_path: Path) -> None:
    write(tmp_path, "etc/etcd/etcdctl.env", "ETCDCTL_ENDPOINTS=https://10.0.0.1:2379,https://10.0.0.2:2379\n")
    body = (
        'case $* in *status*) sleep 60 ;; *health*) echo "refused" >&2; exit 1 ;; *) echo "$ETCDCTL_ENDPOINTS" ;; esac'
    )
    began = time.monotonic()
    report = run(tmp_path, "etcd", etcdctl=body)
    assert time.monotonic() - began < 10
    assert report.answer("etcd-status").problem == "no answer in time"
    assert report.answer("etcd-health").problem == "refused"
    assert report.answer("etcd-members").text == "https://127.0.0.1:2379", "each tells for itself"
    assert "agent.pyz" in report.answer("backups").problem
    assert machine_report.read_machine(report).services["etcd.service"] == "active"


@pytest.mark.parametrize(
    ("code", "body", "problem"),
    [
        ("500", "[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed", ""),
        ("000", "", "curl: (7) Failed to connect"),
    ],
)
def test_an_api_server_tells_what_fails(tmp_path: Path, code: str, body: str, problem: str) -> None:
    refused = 'echo "curl: (7) Failed to connect" >&2; exit 7'
    report = run(tmp_path, "control-plane", curl=f"printf '%s\\n' '{body}' {code}\n{refused if problem else ''}")
    assert report.answer("api-server").problem == problem
    if not problem:
        assert report.answer("api-server").text == "[-]etcd failed: reason withheld\n500"


def test_a_file_system_is_reported_once(tmp_path: Path) -> None:
    listing = "size avail pcent target\n100 60 40% /\n100 60 40% /var/lib/etcd\n200 20 90% /var/lib/kubelet"
    report = run(tmp_path, "worker", df=f"echo '{listing}'")
    assert machine_report.read_machine(report).disks == {"/": 40, "/var/lib/kubelet": 90}


def test_packages_instance_and_a_restart_that_is_wanted(tmp_path: Path) -> None:
    write(tmp_path, "var/lib/cloud/data/instance-id", "f0ab0ada\n")
    write(tmp_path, "boot/vmlinuz-6.1.0-9-amd64", "")
    write(tmp_path, "boot/vmlinuz-6.1.0-27-amd64", "")
    commands = {"dpkg-query": 'printf "%s 2.0-1\\n" "${@: -2}"', "uname": "echo 6.1.0-27-amd64"}
    report = run(tmp_path, "gateway", **commands)
    assert dict(report.pairs("versions")) == {"haproxy": "2.0-1", "keepalived": "2.0-1"}
    assert report.text("instance").strip() == "f0ab0ada"
    assert not machine_report.read_machine(report).wants_restart
    older = run(tmp_path, "gateway", **commands | {"uname": "echo 6.1.0-9-amd64"})
    assert machine_report.read_machine(older).wants_restart
    write(tmp_path, "run/reboot-required", "")
    assert machine_report.read_machine(run(tmp_path, "gateway", **commands)).wants_restart


def test_a_machine_that_tells_no_instance_is_no_stranger(tmp_path: Path) -> None:
    report = run(tmp_path, "gateway", **{"dpkg-query": "exit 1"})
    assert not machine_report.read_machine(report).stranger
    assert report.text("instance").strip() == ""
    assert report.pairs("versions") == []


def test_a_bundle_of_authorities_and_what_is_due() -> None:
    first, second = certificate("kubernetes"), certificate("kubernetes-2", issuer_name="kubernetes-2")
    served = certificate("kube-apiserver", NOW + 30 * DAY, issuer_name="kubernetes-2")
    text = f"# /etc/kubernetes/pki/ca.crt\n{second}{first}# /etc/kubernetes/pki/apiserver.crt\n{served}"
    machine = samples.platform().role("control-plane")[0]
    report = machine_report.parse(machine, samples.section("certificates", text))
    found, _ = certificates.read([report], NOW + 60 * DAY)
    groups = certificates.by_kind(found)
    assert [(one.generation, one.due) for one in groups["authorities"]] == [("2", False), ("1", False)]
    assert [(one.generation, one.due) for one in groups["API server"]] == [("2", True)]


def test_only_a_workers_way_to_the_api_is_a_service(tmp_path: Path) -> None:
    assert machine_report.read_machine(run(tmp_path, "worker")).services["haproxy.service"] == "active"
    assert "haproxy.service" not in machine_report.read_machine(run(tmp_path, "control-plane")).services
