"""Who asks the API, where it is not the machine's own kubelet: a kubeconfig's user, or who was handed in."""

import base64
import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from agent.kubernetes_api import Identity, KubernetesApi
from agent.machine import Failed, Machine

#: Folders in memory for root alone. Nothing of an identity that a run was given comes to a disk.
_PARENT: Final = "/run/openstack-paas-identity"
#: What former releases left in memory when a run of theirs was killed.
_FORMER: Final = ("/dev/shm", "openstack-paas-leave.*")
#: Seconds: no run takes a day.
_OLD_SECONDS: Final = 86400


def _forget_killed_runs(machine: Machine) -> None:
    """A run that was killed could not remove its own folder."""
    now = machine.clock.now().timestamp()
    for parent, pattern in ((_PARENT, "openstack-paas-*"), _FORMER):
        for folder in machine.path(parent).glob(pattern):
            with contextlib.suppress(FileNotFoundError):
                if now - folder.stat().st_mtime > _OLD_SECONDS:
                    shutil.rmtree(folder, ignore_errors=True)


def _write_secret(path: Path, content: str) -> Path:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(content)
    return path


@contextlib.contextmanager
def given_identity(machine: Machine, ca: Path, pem: str) -> Iterator[Identity]:
    """An identity handed in on standard input: a certificate and its key, in one text. Gone when the run ends."""
    if "BEGIN CERTIFICATE" not in pem or "PRIVATE KEY" not in pem:
        raise Failed("a certificate and its key have to come on standard input")
    _forget_killed_runs(machine)
    with machine.work_folder(_PARENT) as folder:
        both = _write_secret(folder / "identity.pem", pem)
        yield Identity(ca, both, both)


@contextlib.contextmanager
def kubeconfig_identity(machine: Machine, kubeconfig: str) -> Iterator[Identity]:
    """The user of a kubeconfig that has one user, as kubeadm writes them. Raises Failed where there is no such file.

    What it embeds is in files for root alone, in memory, as long as the identity is used.
    """
    path = machine.path(kubeconfig)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise Failed(f"{kubeconfig} does not exist") from None
    _forget_killed_runs(machine)
    with machine.work_folder(_PARENT) as folder:

        def file(name: str) -> Path:
            if embedded := field(text, f"{name}-data"):
                return _write_secret(folder / name, base64.b64decode(embedded).decode())
            if named := field(text, name):
                # Relative names are relative to the kubeconfig.
                return machine.path(named) if named.startswith("/") else path.parent / named
            raise Failed(f"{kubeconfig} has no {name}")

        yield Identity(file("certificate-authority"), file("client-certificate"), file("client-key"))


@contextlib.contextmanager
def api_of_kubeconfig(machine: Machine, kubeconfig: str, endpoint: str = "") -> Iterator[KubernetesApi]:
    """The API as a kubeconfig's user, at the kubeconfig's server or at another endpoint (host:port)."""
    with kubeconfig_identity(machine, kubeconfig) as identity:
        server = field(machine.path(kubeconfig).read_text(encoding="utf-8"), "server").removeprefix("https://")
        yield KubernetesApi(endpoint or server, identity, machine.clock)


def field(kubeconfig: str, name: str) -> str:
    """The first value of that name in the text of a kubeconfig, "" where there is none."""
    found = re.search(rf"^[ -]*{re.escape(name)}: *[\"']?([^\s\"']+)", kubeconfig, re.MULTILINE)
    return found[1] if found else ""
