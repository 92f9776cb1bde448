"""The proof against fakes: it passes on a whole platform, and each fault fails its check with a clear line."""

import json
import re
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from ops import __main__ as command_line
from ops import access
from ops.proof import cli
from ops.proof.checks import Check, Prover
from ops.shared import outputs as stack_outputs
from ops.shared.cluster import ClusterError, Node
from ops.shared.outputs import Machine, Outputs, OutputsError
from ops.shared.ssh import SshError

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHostKey"


def entry(name: str, role: str, address: str, public: str = "") -> dict[str, str]:
    return {
        "name": name,
        "role": role,
        "address": address,
        "instanceId": f"id-of-{name}",
        "hostKeyFingerprint": "SHA256:x",
        "hostKey": HOST_KEY,
        **({"publicAddress": public} if public else {}),
    }


DOCUMENT: dict[str, Any] = {
    "apiEndpoint": "https://203.0.113.9:6443",
    "kubeconfig": "secret-kubeconfig",
    "sshPrivateKey": "secret-key",
    "sshUser": "debian",
    "inventory": [
        entry("paas-gateway-0", "gateway", "10.0.0.12", "203.0.113.10"),
        entry("paas-gateway-1", "gateway", "10.0.0.13", "203.0.113.11"),
        *(entry(f"paas-etcd-{i}", "etcd", f"10.0.0.{20 + i}") for i in range(3)),
        entry("paas-control-plane-0", "control-plane", "10.0.0.30"),
        entry("paas-worker-0", "worker", "10.0.0.40"),
    ],
    "database": {
        "service": "mariadb-primary.database.svc.cluster.local",
        "namespace": "database",
        "primary": "mariadb-0",
        "replicas": ["mariadb-1"],
        "port": 3306,
        "secret": "mariadb-passwords",
    },
    "versions": {"kubernetes": "1.34.2", "etcd": "3.6.5"},
}
OUTPUTS = stack_outputs.parse(DOCUMENT)


class FakeCluster:
    """Two Ready nodes and a database whose replica gets what the primary has."""

    def __init__(self) -> None:
        self.found = [
            Node("paas-control-plane-0", True, "1.34.2", True, ""),
            Node("paas-worker-0", False, "1.34.2", True, ""),
        ]
        self.etcd_error = ""
        self.replicates = True
        self.rows = {"mariadb-0": "", "mariadb-1": ""}

    def nodes(self) -> list[Node]:
        return self.found

    def etcd_ready(self) -> None:
        if self.etcd_error:
            raise ClusterError(self.etcd_error)

    def query(self, namespace: str, pod: str, statement: str) -> str:
        assert namespace == "database"
        if insert := re.search(r"VALUES \('(\w+)'\)", statement):
            assert pod == "mariadb-0", "only the primary is written to"
            self.rows[pod] = insert[1]
            if self.replicates:
                self.rows["mariadb-1"] = insert[1]
            return ""
        return self.rows[pod]


class FakeSsh:
    """Healthy etcd; gateway-0 holds the virtual addresses."""

    def __init__(self) -> None:
        self.unhealthy: set[str] = set()
        self.holders = {"paas-gateway-0"}
        self.dead: set[str] = set()

    def run(self, machine: Machine, command: str, script: str = "", seconds: float = 30) -> str:
        if machine.name in self.dead:
            raise SshError(f"{machine.name}: no SSH")
        if machine.role == "gateway":
            addresses = [{"local": "10.0.0.12", "prefixlen": 24}]
            if machine.name in self.holders:
                addresses.append({"local": "10.0.0.5", "prefixlen": 32})
            return json.dumps([{"ifname": "eth0", "addr_info": addresses}])
        assert command == "sudo bash -s -- health" and "\nhealth) answer=$(etcdctl endpoint health" in script
        members = [f"10.0.0.{20 + i}" for i in range(3)]
        return json.dumps(
            [
                {"endpoint": f"https://{a}:2379", "health": a not in self.unhealthy, "took": "3ms", "error": "deadline"}
                for a in members
            ]
        )


def prove(cluster: FakeCluster, ssh: FakeSsh, outputs: Outputs = OUTPUTS) -> dict[str, Check]:
    return {check.name: check for check in Prover(outputs, cluster, ssh, 0.2, 0.05).run()}


def test_a_whole_platform_passes() -> None:
    checks = prove(FakeCluster(), FakeSsh())
    assert [name for name, check in checks.items() if not check.passed] == []
    assert checks["nodes"].summary == "2 of 2 nodes Ready"
    assert checks["etcd"].summary == "3 of 3 members healthy"
    assert checks["gateways"].summary == "paas-gateway-0 holds the virtual addresses"
    assert checks["database"].summary == "a row written on the primary was read on 1 replica"


def test_values_are_fresh() -> None:
    cluster = FakeCluster()
    prove(cluster, FakeSsh())
    first = cluster.rows["mariadb-1"]
    prove(cluster, FakeSsh())
    assert len(first) == 32 and cluster.rows["mariadb-1"] != first


def test_one_node_is_missing_or_not_ready_or_old() -> None:
    cluster = FakeCluster()
    cluster.found = cluster.found[:1]
    assert prove(cluster, FakeSsh())["nodes"].lines == ["paas-worker-0: not a node of the cluster"]
    cluster = FakeCluster()
    cluster.found[1] = replace(cluster.found[1], ready=False, reason="network plugin is not ready")
    failed = prove(cluster, FakeSsh())["nodes"]
    assert not failed.passed and failed.lines == ["paas-worker-0: not Ready: network plugin is not ready"]
    cluster.found[1] = replace(cluster.found[1], ready=True, version="1.33.0")
    assert prove(cluster, FakeSsh())["nodes"].lines == ["paas-worker-0: runs 1.33.0, not 1.34.2"]


def test_an_etcd_member_is_down() -> None:
    ssh = FakeSsh()
    ssh.unhealthy, ssh.dead = {"10.0.0.20"}, {"paas-etcd-0"}
    failed = prove(FakeCluster(), ssh)["etcd"]
    assert not failed.passed and failed.summary == "2 of 3 etcd members healthy"
    assert "paas-etcd-0  UNHEALTHY: deadline" in failed.lines
    ssh.dead = {f"paas-etcd-{i}" for i in range(3)}
    assert prove(FakeCluster(), ssh)["etcd"].summary == "no etcd machine reports on the members"
    cluster = FakeCluster()
    cluster.etcd_error = "https://203.0.113.9:6443/readyz/etcd: 500"
    assert prove(cluster, FakeSsh())["etcd"].summary == cluster.etcd_error


@pytest.mark.parametrize(
    ("holders", "dead", "summary"),
    [
        (set(), set(), "no gateway holds the virtual addresses"),
        (
            {"paas-gateway-0", "paas-gateway-1"},
            set(),
            "paas-gateway-0 and paas-gateway-1 hold the virtual addresses",
        ),
        ({"paas-gateway-0"}, {"paas-gateway-1"}, "paas-gateway-0 holds the virtual addresses"),
    ],
)
def test_gateways_are_wrong(holders: set[str], dead: set[str], summary: str) -> None:
    ssh = FakeSsh()
    ssh.holders, ssh.dead = holders, dead
    failed = prove(FakeCluster(), ssh)["gateways"]
    assert not failed.passed
    assert failed.summary == summary
    assert not dead or "paas-gateway-1: no SSH" in failed.lines


def test_replication_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter(range(0, 10_000, 4))
    monkeypatch.setattr("ops.proof.checks.time.monotonic", lambda: float(next(moments)))
    cluster = FakeCluster()
    cluster.replicates = False
    failed = prove(cluster, FakeSsh())["database"]
    assert not failed.passed
    assert re.fullmatch(r"mariadb-1 has no row \w{32} after 12 s: its last one is none", failed.summary)


def test_without_replicas_or_database_or_etcd_machines() -> None:
    document = {**DOCUMENT, "database": {**DOCUMENT["database"], "replicas": []}}
    checks = prove(FakeCluster(), FakeSsh(), stack_outputs.parse(document))
    assert checks["database"].summary == "a row written on the primary was read there (no replicas)"
    inventory = [each for each in DOCUMENT["inventory"] if each["role"] != "etcd"]
    checks = prove(FakeCluster(), FakeSsh(), stack_outputs.parse({**DOCUMENT, "database": {}, "inventory": inventory}))
    assert "database" not in checks and checks["etcd"].passed


def test_a_fault_that_passes_is_waited_for() -> None:
    cluster = FakeCluster()
    cluster.etcd_error = "not yet"
    original = cluster.etcd_ready

    def later() -> None:
        try:
            original()
        finally:
            cluster.etcd_error = ""

    cluster.etcd_ready = later  # type: ignore[method-assign]
    assert prove(cluster, FakeSsh())["etcd"].passed


def test_screen_and_json_hold_no_secret() -> None:
    checks = list(prove(FakeCluster(), FakeSsh()).values())
    console = Console(file=StringIO(), width=120)
    cli.show(console, OUTPUTS, checks, "lab")
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    for part in ("paas kubeconfig", "paas ssh paas-control-plane-0", "make destroy", "passed"):
        assert part in shown
    text = cli.as_json(OUTPUTS, checks)
    assert json.loads(text)["passed"] is True
    assert "secret-" not in shown + text


def run_main(monkeypatch: pytest.MonkeyPatch, file: Path, ssh: FakeSsh, *options: str) -> int:
    class Machines(FakeSsh):
        def __enter__(self) -> FakeSsh:
            return ssh

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(cli, "Ssh", lambda _: Machines())
    monkeypatch.setattr(cli, "Cluster", lambda _: FakeCluster())
    file.write_text(json.dumps(DOCUMENT))
    return command_line.main(["proof", "--outputs", str(file), "--wait", "0.1", *options])


def test_exit_status(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main(monkeypatch, tmp_path / "outputs", FakeSsh(), "--json") == 0
    assert json.loads(capsys.readouterr().out)["passed"]
    ssh = FakeSsh()
    ssh.holders = set()
    assert run_main(monkeypatch, tmp_path / "outputs", ssh) == 1
    printed = capsys.readouterr()
    assert "FAILED" in printed.out and "Not proven: gateways" in printed.out
    assert printed.err == "proof failed: gateways: no gateway holds the virtual addresses\n"


def test_outputs_that_lack_something(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(OutputsError, match="no outputs"):
        stack_outputs.parse({})
    with pytest.raises(OutputsError, match="lack 'kubeconfig'"):
        stack_outputs.parse({"apiEndpoint": "https://x:6443"})
    assert command_line.main(["proof", "--outputs", str(tmp_path / "none")]) == 2
    assert "No such file" in capsys.readouterr().err


def test_kubeconfig_for_its_owner_only(tmp_path: Path) -> None:
    (tmp_path / "outputs").write_text(json.dumps(DOCUMENT))
    target = tmp_path / "kubeconfig"
    assert command_line.main(["kubeconfig", "--outputs", str(tmp_path / "outputs"), "--output", str(target)]) == 0
    assert target.read_text() == "secret-kubeconfig"
    assert target.stat().st_mode & 0o777 == 0o600


def test_session_pins_host_keys(tmp_path: Path) -> None:
    worker, gateway = OUTPUTS.machine("paas-worker-0"), OUTPUTS.machine("paas-gateway-0")
    behind = access.configuration(OUTPUTS, worker, tmp_path)
    assert "ProxyJump gateway-vip" in behind and "HostName 203.0.113.9" in behind
    assert access.known_hosts(OUTPUTS, worker) == f"paas-worker-0 {HOST_KEY}\ngateway-vip {HOST_KEY}\n"
    direct = access.configuration(OUTPUTS, gateway, tmp_path)
    assert "ProxyJump" not in direct and "HostName 203.0.113.10" in direct
    with pytest.raises(OutputsError, match="no machine is called nobody; there are: gateway-0"):
        OUTPUTS.machine("nobody")
