"""What `paas status` shows of a machine: questions, asked all at once. It changes nothing.

It needs no desired state: a machine whose own is missing or unreadable answers too.
"""

import base64
import binascii
import contextlib
import hashlib
import http.client
import json
import os
import re
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from agent import desired, installed
from agent.command import Command, Options
from agent.etcd.backup_copies import listing
from agent.etcd.backup_settings import BackupSettings
from agent.etcd.network import endpoint, tls
from agent.etcd_http import EtcdHttp
from agent.machine import Machine
from agent.system import dpkg, files, maintenance, time_sync
from agent.system.certificates import split

#: Seconds for one program or request, and for all questions.
QUESTION_SECONDS, ALL_SECONDS = 5.0, 6.0
#: This machine's own API server.
API: Final = ("127.0.0.1", 6443)
_DISKS: Final = ("/", "/var/lib/etcd", "/var/lib/kubelet", "/var/lib/containerd")
_UNITS: Final[Mapping[str, tuple[str, ...]]] = {
    "gateway": ("haproxy.service", "keepalived.service", "openstack-paas-edge-route.timer"),
    "etcd": ("etcd.service", "openstack-paas-etcd-backup.timer", "openstack-paas-etcd-defragment.timer"),
    "control-plane": ("containerd.service", "kubelet.service"),
    "worker": ("haproxy.service", "containerd.service", "kubelet.service", "openstack-paas-volume-folders.path"),
}
_CERTIFICATES: Final = (
    "etc/kubernetes/pki/*.crt",
    "etc/kubernetes/pki/etcd/*.crt",
    "etc/etcd/pki/*.crt",
    "var/lib/kubelet/pki/kubelet-client-current.pem",
    "var/lib/kubelet/pki/kubelet.crt",
)
_PEM_IN_KUBECONFIG: Final = re.compile(r"^ *client-certificate-data: *(\S+)", re.MULTILINE)

#: Returns text, or raises an exception that says why there is none.
Question = Callable[[Machine], str]


def command(role: str) -> Command[None]:
    """The command of a role."""

    def report(machine: Machine, state: None, options: Options) -> None:
        del state, options
        print(json.dumps(ask(machine, questions(role))))

    return Command(None, report, alone=False)


def questions(role: str) -> dict[str, Question]:
    """Those of the role, by name."""
    found: dict[str, Question] = {
        "agent": agent_digest,
        "disks": disks,
        "services": partial(services, role=role),
        "instance": lambda machine: files.read(machine.path("/var/lib/cloud/data/instance-id")),
        "restart": lambda machine: "yes" if maintenance.wants_reboot(machine) else "",
        "clock": clock,
    }
    if role == "gateway":
        return found | {"addresses": addresses, "versions": versions}
    found["certificates"] = certificates
    if role == "etcd":
        return found | {
            "etcd-status": partial(etcd, path="/v3/maintenance/status"),
            "etcd-health": etcd_health,
            # As this member knows it, also without a majority.
            "etcd-members": partial(etcd, path="/v3/cluster/member/list"),
            "backups": backups,
        }
    return found | ({"api-server": api_server} if role == "control-plane" else {})


def ask(machine: Machine, asked: Mapping[str, Question], seconds: float = ALL_SECONDS) -> dict[str, dict[str, str]]:
    """The text of each answer, or its problem. One that fails or hangs takes no other with it."""
    found: dict[str, dict[str, str]] = {}

    def answer(name: str, question: Question) -> None:
        try:
            found[name] = {"text": question(machine)}
        except Exception as error:
            found[name] = {"problem": str(error).strip() or type(error).__name__}

    # Daemons: one that hangs, as on a lost disk, ends with the process.
    threads = [threading.Thread(target=answer, args=pair, daemon=True) for pair in asked.items()]
    end = time.monotonic() + seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(end - time.monotonic(), 0))
    answered = dict(found)
    return {name: answered.get(name, {"problem": "no answer in time"}) for name in asked}


def agent_digest(machine: Machine) -> str:
    """Of the archive that runs, as its name on machines has it."""
    del machine
    archive = Path(sys.argv[0])
    return hashlib.sha256(archive.read_bytes()).hexdigest()[:12] if archive.is_file() else ""


def disks(machine: Machine) -> str:
    """A line each: "80 /" is a file system that is full to 80 %; one that several paths share is there once."""
    found: dict[tuple[int, int], str] = {}
    for path in _DISKS:
        if not machine.path(path).is_dir():
            continue
        size = os.statvfs(machine.path(path))
        used = size.f_blocks - size.f_bfree
        # As df rounds.
        percent = -(-100 * used // max(used + size.f_bavail, 1))
        found.setdefault((size.f_blocks * size.f_frsize, size.f_bavail), f"{percent} {path}\n")
    return "".join(found.values())


def services(machine: Machine, role: str) -> str:
    """A line each: "haproxy.service active". A unit that is not here is not wanted here."""
    units = ("openstack-paas-firewall.service", *_UNITS[role])
    words = ("systemctl", "show", "--property=Id,LoadState,ActiveState", *units)
    shown = machine.must(*words, seconds=QUESTION_SECONDS)
    found = [dict(line.split("=", 1) for line in part.splitlines() if "=" in line) for part in shown.split("\n\n")]
    return "".join(f"{one['Id']} {one['ActiveState']}\n" for one in found if one.get("LoadState") == "loaded")


def clock(machine: Machine) -> str:
    """The offset in milliseconds and the clock in words; without the offset where the clock is the host's."""
    if kind := time_sync.container_kind(machine):
        return f"- the host's (container: {kind})"
    found = time_sync.tracking(machine)
    return f"{found.offset * 1000:.1f} {found}"


def addresses(machine: Machine) -> str:
    """A line each, with its prefix: "10.21.0.5/32"."""
    shown = json.loads(machine.must("ip", "-json", "-4", "address", "show", seconds=QUESTION_SECONDS))
    found = [address for interface in shown for address in interface.get("addr_info", ())]
    return "".join(f"{address['local']}/{address['prefixlen']}\n" for address in found)


def versions(machine: Machine) -> str:
    """A line for each package that changes the platform when it changes: "haproxy 2.6.12-1"."""
    found = dpkg.find_installed(machine, ("haproxy", "keepalived"))
    return "".join(f"{name} {package.version}\n" for name, package in found.items())


def certificates(machine: Machine) -> str:
    """Certificates alone, each file's after a line with its path: what else is in such files stays here."""
    return "".join(f"# {path}\n{pem}" for path, pem in _certificates(machine.root))


def _certificates(root: Path) -> Iterator[tuple[str, str]]:
    for pattern in _CERTIFICATES:
        for file in sorted(root.glob(pattern)):
            text = file.read_text(encoding="utf-8", errors="replace")
            yield f"/{file.relative_to(root)}", "".join(split(text))
    for file in sorted(root.glob("etc/kubernetes/*.conf")):
        # The kubelet's own names a file, which is above.
        if found := _PEM_IN_KUBECONFIG.search(file.read_text(encoding="utf-8", errors="replace")):
            pem = ""
            with contextlib.suppress(binascii.Error):
                pem = "".join(split(base64.b64decode(found[1]).decode(errors="replace")))
            yield f"/{file.relative_to(root)}", pem


def etcd(machine: Machine, path: str) -> str:
    """What this member alone says: each reports for itself."""
    return json.dumps(_member(machine).call(path, {}))


def etcd_health(machine: Machine) -> str:
    """Milliseconds of a read that needs a majority."""
    member, began = _member(machine), time.monotonic()
    member.call("/v3/kv/range", {"key": base64.b64encode(b"health").decode()})
    return f"{(time.monotonic() - began) * 1000:.1f}"


def _member(machine: Machine) -> EtcdHttp:
    return EtcdHttp((endpoint("127.0.0.1"),), tls(machine), QUESTION_SECONDS)


def backups(machine: Machine) -> str:
    """The snapshots here."""
    kept = json.loads(machine.path(installed.state_file("etcd")).read_text())
    return json.dumps(listing(machine, desired.load(BackupSettings, json.dumps(kept["backups"])), here=True))


def api_server(machine: Machine) -> str:
    """By the address that needs nobody else: the checks that fail, then its status."""
    del machine
    # Whose certificate it is does not matter: nothing is sent, and the answer is a line on a screen.
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection(*API, timeout=QUESTION_SECONDS, context=context)
    with contextlib.closing(connection):
        connection.request("GET", "/readyz?verbose")
        answer = connection.getresponse()
        lines = answer.read().decode(errors="replace").splitlines()
    return "".join(f"{line}\n" for line in (*(line for line in lines if line.startswith("[-]")), str(answer.status)))
