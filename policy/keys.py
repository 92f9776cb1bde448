"""Secrets, keys and certificates: none of them is plain text, weak, or valid for ever."""

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from policy.record import Facts, Problems, Record, Rule

PRIVATE_KEY = "tls:index/privateKey:PrivateKey"
KEY_PAIR = "openstack:compute/keypair:Keypair"
LEAF = "tls:index/locallySignedCert:LocallySignedCert"
#: Names of inputs whose values are secrets, by their last word.
_SECRET_NAME = re.compile(
    r"(password|passphrase|token|secret|privateKey(Pem|Openssh)?|kubeconfig|stdin)$", re.IGNORECASE
)
#: A command lists what it has on its standard input, secret parts by this word (machines/common/agent_command.py). That
#: of earlier releases listed files in the same way.
_SECRET_PART = re.compile(r"^# \S.* secret$", re.MULTILINE)
_SCRIPTS = ("create", "update", "delete")
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
#: Smallest RSA key, bits (NIST SP 800-57 part 1, table 2: 3072 is 128 bits of security).
LEAST_RSA_BITS = 3072
#: Longest validity of leaf certificates and authorities, hours: a year and a leap day, ten years and their leap days.
LONGEST_LEAF_HOURS = 366 * 24
LONGEST_AUTHORITY_HOURS = (10 * 365 + 3) * 24


def _texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a value with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _texts(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, Sequence) and not isinstance(value, bytes):
        for index, inner in enumerate(value):
            yield from _texts(inner, f"{path}[{index}]")


def plain_secrets(record: Record, _: Facts) -> Problems:
    """Secrets that the state has as plain text."""
    for path, text in _texts(record.props):
        if not text or text == "[secret]":
            continue
        named = bool(_SECRET_NAME.search(path)) and not path.endswith(("existingSecret", "imagePullSecret"))
        if path == "stdin":
            named = any(_SECRET_PART.search(str(record.props.get(script, ""))) for script in _SCRIPTS)
        if named or _PRIVATE_KEY.search(text):
            yield f"has a secret in plain text in {path}", "wrap it in pulumi.Output.secret"


def rsa_bits(public_key: str) -> int | None:
    """Bits of an `ssh-rsa AAAA...` public key (RFC 4253, section 6.6); None when it is not an RSA key."""
    words = public_key.split()
    if len(words) < 2 or words[0] != "ssh-rsa":
        return None
    try:
        blob = base64.b64decode(words[1], validate=True)
    except ValueError:
        return None
    parts = []
    while blob:
        length = int.from_bytes(blob[:4], "big")
        parts.append(blob[4 : 4 + length])
        blob = blob[4 + length :]
    return int.from_bytes(parts[2], "big").bit_length() if len(parts) == 3 else None


def strong_keys(record: Record, _: Facts) -> Problems:
    """RSA keys that are too short, and ECDSA on P224, which no current TLS library takes."""
    props, fix = record.props, "use ED25519, ECDSA on P256, or RSA of 3072 bits"
    bits: int | None = None
    if record.type == KEY_PAIR:
        bits = rsa_bits(str(props.get("publicKey", "")))
    elif props.get("algorithm") == "RSA":
        # 2048 bits and P224 are pulumi-tls' defaults.
        bits = int(props.get("rsaBits") or 2048)
    elif props.get("algorithm") == "ECDSA" and props.get("ecdsaCurve", "P224") == "P224":
        yield "is an ECDSA key on P224", fix
    if bits is not None and bits < LEAST_RSA_BITS:
        yield f"is an RSA key of {bits} bits", fix


def validity(record: Record, _: Facts) -> Problems:
    """Certificates that are valid for too long, and leaves that are not renewed before their end."""
    hours = int(record.props.get("validityPeriodHours") or 0)
    longest = LONGEST_AUTHORITY_HOURS if record.props.get("isCaCertificate") else LONGEST_LEAF_HOURS
    if hours > longest:
        yield f"is valid for {hours} hours", f"make it {longest} at most"
    elif hours and record.type == LEAF and not record.props.get("earlyRenewalHours"):
        yield "is not renewed before its end", "give it early_renewal_hours"


_CERTIFICATES = (LEAF, "tls:index/selfSignedCert:SelfSignedCert")
RULES = (
    Rule("no-plain-secrets", "Secrets are secret in the state.", plain_secrets, needs_secrecy=True),
    Rule("strong-keys", "Keys are strong.", strong_keys, (PRIVATE_KEY, KEY_PAIR)),
    Rule("certificate-validity", "Certificates end, and are renewed before.", validity, _CERTIFICATES),
)
