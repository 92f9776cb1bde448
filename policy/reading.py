"""Records from a file of the engine: `pulumi preview --json --show-sames` or `pulumi stack export`."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from policy.record import UNKNOWN, Facts, Record, facts_of

#: Keys by which the engine marks what is more than plain data (sdk/go/common/resource: SigKey, SecretSig).
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"
#: Steps that keep what the previous step made.
_LEFTOVERS = ("delete-replaced", "discard", "read-discard", "remove-pending-replace")


class PolicyError(Exception):
    """The file is not one that rules can check."""


def plain(value: Any) -> Any:
    """`value` with secrets as [secret], and without what is not known yet."""
    if isinstance(value, Mapping):
        if value.get(_SIGNATURE) == _SECRET:
            return "[secret]"
        return {key: plain(inner) for key, inner in value.items() if inner != UNKNOWN and not key.startswith("__")}
    if isinstance(value, list):
        return [plain(inner) for inner in value if inner != UNKNOWN]
    return value


def _record(state: Mapping[str, Any]) -> Record:
    return Record(
        urn=state["urn"],
        type=state["type"],
        name=state["urn"].rsplit("::", 1)[-1],
        props=plain(state.get("inputs") or {}),
        protect=bool(state.get("protect")),
    )


def _states(document: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """States of what exists after the plan, or now."""
    if "deployment" in document:
        return [state for state in document["deployment"].get("resources") or [] if not state.get("delete")]
    if "changeSummary" in document or "steps" in document:
        # With --refresh a resource has two steps, of the refresh and of the plan: the last one counts.
        last: dict[str, Mapping[str, Any]] = {}
        for step in document.get("steps") or []:
            if step.get("op") == "delete":
                last.pop(step["urn"], None)
            elif step.get("newState") and step.get("op") not in _LEFTOVERS:
                last[step["newState"]["urn"]] = step["newState"]
        return list(last.values())
    raise PolicyError("is neither `pulumi preview --json --show-sames` nor `pulumi stack export`")


def records_of(document: Mapping[str, Any]) -> tuple[list[Record], Facts]:
    """Records and facts of a preview or an export. Raises PolicyError when the document is neither, or not whole."""
    records = [_record(state) for state in _states(document)]
    facts = facts_of(records)
    config = document.get("config") or {}
    shown = sum((document.get("changeSummary") or {}).values())
    if shown > len(document.get("steps") or ()) and "deployment" not in document:
        raise PolicyError("shows only what changes: preview with --show-sames")
    if config.get("openstack-paas:preset") and not any(record.props.get("preset") for record in records):
        facts = replace(facts, preset=str(config["openstack-paas:preset"]))
    return records, facts


def read(path: Path) -> tuple[list[Record], Facts]:
    """Records and facts of a file. Raises PolicyError."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PolicyError(f"cannot be read ({error})") from None
    if not isinstance(document, dict):
        raise PolicyError("is not a JSON object")
    return records_of(document)
