"""The changes of one stack as rows of tables: machines, addons, network, certificates and keys, the rest."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ops.preview_comment.changes import WORST_FIRST, Change, StackPreview, Verb
from ops.preview_comment.descriptions import code, describe_chart, describe_files, describe_properties
from policy.record import FLOATING_IP, INSTANCE, PORT, RELEASE, VOLUME

GATEWAYS: Final = "openstack-paas:gateway:Gateways"
#: The components of machines: each machine is a group of its role's resources that have its name.
ROLES: Final = {
    GATEWAYS,
    "openstack-paas:etcd:EtcdCluster",
    "openstack-paas:kubernetes:ControlPlane",
    "openstack-paas:kubernetes:WorkerPool",
}
COMMAND: Final = "command:remote:Command"
AGENT: Final = "command:remote:CopyToRemote"
PRIVATE_KEY: Final = "tls:index/privateKey:PrivateKey"
#: The resources of a machine, and what components/ put after the machine's name.
SUFFIXES: Final = {
    INSTANCE: "",
    COMMAND: "",
    AGENT: "-agent",
    PRIVATE_KEY: "",
    PORT: "-edge",
    FLOATING_IP: "",
    "openstack:networking/floatingIpAssociate:FloatingIpAssociate": "",
    VOLUME: "-data",
    "openstack:compute/volumeAttach:VolumeAttach": "-data",
}
GROUPS: Final = ("Machines", "Addons", "Network", "Certificates and keys", "Other")


@dataclass(frozen=True)
class Row:
    """What happens to one thing, or to several of which the same is true."""

    names: tuple[str, ...]
    verb: Verb
    details: tuple[str, ...]


def machine_of(change: Change) -> str:
    """The name of the machine that a resource belongs to, as components/ give them; empty for any other resource."""
    role = change.components[-1] if change.components else ""
    # All gateways have one key.
    is_shared = role == GATEWAYS and change.type == PRIVATE_KEY
    if role not in ROLES or change.type not in SUFFIXES or is_shared:
        return ""
    return change.name.removeprefix("leave-").removesuffix(SUFFIXES[change.type])


def group_of(change: Change) -> str:
    """The table that a change belongs to."""
    parents = " ".join(change.components)
    if machine_of(change):
        return "Machines"
    if ":addons:" in parents:
        return "Addons"
    if change.type.startswith("tls:") or ":pki:" in parents:
        return "Certificates and keys"
    return "Network" if ":network:" in parents else "Other"


def _noun(kind: str) -> str:
    """`openstack:networking/secGroupRule:SecGroupRule` -> `security group rule`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", kind.rsplit(":", 1)[-1]).lower()
    return re.sub(r"^sec group", "security group", words)


def _machine(changes: list[Change], preview: StackPreview) -> Row:
    """One row for a machine with all that belongs to it; the fate of its instance is the machine's fate."""
    verb: Verb = next((change.verb for change in changes if change.type == INSTANCE), "changed")
    details: list[str] = []
    for change in sorted(changes, key=lambda change: (change.type != INSTANCE, change.type != COMMAND, change.urn)):
        if change.type == INSTANCE and verb == "added":
            flavor = str(change.new.get("flavorId", ""))
            details.append(f"flavor {code(preview.flavors.get(flavor, flavor))}")
        elif change.type == INSTANCE:
            details += describe_properties(change, preview) if verb != "removed" else []
        elif change.type == COMMAND:
            details += describe_files(change)
        elif change.type == AGENT:
            # It comes and goes with its machine.
            details += ["another agent"] if verb == "changed" and change.verb != "removed" else []
        elif verb in ("changed", "replaced") and not (change.type.startswith("tls:") and verb == "replaced"):
            more = describe_properties(change, preview) if change.verb in ("changed", "replaced") else []
            details.append("; ".join([f"{_noun(change.type)} {code(change.name)} {change.verb}", *more]))
    return Row((f"{preview.cluster}-{machine_of(changes[0])}",), verb, tuple(dict.fromkeys(details)))


def _other(change: Change, preview: StackPreview) -> Row:
    """One row for one resource."""
    differs = describe_properties(change, preview) if change.verb in ("changed", "replaced") else []
    if change.type == RELEASE:
        details = [describe_chart(change), *(phrase for phrase in differs if not phrase.startswith("version "))]
        return Row((f"addon {change.name}",), change.verb, tuple(details))
    details = (describe_files(change) if change.type == COMMAND else []) or differs
    if change.verb == "replaced" and change.replace_keys and change.type != COMMAND:
        details.append(f"replaced because of {', '.join(map(code, change.replace_keys))}")
    return Row((f"{_noun(change.type)} {change.name}",), change.verb, tuple(details))


def make_tables(preview: StackPreview) -> dict[str, list[Row]]:
    """Rows by group, the worst first. Groups without rows are left out; rows that say the same are one row."""
    machines: dict[str, list[Change]] = {}
    found: dict[str, list[Row]] = {group: [] for group in GROUPS}
    for change in preview.changes:
        if machine := machine_of(change):
            machines.setdefault(machine, []).append(change)
        else:
            found[group_of(change)].append(_other(change, preview))
    found["Machines"] = [_machine(changes, preview) for changes in machines.values()]
    return {group: _merge(rows) for group, rows in found.items() if rows}


def _merge(rows: Iterable[Row]) -> list[Row]:
    """Rows that say the same as one row with several names."""
    names: dict[tuple[Verb, tuple[str, ...]], list[str]] = {}
    for row in rows:
        names.setdefault((row.verb, row.details), []).extend(row.names)
    merged = [Row(tuple(sorted(found)), verb, details) for (verb, details), found in names.items()]
    return sorted(merged, key=lambda row: (WORST_FIRST.index(row.verb), row.names, row.details))


def shorten(names: Iterable[str]) -> str:
    """Names in code; neighbours by number as a range: `lab-worker-0` to `lab-worker-9`."""
    split = (re.fullmatch(r"(.*?)(0|[1-9][0-9]*)?", name, re.DOTALL) for name in names)
    # A name without a number has -2, which no number follows.
    parts = sorted((match[1], int(match[2] or -2)) for match in split if match and match[0])
    runs: list[tuple[str, list[int]]] = []
    for stem, number in parts:
        if runs and runs[-1][0] == stem and runs[-1][1][-1] + 1 == number:
            runs[-1][1].append(number)
        else:
            runs.append((stem, [number]))
    shown = []
    for stem, numbers in runs:
        ends = [code(f"{stem}{number if number >= 0 else ''}") for number in dict.fromkeys((numbers[0], numbers[-1]))]
        shown.append((" to " if len(numbers) > 2 else ", ").join(ends))
    return ", ".join(shown)
