"""The changes of one stack as rows of tables: machines, addons, network, certificates and keys, the rest."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ops.preview_comment import descriptions
from ops.preview_comment.changes import Change, StackPreview, Verb

GATEWAYS = "openstack-paas:gateway:Gateways"
#: The components of machines: each machine is a group of its role's resources that have its name.
ROLES = {
    GATEWAYS,
    "openstack-paas:etcd:EtcdCluster",
    "openstack-paas:kubernetes:ControlPlane",
    "openstack-paas:kubernetes:WorkerPool",
}
INSTANCE = "openstack:compute/instance:Instance"
COMMAND = "command:remote:Command"
PRIVATE_KEY = "tls:index/privateKey:PrivateKey"
PORT = "openstack:networking/port:Port"
VOLUMES = {"openstack:blockstorage/volume:Volume", "openstack:compute/volumeAttach:VolumeAttach"}
ADDRESSES = {
    "openstack:networking/floatingIp:FloatingIp",
    "openstack:networking/floatingIpAssociate:FloatingIpAssociate",
}
RELEASE = "kubernetes:helm.sh/v3:Release"
GROUPS = ("Machines", "Addons", "Network", "Certificates and keys", "Other")


@dataclass(frozen=True)
class Row:
    """What happens to one thing, or to several of which the same is true."""

    names: tuple[str, ...]
    verb: Verb
    details: tuple[str, ...]


def machine_of(change: Change) -> str:
    """The name of the machine that a resource belongs to, as components/ give them; empty where it is no machine's."""
    role = change.components[-1] if change.components else ""
    # The gateways' key is that of all of them.
    if role not in ROLES or (role == GATEWAYS and change.type == PRIVATE_KEY):
        return ""
    if change.type == COMMAND:
        return change.name.removeprefix("leave-")
    if change.type in VOLUMES:
        return change.name.removesuffix("-data")
    if change.type == PORT and role == GATEWAYS:
        return change.name.removesuffix("-edge")
    return change.name if change.type in {INSTANCE, PORT, PRIVATE_KEY, *ADDRESSES} else ""


def group_of(change: Change) -> str:
    """The table in which a change stands."""
    if machine_of(change):
        return "Machines"
    if any(":addons:" in component for component in change.components):
        return "Addons"
    if change.type.startswith("tls:") or any(":pki:" in component for component in change.components):
        return "Certificates and keys"
    if any(":network:" in component for component in change.components):
        return "Network"
    return "Other"


def _noun(kind: str) -> str:
    """`openstack:networking/secGroupRule:SecGroupRule` -> `security group rule`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", kind.rsplit(":", 1)[-1]).lower()
    return re.sub(r"^sec group", "security group", words)


def _machine(changes: list[Change], preview: StackPreview) -> Row:
    """One row for a machine with all that belongs to it; the fate of its instance is the machine's fate."""
    instance = next((change for change in changes if change.type == INSTANCE), None)
    verb: Verb = instance.verb if instance else "changed"
    details: list[str] = []
    for change in sorted(changes, key=lambda change: (change.type != INSTANCE, change.type != COMMAND, change.urn)):
        if change.type == INSTANCE:
            if verb == "added":
                flavor = str(change.new.get("flavorId", ""))
                details.append(f"flavor {descriptions.code(preview.flavors.get(flavor, flavor))}")
            elif verb != "removed":
                details += descriptions.properties(change, preview)
        elif change.type == COMMAND:
            details += descriptions.files(change)
        elif verb in ("changed", "replaced") and not (change.type.startswith("tls:") and verb == "replaced"):
            more = descriptions.properties(change, preview) if change.verb in ("changed", "replaced") else []
            details.append(
                f"{_noun(change.type)} {descriptions.code(change.name)} {change.verb}"
                + ("".join(f"; {m}" for m in more))
            )
    return Row((f"{preview.cluster}-{machine_of(changes[0])}",), verb, tuple(dict.fromkeys(details)))


def _other(change: Change, preview: StackPreview) -> Row:
    """One row for one resource."""
    if change.type == RELEASE:
        details = [descriptions.chart(change)]
        if change.verb in ("changed", "replaced"):
            keys = [phrase for phrase in descriptions.properties(change, preview) if not phrase.startswith("version ")]
            details += keys
        return Row((f"addon {change.name}",), change.verb, tuple(details))
    details = descriptions.files(change) if change.type == COMMAND else []
    if not details and change.verb in ("changed", "replaced"):
        details = descriptions.properties(change, preview)
    if change.verb == "replaced" and change.replace_keys and change.type != COMMAND:
        details.append("replaced because of " + ", ".join(descriptions.code(key) for key in change.replace_keys))
    return Row((f"{_noun(change.type)} {change.name}",), change.verb, tuple(details))


def _gathered(rows: Iterable[Row]) -> list[Row]:
    """Rows that say the same are one row with several names."""
    names: dict[tuple[Verb, tuple[str, ...]], list[str]] = {}
    for row in rows:
        names.setdefault((row.verb, row.details), []).extend(row.names)
    return [Row(tuple(sorted(found)), verb, details) for (verb, details), found in names.items()]


def tables(preview: StackPreview) -> dict[str, list[Row]]:
    """Rows by group; groups without rows are left out."""
    machines: dict[str, list[Change]] = {}
    found: dict[str, list[Row]] = {group: [] for group in GROUPS}
    for change in preview.changes:
        group = group_of(change)
        if group == "Machines":
            machines.setdefault(machine_of(change), []).append(change)
        else:
            found[group].append(_other(change, preview))
    found["Machines"] = [_machine(changes, preview) for changes in machines.values()]
    order: dict[Verb, int] = {"replaced": 0, "removed": 1, "changed": 2, "added": 3}
    return {
        group: sorted(_gathered(rows), key=lambda row: (order[row.verb], row.names, row.details))
        for group, rows in found.items()
        if rows
    }


def shortened(names: Iterable[str]) -> str:
    """Names in code; neighbours by number as a range: `lab-worker-0` to `lab-worker-9`."""
    runs: list[tuple[str, int | None, int | None]] = []
    split = (re.fullmatch(r"(.*?)(0|[1-9][0-9]*)?", name, re.DOTALL) for name in names)
    parts = sorted((match[1], int(match[2]) if match[2] else None) for match in split if match and match[0])
    for stem, number in parts:
        last = runs[-1] if runs else None
        if last and number is not None and last[0] == stem and last[2] is not None and last[2] + 1 == number:
            runs[-1] = (stem, last[1], number)
        else:
            runs.append((stem, number, number))
    shown = []
    for stem, first, final in runs:
        if first is None or first == final:
            shown.append(descriptions.code(f"{stem}{'' if first is None else first}"))
        elif final == first + 1:
            shown += [descriptions.code(f"{stem}{first}"), descriptions.code(f"{stem}{final}")]
        else:
            shown.append(f"{descriptions.code(f'{stem}{first}')} to {descriptions.code(f'{stem}{final}')}")
    return ", ".join(shown)
