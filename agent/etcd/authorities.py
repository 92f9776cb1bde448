"""The authorities of etcd's certificates change in stages (docs/rotation.md).

Each member, and each control plane, writes down in etcd which authorities it runs with; no stage begins before all have
gone through the one before.
"""

from collections.abc import Iterable
from typing import Final

from agent.etcd.membership import ThisMember
from agent.etcd.network import PKI, is_full
from agent.etcd_api import EtcdError
from agent.machine import Failed
from agent.system import files
from agent.system.certificates import issuer_first, refuse_skipped_stage

RECORDS: Final = "openstack-paas/authorities"


def _records(this: ThisMember) -> dict[str, list[str]]:
    """Digests by who has to have written them down: the authority that issues, then all that are trusted.

    Of one who has not, nothing. Former members do not matter. Raises Failed when etcd does not answer.
    """
    try:
        found = this.api.get_prefix(f"{RECORDS}/")
    except EtcdError as error:
        raise Failed(
            f"cannot read from etcd which authorities its members and the API servers trust: {error}"
        ) from None
    written = {key.removeprefix(f"{RECORDS}/"): value.decode().split() for key, value in found.items()}
    members = [f"etcd/{place.name}" for place in this.settings.members]
    others = {who: digests for who, digests in written.items() if not who.startswith("etcd/")}
    if not any(who.startswith("api/") for who in others):
        others["api/(any)"] = []
    return {who: written.get(who, []) for who in members} | others


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
        files.write(folder / "server.crt", certificate)
        files.write(folder / "ca.crt", authorities)
        wanted = issuer_first(machine, folder / "server.crt", folder / "ca.crt")
    refuse_skipped_stage(now, wanted, generation)
    dropped = sorted(set(now) - set(wanted))
    if now[0] == wanted[0] and not dropped:
        return
    records = _records(this)
    if now[0] != wanted[0]:
        _refuse(
            (who for who, digests in records.items() if wanted[0] not in digests[1:]),
            f"do not trust the authorities of generation {generation} yet, which are to issue",
        )
    for digest in dropped:
        _refuse(
            (who for who, digests in records.items() if digests[:1] in ([digest], [])),
            "still have certificates of authorities that are not to be trusted any more",
        )


def record_authorities(this: ThisMember) -> None:
    """What this member runs with by now. One that is full takes no record; only the next stage waits for it."""
    pki = this.machine.path(PKI)
    digests = issuer_first(this.machine, pki / "server.crt", pki / "ca.crt")
    try:
        this.api.put(f"{RECORDS}/etcd/{this.own.name}", f"{digests[0]} {' '.join(digests)}")
    except EtcdError as error:
        if not is_full(error):
            raise Failed(f"this member cannot write down which authorities it trusts: {error}") from None
        this.machine.log(f"etcd is full and writes nothing down, the next run does: {error}")
