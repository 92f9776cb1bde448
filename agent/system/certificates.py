"""Certificates of authorities by short names."""

import hashlib
import re
from collections.abc import Sequence

from agent.machine import Failed


def split(pem: str) -> tuple[str, ...]:
    """Each certificate of a text, in its order."""
    found = re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", pem, re.DOTALL)
    return tuple(f"{one}\n" for one in found)


def digests(pem: str) -> tuple[str, ...]:
    """Of each certificate, 12 hexadecimal digits of the SHA-256 of its base64 body."""
    bodies = ["".join(one.splitlines()[1:-1]) for one in split(pem)]
    return tuple(hashlib.sha256(body.encode()).hexdigest()[:12] for body in bodies)


def refuse_skipped_stage(now: Sequence[str], wanted: Sequence[str], generation: str) -> None:
    """Between the digests may be one stage of a rotation. Raises Failed."""
    if wanted[0] not in now:
        raise Failed(
            f"this machine does not trust the authorities of generation {generation} yet, which are to issue: first an "
            f"`up` that only adds {generation} to certificates.authorities.trusted"
        )
    if now[0] not in wanted:
        raise Failed(
            "the authorities that issued this machine's certificates are not to be trusted any more: first an `up` "
            "that only changes certificates.authorities.issuing"
        )
