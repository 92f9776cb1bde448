"""What `pulumi preview --json` says, as changes of real resources: components, the stack and providers are left out."""

import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from ops.shared.errors import OpsError
from policy.reading import PolicyError, records_of
from policy.record import Violation
from policy.rules import violations

#: What happens to a resource.
Verb = Literal["added", "changed", "replaced", "removed"]
#: The engine's operations that change something (sdk/go/common/resource: deploy/step.go's Op constants).
OPERATIONS: Final[Mapping[Verb, tuple[str, ...]]] = {
    "added": ("create", "import"),
    "changed": ("update",),
    "replaced": ("replace", "create-replacement", "delete-replaced", "import-replacement", "remove-pending-replace"),
    "removed": ("delete", "discard"),
}
VERB_OF_OPERATION: Final = {operation: verb for verb, operations in OPERATIONS.items() for operation in operations}
#: In the order of how much a reader should worry. The first two lose something.
WORST_FIRST: Final[tuple[Verb, ...]] = ("replaced", "removed", "changed", "added")
LOSSES: Final = ("replaced", "removed")

_KEY_BLOCK: Final = re.compile(r"-----BEGIN [A-Z ]*KEY-----.*?(-----END [A-Z ]*KEY-----|\Z)", re.DOTALL)


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
    _, _, types, name = step["urn"].split("::", 3)
    return Change(
        urn=step["urn"],
        verb=verb,
        type=kind,
        name=name,
        components=tuple(types.split("$")[:-1]),
        keys=tuple(sorted({*(step.get("detailedDiff") or {}), *(step.get("diffReasons") or [])})),
        replace_keys=tuple(sorted(step.get("replaceReasons") or [])),
        old=old.get("inputs") or {},
        new=(new.get("inputs") or {}) if verb != "removed" else {},
        old_outputs=old.get("outputs") or {},
    )


def _error(document: Mapping[str, Any], stderr: str, status: int | None) -> str:
    """The errors among the diagnostics, else what the engine wrote on standard error; empty after a success."""
    diagnostics = document.get("diagnostics") or []
    errors = [str(item.get("message", "")).strip() for item in diagnostics if item.get("severity") == "error"]
    if not errors and status in (0, None):
        return ""
    # The engine repeats that the program ended badly; the reason is in the messages before.
    useful = [text for text in errors if "an unhandled error occurred: program exited" not in text] or errors
    report = "\n".join(dict.fromkeys(useful)) or stderr.strip() or f"the preview ended with status {status}"
    return without_keys(report)


def without_keys(text: str) -> str:
    """`text` with private keys blotted out; the engine has hidden what it knows to be secret already."""
    return _KEY_BLOCK.sub("[secret]", text)


def parse(stack: str, text: str, stderr: str = "", status: int | None = None, note: str = "") -> StackPreview:
    """One stack's preview from the engine's standard output and error and its exit status (None: not known)."""
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        report = "\n".join(filter(None, (stderr.strip(), text.strip())))
        error = without_keys(report) or f"the preview ended with status {status} and said nothing"
        return StackPreview(stack, error=error, note=note)
    error = _error(document, stderr, status)
    steps = document.get("steps") or []
    # A replaced resource may come as three steps: one of them that says `replaced` represents all.
    found = sorted(filter(None, map(_change, steps)), key=lambda change: (change.urn, change.verb != "replaced"))
    changes: dict[str, Change] = {}
    for change in found:
        changes.setdefault(change.urn, change)
    findings: list[Violation] = []
    if not error and "changeSummary" in document:
        with suppress(PolicyError):
            findings = violations(*records_of(document))
    # The engine's name of the stack, whatever the file is called.
    own_name = next((step["urn"].split("::")[0].rsplit(":", 1)[-1] for step in steps if step.get("urn")), "")
    outputs = [(step.get("oldState") or {}).get("outputs") or {} for step in steps]
    return StackPreview(
        stack=stack,
        cluster=str((document.get("config") or {}).get("openstack-paas:clusterName") or own_name or stack),
        changes=tuple(changes.values()),
        error=error,
        note=note,
        findings=tuple(findings),
        flavors={
            str(machine["flavorId"]): str(machine["flavorName"])
            for machine in outputs
            if machine.get("flavorId") and machine.get("flavorName")
        },
    )


def _read_one(stack: str, path: Path) -> StackPreview:
    """The preview in `path`, with the files beside it: STACK.err, .status and .note (ops/pipeline/preview.sh)."""
    if not path.is_file():
        raise PreviewError(f"{path}: no such file")

    def beside(suffix: str) -> str:
        file = path.with_suffix(suffix)
        return file.read_text(encoding="utf-8").strip() if file.is_file() else ""

    status = beside(".status")
    text = path.read_text(encoding="utf-8")
    return parse(stack, text, beside(".err"), int(status) if status.isdigit() else None, beside(".note"))


def read(words: Iterable[str]) -> list[StackPreview]:
    """Previews from words: STACK=FILE, FILE (named after its stack), or a folder of such files.

    Raises PreviewError when there is none.
    """
    found = []
    for word in words:
        stack, equals, rest = word.partition("=")
        path = Path(rest if equals else word)
        if path.is_dir():
            found += [_read_one(file.stem, file) for file in sorted(path.glob("*.json"))]
        else:
            found.append(_read_one(stack if equals else path.stem, path))
    if not found:
        raise PreviewError(f"{', '.join(words)}: no previews found")
    return found
