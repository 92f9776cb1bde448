"""Certificates that a control plane makes itself, with kubeadm and the authorities' keys in its desired state.

Always all of them, whatever the reason, first beside the old ones.
"""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from agent.kubernetes import kubeconfig
from agent.kubernetes.control_plane_state import ControlPlaneSettings
from agent.kubernetes.kubelet_certificates import KubeletCertificates
from agent.kubernetes.node import Node, is_pair
from agent.kubernetes.node_settings import ADMIN_KUBECONFIG, KUBERNETES
from agent.kubernetes_api import node_path
from agent.machine import Machine, NotYet
from agent.programs import Ended
from agent.system import files

LEAVES: Final = ("apiserver", "apiserver-kubelet-client", "front-proxy-client")
FRONT_PROXY: Final = "front-proxy-client"
#: super-admin's is only where the cluster was initialised.
KUBECONFIGS: Final = ("admin", "super-admin", "controller-manager", "scheduler")


class ControlPlaneCertificates:
    """The certificates of this control plane's API server, its kubeconfigs and its kubelet."""

    def __init__(self, node: Node, wanted: ControlPlaneSettings, kubelet: KubeletCertificates) -> None:
        self.node, self.wanted, self.kubelet, self.renewal = node, wanted, kubelet, kubelet.renewal
        self.machine = node.machine

    def _own_kubeconfigs(self) -> tuple[str, ...]:
        """Those that are here. One that a power cut has left empty is made again like the others."""
        return tuple(name for name in KUBECONFIGS if self.machine.path(f"{KUBERNETES}/{name}.conf").exists())

    def _names_differ(self) -> bool:
        words = ("-noout", "-ext", "subjectAltName")
        ended = self.machine.run("openssl", "x509", "-in", self._leaf("apiserver.crt"), *words)
        has = re.findall(r"(?:DNS|IP Address):([^,\s]+)", ended.output)
        return set(has) != set(self.wanted.api_names)

    def reasons(self) -> tuple[str, ...]:
        """Why this machine's certificates must be renewed."""
        found = []
        for name in LEAVES:
            authorities = self.wanted.pki.front_proxy_ca if name == FRONT_PROXY else ""
            found.append((f"{name}.crt", self.renewal.reason(self._leaf(f"{name}.crt"), authorities)))
        with self.machine.work_folder() as folder:
            for name in self._own_kubeconfigs():
                text = files.read(self.machine.path(f"{KUBERNETES}/{name}.conf"))
                files.write(folder / "embedded.crt", kubeconfig.embedded(text, "client-certificate-data"))
                found.append((f"the certificate in {name}.conf", self.renewal.reason(folder / "embedded.crt")))
        found.append(("the kubelet's certificate", self.renewal.reason(self.kubelet.current)))
        reasons = [f"{name} {reason}" for name, reason in found if reason]
        if self._names_differ():
            reasons.append(f"the API server is to have other names: {' '.join(self.wanted.api_names)}")
        return tuple(reasons)

    def _make(self, leaves: tuple[str, ...], kubeconfigs: tuple[str, ...]) -> dict[str, str]:
        """What kubeadm makes with the authorities that issue, by its name below /etc/kubernetes; keys come first.

        Nothing of it stays on the disk.
        """
        kubeadm, authorities = self.node.kubeadm, self.wanted.authorities
        with self._configuration() as (folder, configuration):
            for name in leaves:
                kubeadm.run(f"{name}.crt", "init", "phase", "certs", name, configuration=configuration)
            for name in kubeconfigs:
                words = ("init", "phase", "kubeconfig", name, "--kubeconfig-dir", folder)
                kubeadm.run(f"{name}.conf", *words, configuration=configuration)
            pairs = [f"pki/{name}.{end}" for name in leaves for end in ("key", "crt")]
            made = {name: (folder / name).read_text() for name in pairs}
            texts = {f"{name}.conf": (folder / f"{name}.conf").read_text() for name in kubeconfigs}
        return made | {name: kubeconfig.embed(text, authorities) for name, text in texts.items()}

    @contextlib.contextmanager
    def _configuration(self) -> Iterator[tuple[Path, str]]:
        """A folder with the authorities, and kubeadm's configuration to work in it."""
        own, pki = self.wanted, self.wanted.pki
        with self.machine.work_folder() as folder:
            files.write(folder / "pki/ca.crt", own.authorities)
            files.write(folder / "pki/ca.key", pki.ca_key, 0o600)
            files.write(folder / "pki/front-proxy-ca.crt", pki.front_proxy_ca)
            files.write(folder / "pki/front-proxy-ca.key", pki.front_proxy_ca_key, 0o600)
            kind = "kind: ClusterConfiguration"
            place = f"{kind}\ncertificatesDir: {folder}/pki"
            yield folder, re.sub(rf"^{kind}$", place, own.init_configuration, flags=re.MULTILINE)

    def repair(self) -> None:
        """On a control plane that runs, before anything is asked: what a power cut has left empty is made again."""
        if not self.node.at_work:
            return
        pki = self.machine.path(f"{KUBERNETES}/pki")
        leaves = tuple(name for name in LEAVES if not is_pair(pki / f"{name}.crt", pki / f"{name}.key"))
        broken = tuple(name for name in self._own_kubeconfigs() if not self._is_whole(name))
        if leaves or broken:
            self.machine.log(f"cannot be read, and made again: {', '.join((*leaves, *broken))}")
            self._install(self._make(leaves, broken))

    def _is_whole(self, name: str) -> bool:
        return all(kubeconfig.pair(files.read(self.machine.path(f"{KUBERNETES}/{name}.conf"))))

    def _install(self, made: dict[str, str]) -> None:
        for name, content in made.items():
            files.install(self.machine, content, f"{KUBERNETES}/{name}", 0o644 if name.endswith(".crt") else 0o600)

    def remake_kubelet(self) -> tuple[str, str]:
        """Another certificate and key for the kubelet alone, which has none any more."""
        return kubeconfig.pair(self._make((), ("kubelet",))["kubelet.conf"])

    def renew(self) -> None:
        """All of them when one has to be.

        The API server reads its certificates by itself, one file after the other: the key comes first, so that the pair
        is whole when the certificate comes.
        """
        if not (reasons := self.reasons()):
            return
        for reason in reasons:
            self.machine.log(reason)
        made = self._make(LEAVES, (*self._own_kubeconfigs(), "kubelet"))
        # The kubelet keeps its own certificate in another way.
        kubelet = kubeconfig.pair(made.pop("kubelet.conf"))
        self.node.kubeadm.record(self.wanted.init_configuration)
        self._install(made)
        self.kubelet.install(*kubelet)
        what = "the API server to reach the kubelet with its new certificate"
        self.machine.retry_until(60, what, self._reaches_kubelet)

    def embed_authorities(self) -> None:
        """All kubeconfigs trust what is wanted."""
        for name in self._own_kubeconfigs():
            text = self.machine.path(f"{KUBERNETES}/{name}.conf").read_text()
            if not kubeconfig.embeds(text, self.wanted.authorities):
                new = kubeconfig.embed(text, self.wanted.authorities)
                files.install(self.machine, new, f"{KUBERNETES}/{name}.conf", 0o600)

    def _reaches_kubelet(self) -> None:
        """An API server that finds another certificate of its own closes all its connections to kubelets, also the one
        that it is about to make (client-go: transport/cert_rotation.go). Better this one than somebody's. (The answer
        is no JSON, so kubectl asks.)
        """
        server = f"https://{self.wanted.address}:{self.wanted.api_port}"
        path = f"{node_path(self.wanted.name)}/proxy/healthz"
        ended = with_admin(self.machine, "--server", server, "get", "--raw", path)
        if not ended:
            raise NotYet(ended.said)

    def _leaf(self, name: str) -> Path:
        return self.machine.path(f"{KUBERNETES}/pki/{name}")


def with_admin(machine: Machine, *words: str, given: str = "") -> Ended:
    """Runs kubectl as the administrator of this control plane; it bounds its own time."""
    options = ("--kubeconfig", machine.path(ADMIN_KUBECONFIG), "--request-timeout", "10s")
    return machine.run("kubectl", *options, *words, seconds=15, given=given)
