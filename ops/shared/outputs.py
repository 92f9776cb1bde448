"""A stack's outputs, as ops reads them: the contract with the program."""

import json
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from ops.shared import pulumi
from ops.shared.errors import OpsError

Entry = TypeVar("Entry", "Machine", "Database")


class OutputsError(OpsError):
    """The stack has no usable outputs; the message says what is missing."""


@dataclass(frozen=True)
class Machine:
    """One entry of `inventory`. `public_address` is empty on machines behind the gateways."""

    name: str
    role: str
    address: str
    instance_id: str
    host_key_fingerprint: str
    """As OpenSSH prints it: SHA256:... without padding."""
    host_key: str = ""
    """The public key in OpenSSH's format; empty when only the fingerprint is known."""
    public_address: str = ""
    pool: str = ""
    """Of a worker."""


@dataclass(frozen=True)
class Database:
    """The MariaDB: `service` is the primary's DNS name, `primary` and `replicas` are pods."""

    service: str
    namespace: str
    primary: str
    replicas: tuple[str, ...]
    port: int


@dataclass(frozen=True)
class Outputs:
    """Everything that ops needs to know of a platform. `kubeconfig` and `ssh_private_key` are secrets."""

    api_endpoint: str
    kubeconfig: str
    ssh_private_key: str
    ssh_user: str
    inventory: tuple[Machine, ...]
    database: Database | None
    versions: Mapping[str, str]
    gateway_address: str = ""
    """The public VIP or the first gateway; empty when it is the API's address, as in outputs of earlier releases."""
    preset: str = ""
    """What the platform is for; empty in outputs of earlier releases."""
    fixed: Mapping[str, str] = field(default_factory=dict)
    """What is built into the platform, by its key in the settings: its name, its networks, ..."""
    renewal_hours: int = 0
    """What ends within so many hours is renewed by the next `pulumi up`; 0 in outputs of earlier releases."""

    @property
    def entry_host(self) -> str:
        """The way to machines behind the gateways."""
        return self.gateway_address or self.api_host

    @property
    def api_host(self) -> str:
        """The address of the API outside."""
        host = urlsplit(self.api_endpoint).hostname
        if not host:
            raise OutputsError(f"output apiEndpoint is not a URL: {self.api_endpoint}")
        return host

    def role(self, *roles: str) -> list[Machine]:
        """The machines of these roles."""
        return [machine for machine in self.inventory if machine.role in roles]

    def short(self, machine: Machine) -> str:
        """Its name without the cluster's, which all of them begin with."""
        return machine.name.removeprefix(f"{self._cluster}-") if self._cluster else machine.name

    @property
    def _cluster(self) -> str:
        """The cluster's name, also from outputs of earlier releases: what every name has before its role."""
        if name := self.fixed.get("clusterName"):
            return name
        names = {machine.name.partition(f"-{machine.role}-")[0] for machine in self.inventory}
        return names.pop() if len(names) == 1 else ""

    def machine(self, name: str) -> Machine:
        """The machine of that name; the cluster's name at its beginning may be left out. Raises OutputsError."""
        for machine in self.inventory:
            if name in (machine.name, self.short(machine)):
                return machine
        known = [self.short(machine) for machine in self.inventory]
        near = [one for one in known if name and name in one] or get_close_matches(name, known, cutoff=0.7)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(known)}"
        raise OutputsError(f"no machine is called {name}; {hint}")


def _read(kind: type[Entry], entry: Mapping[str, Any]) -> Entry:
    """An entry whose keys are the fields' names in camelCase. Raises KeyError when one without a default is missing."""
    keys = {one.name: re.sub("_(.)", lambda letter: letter[1].upper(), one.name) for one in fields(kind)}
    needed = {one.name for one in fields(kind) if one.default is MISSING}
    return kind(**{name: entry[key] for name, key in keys.items() if name in needed or key in entry})


def _database(entry: Mapping[str, Any]) -> Database | None:
    if not entry:
        return None
    return _read(Database, {**entry, "replicas": tuple(entry["replicas"]), "port": int(entry["port"])})


def parse(document: Mapping[str, Any]) -> Outputs:
    """The outputs from the document of `pulumi stack output --json`. Raises OutputsError naming what is missing."""
    if not document:
        raise OutputsError("the stack has no outputs: run `pulumi up` first")
    try:
        return Outputs(
            api_endpoint=document["apiEndpoint"],
            kubeconfig=document["kubeconfig"],
            ssh_private_key=document["sshPrivateKey"],
            ssh_user=document.get("sshUser", "debian"),
            inventory=tuple(_read(Machine, entry) for entry in document["inventory"]),
            database=_database(document["database"]),
            versions=document["versions"],
            gateway_address=document.get("gatewayAddress", ""),
            preset=document.get("preset", ""),
            fixed=document.get("fixedSettings", {}),
            renewal_hours=int(document.get("certificates", {}).get("renewalHours", 0)),
        )
    except KeyError as error:
        raise OutputsError(f"the stack's outputs lack {error}: run `pulumi up` to its end") from error


def load(stack: str | None = None, file: Path | None = None) -> Outputs:
    """Outputs of a stack (the selected one by default), or from a file that holds such a document."""
    try:
        text = file.read_text() if file else pulumi.run("stack", "output", "--json", "--show-secrets", stack=stack)
        return parse(json.loads(text if file else text or "{}"))
    except (OSError, ValueError) as error:
        raise OutputsError(f"{file or '`pulumi stack output`'}: {error}") from error
    except pulumi.PulumiError as error:
        raise OutputsError(str(error)) from error
