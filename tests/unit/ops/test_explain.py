"""Failures are read from the engine's event log, with the machine's own console log beside them."""

import json
from types import SimpleNamespace
from typing import Any

from ops.explain import Failure, console_tail, failures

STEP = "urn:pulumi:lab::openstack-paas::a:b:C$command:remote:Command::etcd-0"


def events() -> str:
    """A short event log whose last line was cut."""
    lines = [
        json.dumps({"diagnosticEvent": {"severity": "info", "urn": STEP, "message": "going on"}}),
        json.dumps({"diagnosticEvent": {"severity": "error", "urn": STEP, "message": "etcd has no quorum\n"}}),
        json.dumps({"resOpFailedEvent": {"metadata": {"urn": STEP}}}),
        json.dumps({"resOpFailedEvent": {"metadata": {"urn": STEP}}}),
        '{"resOpFail',
    ]
    return "\n".join(lines)


def test_each_failed_resource_once_with_its_message() -> None:
    (failure,) = failures(events())
    assert (failure.type, failure.name, failure.message) == ("command:remote:Command", "etcd-0", "etcd has no quorum")


def test_the_machine_of_an_instance_an_upload_and_a_step() -> None:
    kinds = {"openstack:compute/instance:Instance": "", "command:remote:CopyToRemote": "-agent", "tls:a:PrivateKey": ""}
    named = [Failure(f"urn:pulumi:lab::openstack-paas::a:b:C${kind}::etcd-0{end}", "") for kind, end in kinds.items()]
    assert [failure.machine for failure in [Failure(STEP, ""), *named]] == ["etcd-0", "etcd-0", "etcd-0", ""]


def test_console_tail_names_state_fault_and_last_lines() -> None:
    server = SimpleNamespace(id="1", name="lab-etcd-0", status="ERROR", fault={"message": "no valid host"})
    asked: dict[str, Any] = {}

    def console(_: Any, length: int) -> dict[str, str]:
        asked["length"] = length
        return {"output": "first\n\n  last  \n"}

    compute = SimpleNamespace(
        find_server=lambda name, ignore_missing: server if name == "lab-etcd-0" else None,
        get_server=lambda found: found,
        get_server_console_output=console,
    )
    tail = console_tail(SimpleNamespace(compute=compute), "lab", "etcd-0")
    assert tail == "machine lab-etcd-0 (1) is ERROR: no valid host\n  | first\n  |   last"
    assert asked["length"] > 0
    assert console_tail(SimpleNamespace(compute=compute), "lab", "etcd-9") == ""


def test_a_refusal_is_a_failure_though_nothing_was_tried() -> None:
    message = "unable to replace resource\nas it is currently marked for protection. To unprotect the resource, ..."
    (failure,) = failures(json.dumps({"diagnosticEvent": {"severity": "error", "urn": STEP, "message": message}}))
    assert failure.name == "etcd-0"
