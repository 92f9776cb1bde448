"""Previews as a comment: golden files (UPDATE_GOLDEN=1 writes them), the gate, no secrets, never too long.

The fixtures are previews of a standing platform by the real engine, each with one thing changed, less keys and traces:
made by hand, so all but `agent-changed` are of a program whose steps brought files, as those of earlier releases do.
"""

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from ops.__main__ import main
from ops.preview_comment.changes import StackPreview, parse, read
from ops.preview_comment.comment import MARKER, render
from ops.preview_comment.descriptions import code
from ops.preview_comment.gate import find_approvals, find_guarded
from ops.preview_comment.rows import Row, make_tables, shorten

FIXTURES = Path(__file__).parent / "fixtures" / "previews"
GOLDEN = Path(__file__).parent / "golden" / "comments"
#: What the gate says of each fixture without any approval.
STATUS = {
    "agent-changed": 0,
    "authorities-renewed": 0,
    "chart-version": 0,
    "etcd-zone-changed": 3,
    "first-up": 0,
    "flavor-changed": 0,
    "mariadb-values": 0,
    "nothing-changed": 0,
    "template-changed": 0,
    "vip-removed": 3,
    "worker-added": 0,
    "worker-removed": 3,
    "wrong-setting": 1,
}


def load(name: str) -> dict[str, Any]:
    """A fixture as data, to be changed."""
    return dict(json.loads((FIXTURES / f"{name}.json").read_text()))


def test_every_fixture_has_a_status() -> None:
    assert {path.stem for path in FIXTURES.glob("*.json")} == STATUS.keys()


@pytest.mark.parametrize("name", STATUS)
def test_comment(name: str, tmp_path: Path) -> None:
    out = tmp_path / "comment.md"
    assert main(["preview-comment", f"lab={FIXTURES / name}.json", "--output", str(out)]) == STATUS[name]
    golden = GOLDEN / f"{name}.md"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(out.read_text())
    assert out.read_text() == golden.read_text(), f"differs from {golden}; if it is meant to, UPDATE_GOLDEN=1 writes it"


@pytest.mark.parametrize("name", ["template-changed", "authorities-renewed"])
def test_the_order_of_the_engines_steps_does_not_matter(name: str) -> None:
    """The engine works in parallel: two previews of the same change come in different orders."""
    document = load(name)
    before = render([parse("lab", json.dumps(document))], [])
    random.Random(1).shuffle(document["steps"])
    for step in document["steps"]:
        step["diffReasons"] = list(reversed(step.get("diffReasons", [])))
    assert render([parse("lab", json.dumps(document))], []) == before


def test_the_three_steps_of_a_replacement_are_one_change() -> None:
    document = load("etcd-zone-changed")
    replaced = [step for step in document["steps"] if step["op"] == "replace"]
    for operation in ("create-replacement", "delete-replaced"):
        document["steps"] += [{**step, "op": operation} for step in replaced]
    assert parse("lab", json.dumps(document)).count("replaced") == len(replaced)


def test_a_secret_file_is_named_when_only_standard_input_differs() -> None:
    document = load("template-changed")
    for step in document["steps"]:
        if step["op"] == "update":
            text = step["oldState"]["inputs"]["create"] + "# etcd.key secret\n"
            step["oldState"]["inputs"]["create"] = step["newState"]["inputs"]["create"] = text
            step["detailedDiff"] = {"stdin": {"kind": "update"}}
            step["diffReasons"] = ["stdin"]
    comment = render([parse("lab", json.dumps(document))], [])
    assert "the content of a secret file changes (`etcd.key`)" in comment
    assert "haproxy.cfg" not in comment


def test_a_node_that_goes_and_what_it_would_have_run_then() -> None:
    """The command of a node's leaving has no files to list: it runs once, when the machine is removed."""
    document = load("worker-removed")
    removed = next(s for s in document["steps"] if s["urn"].endswith("command:remote:Command::worker-general-1"))
    inputs = {**removed["oldState"]["inputs"], "delete": "leave"}
    del inputs["create"]
    urn = removed["urn"].replace("::worker", "::leave-worker")
    for operation, side, words in (("delete", "oldState", ""), ("create", "newState", "how it leaves the cluster")):
        step = {"op": operation, "urn": urn, side: {**removed["oldState"], "urn": urn, "inputs": inputs}}
        (row,) = make_tables(parse("lab", json.dumps({"steps": [step]})))["Machines"]
        assert ", ".join(row.details) == words


def test_another_agent_is_a_change_of_a_machine_that_stays() -> None:
    """Each machine has its own upload: in a release that changes nothing else, all are one row."""
    role = "urn:pulumi:lab::openstack-paas::openstack-paas:etcd:EtcdCluster$"
    kind = "command:remote:CopyToRemote"
    sides = {
        "oldState": {"custom": True, "type": kind, "inputs": {"remotePath": "agent-1.pyz"}},
        "newState": {"custom": True, "type": kind, "inputs": {"remotePath": "agent-2.pyz"}},
    }
    steps = [
        {"op": "update", "urn": f"{role}{kind}::etcd-{index}-agent", "diffReasons": ["remotePath", "source"], **sides}
        for index in range(3)
    ]
    (row,) = make_tables(parse("lab", json.dumps({"steps": steps})))["Machines"]
    assert row == Row(("lab-etcd-0", "lab-etcd-1", "lab-etcd-2"), "changed", ("another agent",))
    instance = "openstack:compute/instance:Instance"
    gone = {"custom": True, "type": instance, "inputs": {"name": "lab-etcd-0"}}
    steps = [
        {"op": "delete", "urn": f"{role}{instance}::etcd-0", "oldState": gone},
        {"op": "delete", "urn": f"{role}{kind}::etcd-0-agent", "oldState": sides["oldState"]},
    ]
    (row,) = make_tables(parse("lab", json.dumps({"steps": steps})))["Machines"]
    assert row == Row(("lab-etcd-0",), "removed", ())


def listing(*lines: str, agent: str = "agent-74fa6a3f5629.pyz") -> str:
    head = "# openstack-paas: converge etcd. What it brings, each with a digest of its content:"
    return "\n".join([head, *(f"# {line}" for line in (agent, *lines)), "set -- sh -c", ""])


BUNDLE = "# openstack-paas: step etcd. The files it brings, each with a digest of its content:\n# a 0123abcd\nrun() {\n"


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (listing("etcd.env 0123abcd", "key secret"), listing("etcd.env 4567abcd", "key secret"), "`etcd.env` changes"),
        (listing("etcd.env 0123abcd"), listing("other 0123abcd"), "`other` is new, `etcd.env` goes"),
        (listing("key secret"), listing("key secret"), "the content of a secret file changes (`key`)"),
        (listing("a 0123abcd"), listing("a 0123abcd", agent="agent-0123456789ab.pyz"), "its step"),
        (BUNDLE, listing("etcd.env 0123abcd"), "goes over to the agent"),
        (BUNDLE, "04da6b54-80e4-46f7-96ec-b56ff0331ba9", "files that are known only during the update"),
    ],
)
def test_a_desired_state_for_the_agent(before: str, after: str, words: str) -> None:
    kind = "command:remote:Command"
    step = {
        "op": "update",
        "urn": f"urn:pulumi:lab::openstack-paas::openstack-paas:etcd:EtcdCluster${kind}::etcd-0",
        "diffReasons": ["create", "stdin"],
        "oldState": {"custom": True, "type": kind, "inputs": {"create": before}},
        "newState": {"custom": True, "type": kind, "inputs": {"create": after}},
    }
    (row,) = make_tables(parse("lab", json.dumps({"steps": [step]})))["Machines"]
    assert ", ".join(row.details) == words


def test_no_secret_values() -> None:
    """Values under a secret's name, secrets of the engine and keys in error reports never show."""
    document = load("mariadb-values")
    for step in document["steps"]:
        if step["op"] == "update":
            for side, value in (("oldState", "1234"), ("newState", "5678")):
                values = step[side]["inputs"]["values"]
                values["auth"]["rootPassword"] = value
                values["sidecar"] = {"args": f"--word=hunter{value}"}
            step["diffReasons"] = ["values.auth.rootPassword", "values.sidecar.args"]
            step["detailedDiff"] = {}
    comment = render([parse("lab", json.dumps(document))], [])
    assert "`values.auth.rootPassword`" in comment
    for secret in ("1234", "5678", "hunter"):
        assert secret not in comment
    stderr = (
        "error: bad key\n-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjE\n-----END OPENSSH PRIVATE KEY-----"
    )
    report = render([parse("lab", "", stderr, 255)], [])
    assert "bad key" in report
    assert "b3Blbn" not in report


def test_a_failed_preview_without_json_shows_what_the_engine_said(tmp_path: Path) -> None:
    (tmp_path / "dev.json").write_text("")
    (tmp_path / "dev.err").write_text("error: no stack named 'dev' found\n```\n@everyone")
    (tmp_path / "dev.status").write_text("255\n")
    (tmp_path / "prod.json").write_text((FIXTURES / "nothing-changed.json").read_text())
    previews = read([str(tmp_path)])
    comment = render(previews, [])
    assert "- `dev`: **the preview failed**" in comment
    assert "error: no stack named 'dev' found" in comment
    assert "- `prod`: no changes" in comment
    assert comment.count("```") == 2, "the report must not end its own fence"


def test_a_preview_that_failed_after_its_json_is_no_success(tmp_path: Path) -> None:
    """A policy violation ends the engine with a status and leaves no diagnostic."""
    (tmp_path / "dev.json").write_text((FIXTURES / "nothing-changed.json").read_text())
    (tmp_path / "dev.status").write_text("1")
    assert main(["preview-comment", str(tmp_path), "--output", str(tmp_path / "comment.md")]) == 1


def test_a_broken_rule_is_shown_and_ends_the_job(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Of a whole plan the rules of policy/ are checked; here the machines lose their tags."""
    document = load("first-up")
    for step in document["steps"]:
        if step["urn"].endswith("Instance::etcd-0"):
            step["newState"]["inputs"]["tags"] = []
    (tmp_path / "dev.json").write_text(json.dumps(document))
    assert main(["preview-comment", str(tmp_path)]) == 4
    told = capsys.readouterr()
    assert "- **mandatory** `tagged`: `Instance etcd-0` does not have the tag openstack-paas:dev" in told.out
    assert "dev: tagged: Instance etcd-0" in told.err


def test_nothing_to_read_is_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["preview-comment", str(tmp_path)]) == 2
    assert main(["preview-comment", str(tmp_path / "dev.json")]) == 2
    assert "no such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", set()),
        ("Move etcd-1\n\nApprove-Replace: lab-etcd-1\n", {"lab-etcd-1"}),
        ("approve-replace: a, b c", {"a", "b", "c"}),
        ("> - `Approve-Replace: lab-etcd-1`\r", {"lab-etcd-1"}),
        ("We write Approve-Replace: lab-etcd-1 to approve", set()),
        ("Approve-Replace:\nlab-etcd-1", set()),
    ],
)
def test_approvals_in_text(text: str, names: set[str]) -> None:
    assert find_approvals([text]) == names


def test_the_gate_opens_by_name_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An approval of another machine, or of every machine, opens nothing."""
    preview = f"lab={FIXTURES / 'etcd-zone-changed.json'}"
    note = tmp_path / "description"
    note.write_text("Approve-Replace: lab-etcd-0\nApprove-Replace: *\n")
    assert main(["preview-comment", preview, "--approvals", str(note)]) == 3
    assert "to approve: Approve-Replace: lab-etcd-1" in capsys.readouterr().err
    assert main(["preview-comment", preview, "--approve", "lab-etcd-1"]) == 0
    assert "machine `lab-etcd-1` of `lab` would be replaced: approved" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("kind", "name", "is_guarded"),
    [
        ("openstack:blockstorage/volume:Volume", "etcd-0", True),
        ("openstack:networking/port:Port", "private-vip", True),
        ("openstack:networking/port:Port", "worker-0", False),
        ("command:remote:Command", "etcd-0", False),
    ],
)
def test_what_is_guarded(kind: str, name: str, is_guarded: bool) -> None:
    state = {"custom": True, "type": kind, "inputs": {"name": f"lab-{name}"}}
    urn = f"urn:pulumi:lab::openstack-paas::openstack-paas:index:Platform${kind}::{name}"
    for operation in ("delete", "replace"):
        steps = [{"op": operation, "urn": urn, "oldState": state}]
        found = find_guarded([parse("lab", json.dumps({"steps": steps}))], frozenset())
        assert [item.name for item in found] == ([f"lab-{name}"] if is_guarded else [])
    changed = [{"op": "update", "urn": urn, "oldState": state, "newState": state}]
    assert find_guarded([parse("lab", json.dumps({"steps": changed}))], frozenset()) == []


def worker_removed(count: int, distinct: bool) -> StackPreview:
    """A preview that removes and adds `count` machines, each told of in words of its own or all in the same."""
    steps = []
    for index in range(count):
        state = {
            "custom": True,
            "type": "openstack:compute/instance:Instance",
            "inputs": {"name": f"lab-worker-{index}", "flavorId": f"flavor-{index if distinct else 0}"},
        }
        urn = f"urn:pulumi:lab::p::openstack-paas:kubernetes:WorkerPool${state['type']}::worker-{index}"
        steps.append({"op": "create", "urn": urn, "newState": state})
    return parse("lab", json.dumps({"steps": steps}))


def test_a_thousand_machines_of_a_kind_are_one_row() -> None:
    comment = render([worker_removed(1000, distinct=False)], [])
    assert "| `lab-worker-0` to `lab-worker-999` (1000) | added |" in comment
    assert len(comment) < 2000


def test_never_longer_than_a_comment_may_be() -> None:
    """What does not fit is cut at a row, and the comment says so; every table that is opened is closed."""
    comment = render([worker_removed(2000, distinct=True), worker_removed(1, distinct=True)], [])
    assert len(comment) <= 64_000
    assert comment.startswith(MARKER)
    assert comment.endswith("`pulumi preview --diff --stack STACK` shows all of it.\n")
    assert comment.count("<details>") == comment.count("</details>") >= 1
    failed = [parse(f"stack-{index}", "", "error: " + "x" * 9000, 255) for index in range(20)]
    assert len(render(failed, [])) <= 64_000


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (("w-0", "w-1", "w-2", "w-10"), "`w-0` to `w-2`, `w-10`"),
        (("w-1", "w-0"), "`w-0`, `w-1`"),
        (("w-01", "w-02"), "`w-01`, `w-02`"),
        (("addon mariadb",), "`addon mariadb`"),
    ],
)
def test_names_as_ranges(names: tuple[str, ...], text: str) -> None:
    assert shorten(names) == text


def test_values_cannot_leave_their_cell() -> None:
    assert code("a`|<b>\n@team") == "`a'/<b> @team`"
    assert len(code("x" * 500)) < 70


def test_json_has_the_same_facts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["preview-comment", f"lab={FIXTURES / 'worker-removed.json'}", "--json"]) == 3
    document = json.loads(capsys.readouterr().out)
    assert document["stacks"][0]["counts"] == {"added": 0, "changed": 3, "replaced": 0, "removed": 4}
    assert [item["name"] for item in document["guarded"]] == ["lab-worker-general-1"]
