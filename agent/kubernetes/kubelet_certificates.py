"""The kubelet's certificates: asked for, put in place, and made again where a power cut has left none."""

import base64
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from agent.kubernetes import kubeconfig
from agent.kubernetes.authorities import NodeAuthorities
from agent.kubernetes.node import KUBELET_KUBECONFIG, Node, is_pair
from agent.kubernetes.node_settings import KUBERNETES
from agent.kubernetes.renewal import Renewal
from agent.kubernetes.rollout import KUBELET_CERTIFICATE, node_is_ready, restart_kubelet
from agent.kubernetes_api import ApiError, KubernetesApi, probing
from agent.machine import Failed, NotYet
from agent.system import files
from agent.system.certificates import issuer_first

FOLDER: Final = "/var/lib/kubelet/pki"
_STILL_VALID: Final = ("-noout", "-checkend", "60")
_REQUESTS: Final = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
_SIGNER: Final = "kubernetes.io/kube-apiserver-client-kubelet"
#: Seconds for the answer to one request; and before the next one when an authority that goes has signed: the
#: controller-manager may take a minute to read a new one.
_ANSWER_SECONDS, _NEXT_SECONDS = 20, 4


class KubeletCertificates:
    """The certificate by which the kubelet asks the API, the one by which it serves, and what it trusts."""

    def __init__(self, node: Node) -> None:
        self.node, self.machine, self.wanted, self.renewal = node, node.machine, node.wanted, Renewal(node)
        #: There while the kubelet runs with older files than there are.
        self.lags = self.machine.state / "kubelet-lags"
        self.current = self.machine.path(KUBELET_CERTIFICATE)
        self._folder = self.machine.path(FOLDER)

    def install(self, certificate: str, key: str) -> None:
        """Puts the kubelet's certificate in place as the kubelet itself stores one."""
        file = self._folder / self.machine.clock.now().strftime("kubelet-client-%Y-%m-%d-%H-%M-%S.pem")
        self.lag()
        files.write(file, certificate + key, 0o600)
        self._point_at(file)
        self.machine.log(f"wrote {FOLDER}/{file.name}")

    def lag(self) -> None:
        """Before a file changes that the kubelet reads when it starts: an interrupted run is completed by the next."""
        files.write(self.lags, "")

    def repair(self, remake: Callable[[], tuple[str, str]] | None = None) -> None:
        """On a node that runs, before anything asks the API as the kubelet: makes again what a power cut left empty.

        The kubelet keeps its earlier certificates, of which the newest that is valid will do: it is renewed later like
        any other. Where there is none, `remake` makes one (certificate and key in PEM: a control plane has the
        authority), or the certificate to join with asks the cluster for one.
        """
        if not self.node.at_work:
            return
        machine, serving = self.machine, self._folder / "kubelet.crt"
        repaired = False
        if serving.exists() and not is_pair(serving, serving.with_name("kubelet.key")):
            machine.log("the kubelet's serving certificate cannot be read: it makes another one")
            self._forget_serving()
            repaired = True
        if not is_pair(self.current):
            machine.log("the kubelet's certificate is not there, or cannot be read")
            self._bring_another(remake)
            repaired = True
        if repaired:
            # It may have given up for now, and later steps need it. (end_lag asks whether it is well.)
            restart_kubelet(machine)

    def _bring_another(self, remake: Callable[[], tuple[str, str]] | None) -> None:
        earlier = self._newest_valid()
        if earlier is not None:
            self.lag()
            self._point_at(earlier)
            self.machine.log(f"the kubelet goes on with {FOLDER}/{earlier.name}")
        elif remake is not None:
            self.install(*remake())
        elif self.node.has_bootstrap:
            self.node.bring_bootstrap()
            endpoint = self.wanted.endpoint
            ready = self.node.apis.anonymous(endpoint).is_ready
            self.machine.retry_until(300, f"an API server to answer at {endpoint}", ready)
            self.request(self.node.apis.joining())
        else:
            raise Failed(
                f"the kubelet has no certificate any more ({KUBELET_CERTIFICATE}), and this machine was given none to "
                "ask for another with. Delete its server and run `pulumi up --refresh`"
            )

    def _newest_valid(self) -> Path | None:
        """The newest certificate that the kubelet has kept, has not ended, and is of an authority that is trusted."""
        with self.machine.work_folder() as folder:
            authorities = folder / "ca.crt"
            files.write(authorities, self.wanted.authorities)
            for file in sorted(self._folder.glob("kubelet-client-2*.pem"), reverse=True):
                if not is_pair(file) or not self.machine.run("openssl", "x509", "-in", file, *_STILL_VALID):
                    continue
                with contextlib.suppress(Failed):
                    issuer_first(self.machine, file, authorities)
                    return file
        return None

    def _point_at(self, file: Path) -> None:
        new = self._folder / ".current.new"
        new.unlink(missing_ok=True)
        new.symlink_to(file.name)
        new.replace(self.current)
        files.sync_folder(self._folder)

    def request(self, api: KubernetesApi) -> None:
        """Asks the cluster, which grants it by itself, until the authority that issues is the one that signed."""
        with self.machine.work_folder() as folder:
            subject = f"/O=system:nodes/CN=system:node:{self.wanted.name}"
            self.machine.must(
                "openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-subj", subject, "-keyout", folder / "key", "-out", folder / "request",
                what="making a key for the kubelet",
            )  # fmt: skip
            what = "the cluster to issue the kubelet's certificate"
            self.machine.retry_until(180, what, lambda: self._sign(api, folder))
            self.install((folder / "certificate").read_text(), (folder / "key").read_text())

    def _sign(self, api: KubernetesApi, folder: Path) -> None:
        name = f"openstack-paas-{self.wanted.name}-{self.machine.clock.now().timestamp() * 1e6:.0f}"
        request = {
            "apiVersion": "certificates.k8s.io/v1",
            "kind": "CertificateSigningRequest",
            "metadata": {"name": name},
            "spec": {
                "request": base64.b64encode((folder / "request").read_bytes()).decode(),
                "signerName": _SIGNER,
                "usages": ["digital signature", "client auth"],
            },
        }
        with probing():
            api.request("POST", _REQUESTS, request)
        files.write(folder / "certificate", self._answer(api, name))
        if reason := self.renewal.reason_of_file(folder / "certificate"):
            self.machine.clock.sleep(_NEXT_SECONDS)
            raise NotYet(f"the certificate that the cluster gave {reason}")

    def _answer(self, api: KubernetesApi, name: str) -> str:
        clock = self.machine.clock
        began = clock.monotonic()
        while clock.monotonic() - began < _ANSWER_SECONDS:
            # A request that has been made is worth some looks, before another one is made.
            clock.sleep(0.5)
            try:
                if signed := api.request("GET", f"{_REQUESTS}/{name}").get("status", {}).get("certificate"):
                    return base64.b64decode(signed, validate=True).decode()
            except ApiError:
                continue
            except ValueError:
                raise NotYet(f"the answer to the request {name} is no certificate") from None
        raise NotYet(f"the request {name} is not answered")

    def trust(self) -> None:
        """What the kubelet trusts: its kubeconfig is read when it starts, what it trusts of its clients at once."""
        authorities = self.wanted.authorities
        files.install(self.machine, authorities, f"{KUBERNETES}/pki/ca.crt")
        text = self.machine.path(KUBELET_KUBECONFIG).read_text()
        if not kubeconfig.embeds(text, authorities):
            self.lag()
            files.install(self.machine, kubeconfig.embed(text, authorities), KUBELET_KUBECONFIG, 0o600)

    def follow_endpoint(self) -> None:
        """A worker that joined in an earlier release asks the gateways. Not before its own balancer leads to an API."""
        endpoint = self.wanted.endpoint
        text = self.machine.path(KUBELET_KUBECONFIG).read_text()
        wanted = kubeconfig.leading_to(text, endpoint)
        if wanted == text:
            return
        what = f"an API server to answer through this machine's balancer ({endpoint})"
        self.machine.retry_until(60, what, self.node.apis.anonymous(endpoint).is_ready)
        self.lag()
        files.install(self.machine, wanted, KUBELET_KUBECONFIG, 0o600)

    def renew_serving(self) -> None:
        """The kubelet makes its own when there is none. (With serverTLSBootstrap it asks the cluster by itself.)"""
        certificate = self._folder / "kubelet.crt"
        if not certificate.exists():
            return
        if reason := "ends soon" if self.renewal.ends_soon(certificate) else self.renewal.reason_of_epoch():
            self.machine.log(f"the kubelet's serving certificate {reason}")
            self._forget_serving()

    def _forget_serving(self) -> None:
        self.lag()
        for name in ("kubelet.crt", "kubelet.key"):
            (self._folder / name).unlink(missing_ok=True)

    def end_lag(self) -> None:
        """Pods go on while their kubelet restarts."""
        if not self.lags.exists():
            return
        restart_kubelet(self.machine)
        self.node.await_registered(120)
        machine, name, api = self.machine, self.wanted.name, self.node.apis.kubelet()
        machine.retry_until(120, f"the node {name} to be ready", lambda: node_is_ready(machine, api, name))
        self.lags.unlink()

    def renew_worker(self, authorities: NodeAuthorities) -> None:
        """Everything of a worker."""
        self.trust()
        self.follow_endpoint()
        if reason := self.renewal.reason(self.current):
            self.machine.log(f"the kubelet's certificate {reason}")
            self.request(self.node.apis.kubelet())
        self.renew_serving()
        self.end_lag()
        authorities.follow_authorities()
        self.renewal.end_epoch()
