"""Certificates: which authorities there are, which of them issued one, and whether one has to be renewed."""

import hashlib
import re
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from agent.machine import Failed, Machine
from agent.programs import Ended
from agent.system import files

_CERTIFICATE: Final = re.compile(r"-----BEGIN CERTIFICATE-----\s.*?-----END CERTIFICATE-----", re.DOTALL)


def split(pem: str) -> tuple[str, ...]:
    """Each certificate in the text, in its order; keys and comments are left out."""
    return tuple(f"{found}\n" for found in _CERTIFICATE.findall(pem))


def digests(pem: str) -> tuple[str, ...]:
    """A short name for each certificate, in their order: 12 hexadecimal digits of the SHA-256 of its base64 lines.

    Machines record these names in etcd and on nodes, so they must stay as they are.
    """
    return tuple(
        hashlib.sha256("".join(one.split("\n", 1)[1].rsplit("-----END", 1)[0].split()).encode()).hexdigest()[:12]
        for one in split(pem)
    )


def _issued(machine: Machine, authority: str, leaf: Path) -> bool:
    """Whether the authority issued the certificate in the file, whatever the time is. Raises Failed if nobody knows."""
    with machine.work_folder() as folder:
        file = folder / "authority.crt"
        files.write(file, authority, 0o600)
        words = ("openssl", "verify", "-no_check_time", "-partial_chain", "-CAfile", file, leaf)
        # 2: the authority did not issue it (apps/verify.c).
        return _answered(machine.run(*words, seconds=20), 2)


def _answered(ended: Ended, no: int) -> bool:
    """A program that is not there, or does not end, has not said no."""
    if not ended and ended.status != no:
        raise Failed(f"openssl does not say anything about a certificate: {ended.said}")
    return bool(ended)


def issuer_first(machine: Machine, leaf: Path, authorities: Path) -> tuple[str, ...]:
    """The digests of the authorities in a file, that which issued `leaf` first.

    The order in the file says nothing: a program that reads a file only when it starts must not restart because another
    authority issues. Raises Failed when none of them issued it.
    """
    text = authorities.read_text(encoding="utf-8")
    names = digests(text)
    if not files.read(leaf):
        raise Failed(f"{leaf} is not there")
    for name, part in zip(names, split(text), strict=True):
        if _issued(machine, part, leaf):
            return (name, *(other for other in names if other != name))
    raise Failed(f"no authority in {authorities} issued {leaf}")


def refuse_skipped_stage(now: Sequence[str], wanted: Sequence[str], generation: str) -> None:
    """Between `now` and `wanted`, digests of trusted authorities with the one that issues first, may be one stage of a
    rotation (docs/rotation.md). Raises Failed otherwise.
    """
    if wanted[0] not in now:
        raise Failed(
            f"this machine does not yet trust the authorities of generation {generation}, which are to issue: run an"
            f" `up` first that only adds {generation} to certificates.authorities.trusted"
        )
    if now[0] not in wanted:
        raise Failed(
            "the authorities that issued this machine's certificates would no longer be trusted: run an `up` first that"
            " only changes certificates.authorities.issuing"
        )


def renewal_reason(machine: Machine, certificate: Path, issuing: str, renewal_seconds: int, generation: str) -> str:
    """Why the first certificate in a file must be renewed, to follow its name; nothing when it need not be.

    `issuing` is PEM, whose first certificate is the authority that issues: the one of `generation`. A file is empty, or
    holds zeros, after a power cut between its name and its content: such a one counts as not there.
    """
    try:
        content = certificate.read_text(encoding="utf-8", errors="replace").strip("\0 \n")
    except FileNotFoundError:
        content = ""
    if not content:
        return "is not there"
    seen = machine.run("openssl", "x509", "-in", certificate, "-noout", "-enddate", seconds=20)
    if not _answered(seen, 1):
        return "is not a certificate"
    ends = seen.output.strip().partition("=")[2]
    if ssl.cert_time_to_seconds(ends) - machine.clock.now().timestamp() < renewal_seconds:
        return f"ends on {ends}"
    authorities = split(issuing)
    if not authorities:
        raise Failed(f"there is no authority of generation {generation} to compare {certificate} with")
    if not _issued(machine, authorities[0], certificate):
        return f"was issued by other authorities than generation {generation}"
    return ""
