"""The platform's PKI: three authorities, the service account key, and one certificate a role.

The first generation of authorities and the certificates of the empty epoch have plain names; others have theirs at the
end, so that they are made beside the previous ones, which go when the `up` has ended well.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_tls as tls
from pulumi import ResourceOptions

from components.certificate import Authorities, Authority, AuthorityArgs, Certificate, CertificateArgs, CertificateRole
from settings import names
from settings.platform import Platform

#: Certificates by role. Members of etcd dial each other, and etcd's gateway dials itself, with their server
#: certificate: it needs client_auth too (https://etcd.io/docs/v3.6/op-guide/security/). Subjects of the others as
#: kubeadm makes them (https://kubernetes.io/docs/setup/best-practices/certificates/).
ETCD_MEMBER = CertificateRole("etcd", server=True)
ETCD_CLIENT = CertificateRole("openstack-paas-etcd-client")
APISERVER_ETCD_CLIENT = CertificateRole("kube-apiserver-etcd-client")
ADMINISTRATOR = CertificateRole("kubernetes-admin", "kubeadm:cluster-admins")


@dataclass(frozen=True)
class PkiArgs:
    """The checked platform: its machines, generations of authorities, and epoch of certificates."""

    platform: Platform


class Pki(pulumi.ComponentResource):
    """Made before any machine exists, so that every machine gets what it needs in its desired state."""

    cluster_ca: Authorities
    etcd_ca: Authorities
    front_proxy_ca: Authorities
    service_account: tls.PrivateKey
    etcd_members: dict[str, Certificate]
    """By the machine's name."""
    etcd_client: Certificate
    apiserver_etcd_client: Certificate
    joining: tls.PrivateKey
    """The secret from which the keys are derived that machines join with (machines/kubernetes/joining.py)."""
    administrator: Certificate

    def __init__(self, name: str, args: PkiArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("openstack-paas:pki:Pki", name, None, opts)
        child, certificates = ResourceOptions(parent=self), args.platform.settings.certificates

        def authorities(name: str, common_name: str) -> Authorities:
            made = {
                each: Authority(names.generation(name, each), AuthorityArgs(names.generation(common_name, each)), child)
                for each in certificates.authorities.trusted
            }
            return Authorities(made, made[certificates.authorities.issuing])

        self.cluster_ca = authorities("cluster-ca", "kubernetes")
        self.etcd_ca = authorities("etcd-ca", "etcd-ca")
        self.front_proxy_ca = authorities("front-proxy-ca", "front-proxy-ca")
        self.service_account = tls.PrivateKey("service-account", algorithm="ECDSA", ecdsa_curve="P256", opts=child)

        def certificate(
            name: str,
            role: CertificateRole,
            of: Authorities,
            dns_names: Sequence[str] = (),
            ip_addresses: Sequence[str] = (),
        ) -> Certificate:
            title = names.in_epoch(name, certificates.epoch)
            made = CertificateArgs(role, of.issuing, certificates, dns_names, ip_addresses)
            return Certificate(title, made, child)

        self.etcd_members = {
            member.name: certificate(
                member.name, ETCD_MEMBER, self.etcd_ca, ("localhost", member.hostname), ("127.0.0.1", member.address)
            )
            for member in args.platform.plan.etcd
        }
        self.etcd_client = certificate("etcd-client", ETCD_CLIENT, self.etcd_ca)
        self.apiserver_etcd_client = certificate("apiserver-etcd-client", APISERVER_ETCD_CLIENT, self.etcd_ca)
        self.joining = tls.PrivateKey("joining", algorithm="ECDSA", ecdsa_curve="P256", opts=child)
        self.administrator = certificate("administrator", ADMINISTRATOR, self.cluster_ca)
        self.register_outputs({})
