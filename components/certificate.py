"""A certificate authority, and a leaf certificate signed by one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_tls as tls
from pulumi import ResourceOptions

from settings.certificates import CertificateSettings

HOURS_A_DAY = 24
#: CAs outlive every leaf: ten years, as kubeadm's own (kubeadm constants, CACertificateValidityPeriod).
CA_VALIDITY_HOURS = 10 * 365 * HOURS_A_DAY


def _private_key(name: str, opts: ResourceOptions) -> tls.PrivateKey:
    # pulumi-tls takes P224 when no curve is named, which neither Go's TLS nor OpenSSL's defaults accept.
    return tls.PrivateKey(name, algorithm="ECDSA", ecdsa_curve="P256", opts=opts)


@dataclass(frozen=True)
class AuthorityArgs:
    """The authority's common name."""

    common_name: str


class Authority(pulumi.ComponentResource):
    """A self-signed certificate authority."""

    certificate: pulumi.Output[str]
    private_key: pulumi.Output[str]

    def __init__(self, name: str, args: AuthorityArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("openstack-paas:pki:Authority", name, None, opts)
        child = ResourceOptions(parent=self)
        key = _private_key(name, child)
        certificate = tls.SelfSignedCert(
            name,
            private_key_pem=key.private_key_pem,
            subject={"common_name": args.common_name},
            dns_names=[args.common_name],
            is_ca_certificate=True,
            set_subject_key_id=True,
            validity_period_hours=CA_VALIDITY_HOURS,
            allowed_uses=["digital_signature", "key_encipherment", "cert_signing"],
            opts=child,
        )
        self.certificate = certificate.cert_pem
        self.private_key = pulumi.Output.secret(key.private_key_pem)
        self.register_outputs({"certificate": self.certificate})


@dataclass(frozen=True)
class Authorities:
    """The trusted generations of an authority by their names, and the one that signs."""

    trusted: Mapping[str, Authority]
    issuing: Authority

    @property
    def certificate(self) -> pulumi.Output[str]:
        """What is trusted, in PEM, the issuing one first: several readers take the first as their own."""
        others = [each for each in self.trusted.values() if each is not self.issuing]
        return pulumi.Output.all(self.issuing.certificate, *(each.certificate for each in others)).apply(bundle)

    @property
    def by_name(self) -> pulumi.Output[str]:
        """The same in the order of their names, whichever issues, for readers that read it only when they start."""
        ordered = [each for _, each in sorted(self.trusted.items())]
        return pulumi.Output.all(*(each.certificate for each in ordered)).apply(bundle)

    @property
    def private_key(self) -> pulumi.Output[str]:
        """The key of the one that signs."""
        return self.issuing.private_key


def bundle(certificates: Sequence[str]) -> str:
    """PEM certificates as one text. A single one stays as it is."""
    return certificates[0] + "".join(f"{text.strip()}\n" for text in certificates[1:])


@dataclass(frozen=True)
class CertificateRole:
    """What a leaf certificate is for: its subject, and whether servers use it too. Clients use every one."""

    common_name: str
    organization: str = ""
    server: bool = False

    @property
    def allowed_uses(self) -> list[str]:
        """Key usages: ECDSA keys sign and never encipher (RFC 8446, section 4.4.2.2), so no keyEncipherment."""
        return ["digital_signature", *(["server_auth"] if self.server else []), "client_auth"]


@dataclass(frozen=True)
class CertificateArgs:
    """A role, who signs it, how long it is valid and how early it is renewed, its names and its addresses."""

    role: CertificateRole
    authority: Authority
    settings: CertificateSettings
    dns_names: Sequence[str] = ()
    ip_addresses: Sequence[str] = ()


class Certificate(pulumi.ComponentResource):
    """A leaf certificate with its private key."""

    certificate: pulumi.Output[str]
    private_key: pulumi.Output[str]

    def __init__(self, name: str, args: CertificateArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("openstack-paas:pki:Certificate", name, None, opts)
        child = ResourceOptions(parent=self)
        key = _private_key(name, child)
        subject = {"common_name": args.role.common_name}
        if args.role.organization:
            subject["organization"] = args.role.organization
        request = tls.CertRequest(
            name,
            private_key_pem=key.private_key_pem,
            subject=subject,
            dns_names=list(args.dns_names) or None,
            ip_addresses=list(args.ip_addresses) or None,
            opts=child,
        )
        signed = tls.LocallySignedCert(
            name,
            cert_request_pem=request.cert_request_pem,
            ca_cert_pem=args.authority.certificate,
            ca_private_key_pem=args.authority.private_key,
            validity_period_hours=args.settings.leaf_validity_hours,
            early_renewal_hours=args.settings.renewal_hours,
            allowed_uses=args.role.allowed_uses,
            set_subject_key_id=True,
            opts=child,
        )
        self.certificate = signed.cert_pem
        self.private_key = pulumi.Output.secret(key.private_key_pem)
        self.register_outputs({"certificate": self.certificate})
