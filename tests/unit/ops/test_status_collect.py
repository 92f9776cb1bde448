"""`ops status`: asking many at once, some of whom hang; and the command from its words to its exit status."""

import json
import time
from collections.abc import Mapping
from typing import Any

import pytest

from ops import __main__ as ops
from ops.shared.cluster import Cluster
from ops.shared.outputs import Machine, Outputs
from ops.shared.ssh import SshError
from ops.status import cli, collect
from ops.status.collect import Questions
from ops.status.report import Raw
from tests.unit.ops import status_samples as samples
from tests.unit.ops.status_samples import NOW, platform, raw


def test_what_hangs_is_no_answer_and_holds_up_nobody() -> None:
    questions: Questions[str] = Questions(0.5)
    questions.ask("hangs", lambda: time.sleep(30) or "late")
    questions.ask("answers", lambda: "yes")
    questions.ask("fails", lambda: str(1 // 0))
    began = time.monotonic()
    values, errors = questions.answers()
    assert time.monotonic() - began < 5
    assert values == {"answers": "yes"}
    assert errors == {"hangs": "no answer within 0 s", "fails": "integer division or modulo by zero"}


class FakeSsh:
    """Gateways that may be away; every machine behind one that is not answers."""

    away: frozenset[str] = frozenset()
    older: Mapping[str, str] = {}

    def __init__(self, outputs: Outputs, through: Machine | None, seconds: float) -> None:
        self.way = through.name if through else "the VIP"
        self.outputs = outputs

    def reach(self) -> None:
        if self.way in self.away:
            raise SshError(f"{self.way}: no SSH to it: timed out")

    def run(self, machine: Machine, command: str, script: str = "", seconds: float = 30) -> str:
        if machine.name in self.away:
            raise SshError(f"{machine.name}: no SSH to it: timed out")
        assert command == f"sudo --non-interactive python3 -I /opt/openstack-paas/agent.pyz status {machine.role} 8"
        if machine.name in self.older:
            raise SshError(f"{machine.name}: `{command}` failed: {self.older[machine.name]}")
        return samples.printed(samples.answers(self.outputs, machine))

    def close(self) -> None: ...


@pytest.mark.parametrize(
    ("away", "silent"),
    [
        ({"the VIP", "paas-gateway-0", "paas-etcd-1"}, ["paas-gateway-0", "paas-etcd-1"]),
        ({"paas-gateway-0", "paas-gateway-1"}, ["paas-gateway-0", "paas-gateway-1"]),
        (
            {"the VIP", "paas-gateway-0", "paas-gateway-1"},
            [machine.name for machine in platform().inventory],
        ),
    ],
)
def test_any_gateway_that_answers_leads_on(monkeypatch: pytest.MonkeyPatch, away: set[str], silent: list[str]) -> None:
    monkeypatch.setattr(FakeSsh, "away", frozenset(away))
    monkeypatch.setattr(collect, "Ssh", FakeSsh)
    given = collect.gather(platform())
    assert [machine.name for machine in given.machines if machine.problem] == silent
    assert given.errors.keys() == {"ready", "nodes", "pods", "backups", "schedule", "mariadb-0", "mariadb-1"}
    for machine in given.machines:
        assert machine.problem in ("", "no SSH to it: timed out", "no gateway leads to it")


def test_machines_of_an_earlier_release_say_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    older = {
        "paas-etcd-0": "python3: can't open file '/opt/openstack-paas/agent.pyz': [Errno 2] No such file or directory",
        "paas-etcd-1": "usage: agent COMMAND ROLE SECONDS [KEY=VALUE...] < desired state; got: status etcd 8",
    }
    monkeypatch.setattr(FakeSsh, "older", older)
    monkeypatch.setattr(collect, "Ssh", FakeSsh)
    found = {machine.name: machine.problem for machine in collect.gather(platform()).machines if machine.problem}
    assert found == dict.fromkeys(older, "it has no agent of this release: run `pulumi up`")


def run(monkeypatch: pytest.MonkeyPatch, given: Raw, *words: str) -> int:
    """The command on these answers."""
    monkeypatch.setattr("ops.shared.outputs.load", lambda *_: platform())
    monkeypatch.setattr(cli.collect, "gather", lambda _: given)
    monkeypatch.setattr(cli.time, "time", lambda: NOW)
    return ops.main(["status", *words])


def test_the_exit_status_says_whether_all_is_well(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, raw(platform())) == 0
    assert "Healthy." in capsys.readouterr().out
    failed: dict[str, Any] = {"paas_etcd_0": {"backups": samples.snapshots("paas-etcd-0", outcome="failed")}}
    assert run(monkeypatch, raw(platform(), **failed), "--json") == 1
    assert json.loads(capsys.readouterr().out)["problems"][0]["runbook"] == "docs/runbooks/failed-backup.md"
    away = {machine.name: "away" for machine in platform().inventory}
    assert run(monkeypatch, raw(platform(), away, errors={"ready": "away"})) == 2


def test_a_watch_ends_with_the_status_of_its_last_look(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(cli.time, "sleep", pause)
    assert run(monkeypatch, raw(platform()), "--json", "--watch", "3") == 0
    lines = capsys.readouterr().out.splitlines()
    assert pauses == [3, 3] and [json.loads(line)["status"] for line in lines] == [0, 0]


def test_without_outputs_there_is_nothing_to_ask(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    (tmp_path / "outputs.json").write_text("{}")
    assert ops.main(["status", "--outputs", str(tmp_path / "outputs.json")]) == 2
    assert "run `pulumi up` first" in capsys.readouterr().err


def test_an_api_that_refuses_is_an_error_and_a_missing_object_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    from kubernetes.client.exceptions import ApiException

    class Refusing:
        def call_api(self, path: str, *_: object, **__: object) -> None:
            raise ApiException(status=404 if "configmaps" in path else 503, reason="as it is")

    monkeypatch.setattr(collect, "Ssh", FakeSsh)
    monkeypatch.setattr(Cluster, "api_client", lambda _: Refusing())
    given = collect.gather(platform())
    assert given.answers["backups"] == "" and "backups" not in given.errors
    assert given.errors["nodes"] == "503 as it is"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            'Handshake status 500 -+-+- {\'date\': 1} -+-+- {"kind":"Status","message":"dial tcp: no route to host"}',
            "dial tcp: no route to host",
        ),
        ("Handshake status 500 -+-+- {} -+-+- container not found", "container not found"),
        (
            "not reached through 192.0.2.9: ChannelException(2, 'Connect failed')",
            "not reached through 192.0.2.9: Connect failed",
        ),
        ("[Errno None] Unable to connect to port 22", "Unable to connect to port 22"),
    ],
)
def test_what_libraries_say_is_said_plainly(text: str, words: str) -> None:
    assert collect.plain(text) == words
