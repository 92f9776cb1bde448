"""What `pulumi preview --json` says, as changes of real resources: components, the stack and providers are left out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from ops.shared.errors import OpsError
from policy.reading import PolicyError, records_of
from policy.record import Violation
from policy.rules import violations

#: What becomes of a resource, in the order of how much it should worry a reader.
Verb = Literal["replaced", "removed", "changed", "added"]
VERBS: tuple[Verb, ...] = ("added", "changed", "replaced", "removed")

#: The engine's operations that change something (sdk/go/common/resource: deploy/step.go's Op constants).
VERB_OF_OPERATION: dict[str, Verb] = {
    "create": "added",
    "import": "added",
    "update": "changed",
    "replace": "replaced",
    "create-replacement": "replaced",
    "delete-replaced": "replaced",
    "import-replacement": "replaced",
    "remove-pending-replace": "replaced",
    "delete": "removed",
    "discard": "removed",
}

#: The engine's word for a value that is known only during the update (sdk/go/common/resource/plugin/rpc.go).
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

_KEY_BLOCK = re.compile(r"-----BEGIN [A-Z ]*KEY-----.*?(-----END [A-Z ]*KEY-----|\Z)", re.DOTALL)


class PreviewError(OpsError):
    """The preview is missing or cannot be read."""


@dataclass(frozen=True)
class Change:
    """One resource that changes. `components`: types of its parents, outermost first."""

    urn: str
    verb: Verb
    type: str
    name: str
    components: tuple[str, ...]
    keys: tuple[str, ...]
    """The properties that differ, as the provider names them."""
    replace_keys: tuple[str, ...]
    old: Mapping[str, Any]
    """Inputs before; empty for what is new."""
    new: Mapping[str, Any]
    """Inputs after; empty for what is removed."""
    old_outputs: Mapping[str, Any]


@dataclass(frozen=True)
class StackPreview:
    """The preview of one stack. `error` is the report of one that failed, empty otherwise."""

    stack: str
    cluster: str = ""
    changes: tuple[Change, ...] = ()
    error: str = ""
    note: str = ""
    """How it was previewed, where that is not the usual way."""
    findings: tuple[Violation, ...] = ()
    """Violations of policy/'s rules; none where the preview shows only what changes (without --show-sames)."""
    flavors: Mapping[str, str] = field(default_factory=dict)
    """Names of flavors by id, as far as the preview shows them."""

    def count(self, verb: Verb) -> int:
        """How many resources become `verb`."""
        return sum(change.verb == verb for change in self.changes)


def _change(step: Mapping[str, Any]) -> Change | None:
    """The change of one step; None where nothing real changes."""
    verb = VERB_OF_OPERATION.get(step.get("op", ""))
    old, new = step.get("oldState") or {}, step.get("newState") or {}
    state = new or old
    kind = state.get("type", "")
    if verb is None or not state.get("custom", False) or kind.startswith("pulumi:"):
        return None
    urn = step["urn"]
    parents = urn.split("::")[2].split("$")[:-1]
    keys = {*(step.get("detailedDiff") or {}), *(step.get("diffReasons") or [])}
    return Change(
        urn=urn,
        verb=verb,
        type=kind,
        name=urn.rsplit("::", 1)[-1],
        components=tuple(parents),
        keys=tuple(sorted(keys)),
        replace_keys=tuple(sorted(step.get("replaceReasons") or [])),
        old=old.get("inputs") or {},
        new=(new.get("inputs") or {}) if verb != "removed" else {},
        old_outputs=old.get("outputs") or {},
    )


def _findings(document: Mapping[str, Any]) -> tuple[Violation, ...]:
    """What policy/ says of the plan."""
    if "changeSummary" not in document:
        return ()
    try:
        records, facts = records_of(document)
    except PolicyError:
        return ()
    return tuple(violations(records, facts))


def _own_name(steps: Iterable[Mapping[str, Any]]) -> str:
    """The stack's name as the engine has it, whatever the file is called."""
    return next((str(step["urn"]).split("::")[0].rsplit(":", 1)[-1] for step in steps if step.get("urn")), "")


def _flavors(steps: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Names of flavors by id, from machines that stand."""
    found = {}
    for step in steps:
        outputs = (step.get("oldState") or {}).get("outputs") or {}
        if outputs.get("flavorId") and outputs.get("flavorName"):
            found[str(outputs["flavorId"])] = str(outputs["flavorName"])
    return found


def _report(document: Mapping[str, Any], stderr: str) -> str:
    """The errors among the diagnostics, else what the engine wrote on standard error."""
    errors = [
        str(item.get("message", "")).strip()
        for item in document.get("diagnostics") or []
        if item.get("severity") == "error"
    ]
    # The engine repeats that the program ended badly; the reason is in the messages before.
    useful = [text for text in errors if "an unhandled error occurred: program exited" not in text] or errors
    return without_keys("\n".join(dict.fromkeys(useful)) or stderr.strip())


def without_keys(text: str) -> str:
    """`text` with private keys blotted out; the engine has hidden what it knows to be secret already."""
    return _KEY_BLOCK.sub("[secret]", text)


def parse(stack: str, text: str, stderr: str = "", status: int | None = None) -> StackPreview:
    """One stack's preview from the engine's standard output and error and its exit status (None: not known)."""
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        report = without_keys("\n".join(part for part in (stderr.strip(), text.strip()) if part))
        return StackPreview(stack, error=report or f"the preview ended with status {status} and said nothing")
    steps = document.get("steps") or []
    # A replaced resource may come as three steps; the first one in the order of the verbs that worry most wins.
    changes: dict[str, Change] = {}
    for change in filter(None, map(_change, steps)):
        known = changes.get(change.urn)
        if known is None or (known.verb != "replaced" and change.verb == "replaced"):
            changes[change.urn] = change
    config = document.get("config") or {}
    failed = status not in (0, None) or any(
        item.get("severity") == "error" for item in document.get("diagnostics") or []
    )
    error = (_report(document, stderr) or f"the preview ended with status {status}") if failed else ""
    return StackPreview(
        stack=stack,
        cluster=str(config.get("openstack-paas:clusterName") or _own_name(steps) or stack),
        changes=tuple(sorted(changes.values(), key=lambda change: change.urn)),
        error=error,
        findings=() if error else _findings(document),
        flavors=_flavors(steps),
    )


def _one(stack: str, path: Path) -> StackPreview:
    """The preview in `path`, with the files beside it: STACK.err, .status and .note (ops/pipeline/preview.sh)."""
    if not path.is_file():
        raise PreviewError(f"{path}: no such file")

    def beside(suffix: str) -> str:
        file = path.with_suffix(suffix)
        return file.read_text(encoding="utf-8").strip() if file.is_file() else ""

    status = beside(".status")
    preview = parse(stack, path.read_text(encoding="utf-8"), beside(".err"), int(status) if status.isdigit() else None)
    return replace(preview, note=beside(".note"))


def read(words: Iterable[str]) -> list[StackPreview]:
    """Previews from words: STACK=FILE, FILE (named after its stack), or a folder of such files.

    Raises PreviewError where there is none.
    """
    found = []
    for word in words:
        stack, equals, rest = word.partition("=")
        path = Path(rest if equals else word)
        if path.is_dir():
            found += [_one(file.stem, file) for file in sorted(path.glob("*.json"))]
        else:
            found.append(_one(stack if equals else path.stem, path))
    if not found:
        raise PreviewError(f"{', '.join(words)}: no previews there")
    return found
