"""A CA and one certificate for all members of a test."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


@dataclass(frozen=True)
class Certificates:
    """PEM texts."""

    ca: str
    certificate: str
    key: str


def make(addresses: list[str]) -> Certificates:
    """Make a certificate for servers and clients at `addresses`."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test CA")])
    now = datetime.now(UTC)
    usages = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])

    def builder(name: x509.Name, of: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .issuer_name(ca_name)
            .subject_name(name)
            .public_key(of.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
        )

    ca = builder(ca_name, ca_key).add_extension(x509.BasicConstraints(True, None), critical=True)
    names = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address(address)) for address in addresses])
    member = builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "member")]), key)
    member = member.add_extension(names, critical=False).add_extension(usages, critical=False)
    pem = serialization.Encoding.PEM
    return Certificates(
        ca=ca.sign(ca_key, hashes.SHA256()).public_bytes(pem).decode(),
        certificate=member.sign(ca_key, hashes.SHA256()).public_bytes(pem).decode(),
        key=key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode(),
    )
