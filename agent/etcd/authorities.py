"""The authorities of etcd's certificates change in stages (docs/rotation.md).

Each member, and each control plane, writes down in etcd which authorities it runs with; no stage begins before all have
gone through the one before.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.etcd.membership import ThisMember
from agent.etcd.network import PKI, is_full
from agent.etcd_api import EtcdError
from agent.machine import Failed
from agent.system import files
from agent.system.certificates import issuer_first, refuse_skipped_stage

RECORDS: Final = "openstack-paas/authorities"


@dataclass(frozen=True)
class Record:
    """What somebody has written down: digests of authorities."""

    who: str
    issuing: str
    """Empty for one who has not written anything: it may trust nothing, and be issued by any."""
    trusted: tuple[str, ...] = ()


def recorded_authorities(this: ThisMember) -> list[Record]:
    """Of everyone who has to have recorded them; former members have not. Raises Failed when etcd does not answer."""
    try:
        found = this.api.get_prefix(f"{RECORDS}/")
    except EtcdError as error:
        raise Failed(
            f"cannot read from etcd which authorities its members and the API servers trust: {error}"
        ) from None
    members = [f"etcd/{place.name}" for place in this.settings.members]
    lines = {key.removeprefix(f"{RECORDS}/"): value.decode().split() for key, value in found.items()}
    wanted = dict.fromkeys([*members, *(who for who in lines if not who.startswith("etcd/"))])
    if not any(who.startswith("api/") for who in wanted):
        wanted["api/(any)"] = None
    return [
        Record(who, words[0] if words else "", tuple(words[1:])) for who in wanted for words in [lines.get(who, [])]
    ]


def _refuse(lagging: Iterable[str], what: str) -> None:
    names = ", ".join(lagging)
    if names:
        raise Failed(
            f"{names} {what}: an `up` of the stage before has to end well first. (Where such a machine is gone:"
            f" etcdctl del {RECORDS}/NAME)"
        )


def guard_authorities(this: ThisMember, certificate: str, authorities: str, generation: str) -> None:
    """Before any file of a member that runs changes: `certificate` and `authorities` are the wanted ones, in PEM.

    Raises Failed while somebody does not trust whoever is to issue, or has a certificate of one that is to go.
    """
    machine, pki = this.machine, this.machine.path(PKI)
    if not files.read(pki / "ca.crt"):
        return
    if not files.read(pki / "server.crt"):
        machine.log(f"{PKI}/server.crt is empty, as after a power cut: it is written again")
        return
    now = issuer_first(machine, pki / "server.crt", pki / "ca.crt")
    with machine.work_folder() as folder:
        wanted = issuer_first(machine, _file(folder, "server.crt", certificate), _file(folder, "ca.crt", authorities))
    if now == wanted:
        return
    refuse_skipped_stage(now, wanted, generation)
    dropped = sorted(set(now) - set(wanted))
    if now[0] == wanted[0] and not dropped:
        return
    records = recorded_authorities(this)
    if now[0] != wanted[0]:
        _refuse(
            (record.who for record in records if wanted[0] not in record.trusted),
            f"do not trust the authorities of generation {generation} yet, which are to issue",
        )
    for digest in dropped:
        _refuse(
            (record.who for record in records if record.issuing in (digest, "")),
            "still have certificates of authorities that are not to be trusted any more",
        )


def _file(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content, encoding="ascii")
    return path


def record_authorities(this: ThisMember) -> None:
    """What this member runs with by now. One that is full takes no record; only the next stage waits for it."""
    pki = this.machine.path(PKI)
    digests = issuer_first(this.machine, pki / "server.crt", pki / "ca.crt")
    key, value = f"{RECORDS}/etcd/{this.own.name}", f"{digests[0]} {' '.join(digests)}"
    try:
        this.api.put(key, value)
    except EtcdError as error:
        if is_full(error):
            this.machine.log(f"etcd is full and writes nothing down, the next run does: {error}")
            return
        raise Failed(f"this member cannot write down which authorities it trusts: {error}") from None
