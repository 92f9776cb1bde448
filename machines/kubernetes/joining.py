"""The certificate with which one machine joins the cluster, for two days.

It depends on nothing but the machine, so that the next `up` changes nothing: the key is derived from a secret of the
stack and the instance's id, and the days are counted from the moment at which the cloud has made the instance.
pulumi-tls would make another one when it ends, and with it a change of every machine that has long joined.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final

from agent.kubernetes.node_settings import Bootstrap
from settings.plan import PlannedMachine
from settings.platform import Platform

VALID: Final = timedelta(hours=48)
#: A machine that has still not joined is given another one before the end.
RENEWED: Final = timedelta(hours=24)
#: Clocks of the cloud and of machines may differ.
BEFORE: Final = timedelta(hours=1)
#: Members of the group may ask for the certificate of a node, which is granted by itself
#: (https://kubernetes.io/docs/reference/access-authn-authz/kubelet-tls-bootstrapping/). What else they may do is in
#: rights.yaml, and bound to the name of their own machine in nodes.yaml.j2.
GROUP: Final = "system:bootstrappers:kubeadm:default-node-token"
USER: Final = "system:bootstrap:"
_MOMENT: Final = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)")


def begin(created: str, has_joined: bool, now: datetime) -> datetime | None:
    """When the certificate of a machine begins; None where it is not known and need not be.

    `created` is the moment at which the cloud made the instance, in UTC.
    """
    found = _MOMENT.match(created)
    if not found:
        return None if has_joined else now.replace(minute=0, second=0, microsecond=0)
    moment = datetime.fromisoformat(f"{found[1]}T{found[2]}+00:00")
    if has_joined or now < moment:
        return moment
    return moment + RENEWED * ((now - moment) // RENEWED)


def bootstrap(
    platform: Platform,
    planned: PlannedMachine,
    secrets: Mapping[str, str],
    kubeconfig: str,
    now: datetime | None = None,
) -> Bootstrap:
    """What the machine joins with. `secrets` has the cluster's `ca` and `ca_key`, the stack's `joining` secret, the
    `instance`'s id, and the moment when it was `created`.
    """
    instance = secrets["instance"]
    joined = platform.running.instances.get(planned.hostname) == instance
    began = begin(secrets["created"], joined, now or datetime.now(UTC))
    if began is None:
        return Bootstrap()
    made = make_certificate(secrets["ca"], secrets["ca_key"], secrets["joining"], instance, planned.hostname, began)
    return Bootstrap(kubeconfig, *made)


@cache
def make_certificate(
    ca: str, ca_key: str, secret: str, instance: str, hostname: str, began: datetime
) -> tuple[str, str]:  # fmt: skip
    """Certificate and key in PEM."""
    # Slow to import, and needed by those alone that make a platform.
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    issuer = x509.load_pem_x509_certificates(ca.encode())[0]
    issuer_key = serialization.load_pem_private_key(ca_key.encode(), None)
    if not isinstance(issuer_key, ec.EllipticCurvePrivateKey):
        raise ValueError("the cluster's authority has to have a key on an elliptic curve")
    words = f"{instance} {hostname}".encode()
    # 512 bits for a number of 256: every key is as likely as another. 1 to 2^255: below the order of P-256.
    number = int.from_bytes(hmac.digest(secret.encode(), words, hashlib.sha512), "big") % 2**255 + 1
    key = ec.derive_private_key(number, ec.SECP256R1())
    serial = hashlib.sha256(words + began.isoformat().encode()).digest()[:16]
    names = (
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, GROUP),
        x509.NameAttribute(NameOID.COMMON_NAME, f"{USER}{hostname}"),
    )
    usage = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign",
         "encipher_only", "decipher_only"),
        False,
    )  # fmt: skip
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(names))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(int.from_bytes(serial, "big") >> 1)
        .not_valid_before(began - BEFORE)
        .not_valid_after(began + VALID)
        .add_extension(x509.KeyUsage(digital_signature=True, **usage), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(issuer_key, hashes.SHA256(), ecdsa_deterministic=True)
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made.public_bytes(serialization.Encoding.PEM).decode(), private.decode()
