"""The parts of a control plane that run as static pods, and what they read only when they start.

A part that runs with other files than there are now is restarted.
"""

import http.client
import re
import ssl
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from agent.kubernetes import api_server, processes
from agent.kubernetes.api_server import ApiServer
from agent.kubernetes.kubeadm import Kubeadm
from agent.machine import Machine, NotYet
from agent.system import files, services

API_SERVER: Final = api_server.NAME
CONTROLLER_MANAGER: Final = "kube-controller-manager"
SCHEDULER: Final = "kube-scheduler"
_PKI: Final = "/etc/kubernetes/pki"

#: What is read only at the start, by the parts that read it.
READS: Final = {
    API_SERVER: (f"{_PKI}/etcd/ca.crt",),
    CONTROLLER_MANAGER: (f"{_PKI}/ca.crt", "/etc/kubernetes/controller-manager.conf"),
    SCHEDULER: ("/etc/kubernetes/scheduler.conf",),
}
#: The ports at which parts say whether they are well.
_PORTS: Final = {CONTROLLER_MANAGER: 10257, SCHEDULER: 10259}
_SIGNING: Final = re.compile(r"^ *- (--cluster-signing-(?:cert-file|duration)=.*)$", re.MULTILINE)


def manifest_of(part: str) -> str:
    """The manifest of a part."""
    return f"/etc/kubernetes/manifests/{part}.yaml"


def healthz(port: int) -> str:
    """What the part at this port says, by a certificate of its own. Raises NotYet unless it is well."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=4, context=context)
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        seen = f"HTTP status {answer.status} from port {port}"
    except (OSError, http.client.HTTPException) as error:
        raise NotYet(f"no answer from port {port}: {error}") from None
    finally:
        connection.close()
    if answer.status != 200:
        raise NotYet(seen)
    return seen


class StaticPods:
    """The API server, the controller-manager and the scheduler of this machine."""

    def __init__(
        self, machine: Machine, server: ApiServer, others_serve: Callable[[], None], ask: Callable[[int], str] = healthz
    ) -> None:
        """`others_serve` raises Failed unless the API stays without this machine's."""
        self.machine, self.server, self.others_serve, self._ask = machine, server, others_serve, ask

    def remember_reads(self, at_work: bool) -> None:
        """What runs has read what there is: before anything changes, and when kubeadm has just started it."""
        for part in READS:
            if not at_work or not services.applied(self.machine, part).exists():
                self.note_reads(part)

    def note_reads(self, part: str) -> None:
        """The part has read what there is now."""
        services.remember(self.machine, part, services.fingerprint(self.machine, READS[part]))

    def is_outdated(self, part: str) -> bool:
        """Whether the part has read other files than there are."""
        known = files.read(services.applied(self.machine, part))
        return services.fingerprint(self.machine, READS[part]) != known

    def apply_reads(self, *parts: str, replaced: Mapping[str, int] | None = None) -> None:
        """Restarts the parts that run with other files than there are now, all of them side by side.

        `replaced` are parts whose manifest has changed already, with the process that has to go; they are waited for
        too.
        """
        waits_for = dict(replaced or {})
        for part in parts:
            if self.is_outdated(part):
                if part == API_SERVER:
                    self.others_serve()
                self.machine.log(f"{part} has read the previous files: restarting it")
                waits_for |= self._replace(part)
        for part, process in waits_for.items():
            self._await_part(part, process)
        for part in parts:
            self.note_reads(part)

    def _running(self, part: str) -> dict[str, int]:
        """The part with its process; empty when it does not run."""
        process = processes.oldest(self.machine, f"{part} ")
        return {} if process is None else {part: process}

    def _replace(self, part: str) -> dict[str, int]:
        """A static pod whose manifest differs is restarted at once, one that was killed only after a while."""
        old = self._running(part)
        manifest = self.machine.path(manifest_of(part)).read_text()
        digest = services.fingerprint(self.machine, READS[part])[:12]
        bare = re.sub(r"^    openstack-paas/read:.*\n", "", manifest, flags=re.MULTILINE)
        marked = rf"\g<0>\n    openstack-paas/read: x{digest}"
        new = re.sub(r"^    component: .*$", marked, bare, count=1, flags=re.MULTILINE)
        return old if files.install(self.machine, new, manifest_of(part), 0o600) else {}

    def _await_part(self, part: str, process: int) -> None:
        machine = self.machine
        machine.unit = "kubelet.service"
        if part == API_SERVER:
            self.server.await_end(process)
            self.server.await_service()
            return
        machine.retry_until(120, f"the kubelet to replace {part}", lambda: self._is_another(part, process))
        machine.retry_until(120, f"{part} to be well", lambda: self._ask(_PORTS[part]))

    def _is_another(self, part: str, process: int) -> None:
        now = self._running(part)
        if not now:
            raise NotYet(f"{part} does not run")
        if now[part] == process:
            raise NotYet(f"{part} is still the previous process")

    def signs_otherwise(self, signing: Sequence[str]) -> bool:
        """Whether the controller-manager signs in another way than by these arguments."""
        wanted = set(signing)
        if not any(each.startswith("--cluster-signing-cert-file=") for each in wanted):
            wanted.add(f"--cluster-signing-cert-file={_PKI}/ca.crt")
        manifest = self.machine.path(manifest_of(CONTROLLER_MANAGER)).read_text()
        return set(_SIGNING.findall(manifest)) != wanted

    def follow_signing(self, signing: Sequence[str], kubeadm: Kubeadm, configuration: str) -> dict[str, int]:
        """The way of signing is in the manifest, which kubeadm writes by its configuration. What `apply_reads` gets."""
        if not self.signs_otherwise(signing):
            return {}
        old = self._running(CONTROLLER_MANAGER)
        kubeadm.record(configuration)
        phase = ("init", "phase", "control-plane", "controller-manager")
        kubeadm.run("the controller-manager's manifest", *phase, configuration=configuration)
        self.note_reads(CONTROLLER_MANAGER)
        return old
