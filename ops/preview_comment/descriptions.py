"""A change in words: which part of a desired state, which version, which property; values only where none is secret."""

import re
from collections.abc import Mapping
from typing import Any, Final

from ops.preview_comment.changes import Change, StackPreview
from policy.record import UNKNOWN

#: Properties with values that help a reader and are never secret.
SHOWN: Final = {
    *("adminStateUp", "algorithm", "availabilityZone", "cidr", "ecdsaCurve", "flavorId", "gatewayIp", "imageId"),
    *("ipAddress", "mtu", "name", "networkId", "policies", "pool", "portRangeMax", "portRangeMin"),
    *("portSecurityEnabled", "protocol", "remoteIpPrefix", "size", "subnetId", "validityPeriodHours", "version"),
    "volumeType",
}
#: Numbers with a unit and switches. Such Helm values are shown when their key does not sound like a secret.
_QUANTITY: Final = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,6})*[A-Za-z]{0,3}|true|false")
_SECRET_KEY: Final = re.compile(r"pass|secret|token|credential|key|pin", re.IGNORECASE)
_LISTED: Final = re.compile(r"# (\S.*) (secret|[0-9a-f]{8})")
#: How the command of a step begins: the files that it brings, or the parts of the desired state for the agent.
_FILES: Final = "# openstack-paas: step "
_PARTS: Final = re.compile(r"# openstack-paas: \S+ \S+\. What it brings.*\n(# agent\S*\.pyz\n)?")
#: Longest value that is shown, characters.
LONGEST: Final = 60


def code(value: object) -> str:
    """`value` as code that fits into a table's cell and neither mentions people nor ends the cell."""
    text = re.sub(r"\s+", " ", str(value)).replace("`", "'").replace("|", "/")
    return f"`{text if len(text) <= LONGEST else text[: LONGEST - 1] + '…'}`"


def _value(properties: Mapping[str, Any], path: str) -> Any:
    """The value at `a.b[0].c`; None where there is none."""
    value: Any = properties
    for part in re.findall(r'[^.\[\]"]+', path):
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def read_listing(create: object) -> dict[str, str] | None:
    """Digest (or `secret`) by path, of the files that a step's command names; None while that is not known.

    A desired state has parts with names in the place of files. That there is another agent is said of its upload.
    """
    if not isinstance(create, str):
        return None
    parts = _PARTS.match(create)
    if not parts and not create.startswith(_FILES):
        return None
    files: dict[str, str] = {}
    for line in create[parts.end() :].splitlines() if parts else create.splitlines()[1:]:
        match = _LISTED.fullmatch(line)
        if match is None:
            break
        files[match[1]] = match[2]
    return files


def describe_files(change: Change) -> list[str]:
    """What a step's command brings to its machine."""
    if change.verb == "removed":
        return []
    if not any(inputs.get("create") for inputs in (change.old, change.new)):
        # It runs before its machine is removed, and at no other time.
        return ["how it leaves the cluster"]
    before, after = read_listing(change.old.get("create")), read_listing(change.new.get("create"))
    if change.verb == "added":
        return [f"{len(after)} files"] if after else ["its files, known once it is there"]
    if change.verb == "replaced":
        return ["all its steps run again"]
    words = []
    if "create" in change.keys or "stdin" in change.keys:
        if str(change.old.get("create")).startswith(_FILES) and _PARTS.match(str(change.new.get("create"))):
            words.append("goes over to the agent")
        elif before is None or after is None:
            words.append("files that are known only during the update")
        else:
            changed = [path for path in sorted(before.keys() & after.keys()) if before[path] != after[path]]
            words += [f"{code(path)} changes" for path in changed]
            words += [f"{code(path)} is new" for path in sorted(after.keys() - before.keys())]
            words += [f"{code(path)} goes" for path in sorted(before.keys() - after.keys())]
            if not words:
                # Another agent alone changes the text of the command, and not what is on its standard input.
                is_other = "stdin" in change.keys
                secrets = [code(path) for path, digest in sorted(after.items()) if digest == "secret" and is_other]
                words.append(f"the content of a secret file changes ({', '.join(secrets)})" if secrets else "its step")
    if "connection" in change.keys:
        words.append("it is reached by another address or key; the step runs again")
    return words or [", ".join(map(code, change.keys)) or "its step runs again"]


def _shown(key: str, value: Any, preview: StackPreview) -> str | None:
    """A value as code, or None where it is better not shown."""
    if value is None or value == "[secret]" or isinstance(value, (Mapping, list)):
        return None
    if value == UNKNOWN:
        return "known during the update"
    if key == "flavorId":
        return code(preview.flavors.get(str(value), value))
    plain = str(value).lower() if isinstance(value, bool) else str(value)
    is_quantity = key.startswith("values.") and _QUANTITY.fullmatch(plain) and not _SECRET_KEY.search(key)
    return code(plain) if key in SHOWN or is_quantity else None


def describe_properties(change: Change, preview: StackPreview) -> list[str]:
    """One phrase a property that differs: its name, its values where they can be shown."""
    phrases = []
    for key in change.keys:
        name = {"flavorId": "flavor", "imageId": "image"}.get(key, key)
        # What the cloud chose itself is among the outputs only.
        known = _value(change.old, key)
        before = _shown(key, _value(change.old_outputs, key) if known is None else known, preview)
        after = _shown(key, _value(change.new, key), preview)
        if before and after:
            phrases.append(f"{name} {before} → {after}")
        elif after or before:
            phrases.append(f"{name} {after}" if after else f"{name} {before} goes")
        else:
            phrases.append(code(name))
    if change.verb == "changed" and not phrases:
        phrases.append("may change: what it depends on is known only during the update")
    return phrases


def describe_chart(change: Change) -> str:
    """A Helm release's chart and version, from where to where."""
    name = str(change.new.get("chart") or change.old.get("chart") or change.name).rstrip("/").rsplit("/", 1)[-1]
    versions = dict.fromkeys(filter(None, (change.old.get("version"), change.new.get("version"))))
    return f"chart {code(name)} {' → '.join(map(code, versions))}".rstrip()
