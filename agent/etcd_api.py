"""etcd: members, learners, status, keys, alarms, upkeep, snapshots and locks, by its JSON gateway."""

import base64
import socket
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final

from agent import etcd_lock, etcd_snapshot
from agent.clock import Clock
from agent.etcd_http import OUT_OF_RANGE, EtcdError, EtcdHttp, Json, NoAnswer, Tls
from agent.etcd_lock import Lock, LockBusy, LockLost, after, encoded

__all__ = [
    "Etcd", "EtcdError", "HashKv", "Lock", "LockBusy", "LockLost", "Member", "NoAnswer", "PortState", "Status", "Tls",
    "peer_members", "port_state",
]  # fmt: skip

#: Seconds for what reads a whole database of some GiB, and for what rewrites it.
READ_SECONDS, REWRITE_SECONDS = 60.0, 600.0
_PEER_SECONDS, _PORT_SECONDS = 3.0, 2.0
#: The first key that there can be; as the end of a range, "all that follow".
_NULL: Final = "\0"


@dataclass(frozen=True)
class Member:
    """A member in the list of the cluster. One that has never been part of a majority has no name or client URLs."""

    id: int
    name: str
    peer_urls: tuple[str, ...]
    client_urls: tuple[str, ...]
    is_learner: bool


@dataclass(frozen=True)
class Status:
    """What a member says of itself; `leader` is a member's id, 0 when there is none. Sizes are in bytes."""

    member_id: int
    leader: int
    version: str
    revision: int
    db_size: int
    db_in_use: int
    is_learner: bool
    raft_index: int
    raft_applied_index: int
    errors: tuple[str, ...]

    @property
    def leads(self) -> bool:
        """Whether the member itself is the leader."""
        return self.member_id == self.leader != 0


@dataclass(frozen=True)
class HashKv:
    """The hash of all keys with their history from `compact_revision` (-1: nothing was compacted) on."""

    hash: int
    compact_revision: int


class PortState(Enum):
    """What becomes of a connection: it is made; the machine is on and nothing listens; or the machine may be off."""

    OPEN = "open"
    REFUSED = "refused"
    SILENT = "silent"


def _number(found: Mapping[str, Any], name: str) -> int:
    return int(found.get(name, 0))


def _member(found: Mapping[str, Any], id_name: str) -> Member:
    return Member(
        id=_number(found, id_name),
        name=found.get("name", ""),
        peer_urls=tuple(found.get("peerURLs") or ()),
        client_urls=tuple(found.get("clientURLs") or ()),
        is_learner=bool(found.get("isLearner")),
    )


class Etcd:
    """A cluster, or one member of it. Endpoints are asked in their order; the first that answers is the one.

    A member that cannot help for the moment (a learner, one without a leader) counts as one that does not answer.
    Every method raises EtcdError, or NoAnswer.
    """

    def __init__(
        self, endpoints: Sequence[str], tls: Tls | None, seconds: float = 5.0, clock: Clock | None = None
    ) -> None:
        """Endpoints are "https://10.0.0.4:2379", or "unix:///path" without TLS. Each gets `seconds` for an answer."""
        self._http = EtcdHttp(endpoints, tls, seconds, clock)

    def members(self) -> tuple[Member, ...]:
        """The members that the majority agrees on."""
        found = self._http.call("/v3/cluster/member/list", {"linearizable": True})
        return tuple(_member(entry, "ID") for entry in found.get("members", ()))

    def add_learner(self, peer_url: str) -> Member:
        """Lists a new member, which does not vote. etcd refuses while another one learns or a member is away."""
        asked = {"peerURLs": [peer_url], "isLearner": True}
        return _member(self._http.call("/v3/cluster/member/add", asked, repeatable=False)["member"], "ID")

    def remove(self, member_id: int) -> None:
        """Takes a member off the list. etcd refuses what would cost the majority; NOT_FOUND when it is not listed."""
        self._http.call("/v3/cluster/member/remove", {"ID": str(member_id)}, repeatable=False)

    def promote(self, member_id: int) -> None:
        """Makes a learner a voter. etcd refuses until it has caught up."""
        self._http.call("/v3/cluster/member/promote", {"ID": str(member_id)}, repeatable=False)

    def move_leader(self, member_id: int) -> None:
        """Gives the lead to that member. Only the leader itself can."""
        self._http.call("/v3/maintenance/transfer-leadership", {"targetID": str(member_id)}, repeatable=False)

    def status(self) -> Status:
        """What the member says of itself, also without a majority."""
        found = self._http.call("/v3/maintenance/status", {})
        return Status(
            member_id=_number(found["header"], "member_id"),
            leader=_number(found, "leader"),
            version=found.get("version", ""),
            revision=_number(found["header"], "revision"),
            db_size=_number(found, "dbSize"),
            db_in_use=_number(found, "dbSizeInUse"),
            is_learner=bool(found.get("isLearner")),
            raft_index=_number(found, "raftIndex"),
            raft_applied_index=_number(found, "raftAppliedIndex"),
            errors=tuple(found.get("errors", ())),
        )

    def check_health(self) -> None:
        """A read that needs a majority, of the key that `etcdctl endpoint health` reads. Alarms do not matter."""
        self._range("health")

    def cluster_version(self) -> str:
        """The version that all members have at least; its last number is always 0."""
        return str(self._http.get("/version")["etcdcluster"])

    def get(self, key: str) -> bytes | None:
        """The value, or None when there is no such key."""
        return next(iter(self._found(key).values()), None)

    def get_prefix(self, prefix: str) -> dict[str, bytes]:
        """Keys and values under the prefix, in the order of the keys."""
        return self._found(prefix, range_end=after(prefix))

    def keys(self, prefix: str) -> tuple[str, ...]:
        """The keys under the prefix, in their order."""
        return tuple(self._found(prefix, range_end=after(prefix), keys_only=True))

    def put(self, key: str, value: str) -> None:
        """Sets a key."""
        self._http.call("/v3/kv/put", {"key": encoded(key), "value": encoded(value)})

    def delete(self, key: str) -> None:
        """Removes a key; one that is not there is fine."""
        self._http.call("/v3/kv/deleterange", {"key": encoded(key)})

    def count(self, revision: int = 0) -> int:
        """How many keys this member has at the revision (0: the newest). Raises OUT_OF_RANGE where it has none."""
        asked = {"range_end": encoded(_NULL), "count_only": True, "serializable": True, "revision": str(revision)}
        return _number(self._range(_NULL, seconds=READ_SECONDS, **asked), "count")

    def hash_kv(self, revision: int = 0) -> HashKv:
        """The hash of this member's keys with their history up to the revision (0: the newest)."""
        found = self._http.call("/v3/maintenance/hashkv", {"revision": str(revision)}, READ_SECONDS)
        return HashKv(_number(found, "hash"), _number(found, "compact_revision"))

    def alarms(self) -> tuple[tuple[int, str], ...]:
        """Alarms that are on: a member's id, and "NOSPACE" or "CORRUPT"."""
        found = self._http.call("/v3/maintenance/alarm", {"action": "GET"})
        return tuple((_number(entry, "memberID"), str(entry["alarm"])) for entry in found.get("alarms", ()))

    def disarm(self) -> None:
        """Ends the alarms of all members. One whose reason is still there comes back."""
        for member_id, alarm in self.alarms():
            asked = {"action": "DEACTIVATE", "memberID": str(member_id), "alarm": alarm}
            self._http.call("/v3/maintenance/alarm", asked)

    def compact(self, revision: int) -> None:
        """Forgets the history before the revision, and waits until this member has removed it. It may be done already.

        Raises EtcdError (OUT_OF_RANGE) for a revision still to come.
        """
        try:
            self._http.call("/v3/kv/compaction", {"revision": str(revision), "physical": True}, REWRITE_SECONDS)
        except EtcdError as error:
            if error.code != OUT_OF_RANGE or "has been compacted" not in error.text:
                raise

    def defragment(self) -> None:
        """Gives free pages of one member's database back to the disk. It answers nothing else meanwhile."""
        self._http.call("/v3/maintenance/defragment", {}, REWRITE_SECONDS, repeatable=False)

    def save_snapshot(self, file: Path) -> None:
        """Writes a snapshot, whole or not at all, as `etcdctl snapshot save` does."""
        etcd_snapshot.save(self._http, file)

    def lock(self, name: str, wait_seconds: float, ttl: int = 30) -> AbstractContextManager[Lock]:
        """Waits for the lock, and holds it; it ends `ttl` seconds after this process at the latest. Raises LockBusy."""
        return etcd_lock.hold(self._http, name, wait_seconds, ttl)

    def _range(self, key: str, seconds: float = 0, **more: object) -> Json:
        return self._http.call("/v3/kv/range", {"key": encoded(key), **more}, seconds)

    def _found(self, key: str, **more: Any) -> dict[str, bytes]:
        found = self._range(key, **more).get("kvs", ())
        return {
            base64.b64decode(entry["key"]).decode(errors="replace"): base64.b64decode(entry.get("value", ""))
            for entry in found
        }


def peer_members(address: str, tls: Tls, port: int) -> tuple[Member, ...]:
    """The members as that peer knows them, also without a leader. `tls` is that of peers. Raises NoAnswer."""
    found = EtcdHttp((f"https://{address}:{port}",), tls, _PEER_SECONDS).get("/members")
    return tuple(_member(entry, "id") for entry in found or ())


def port_state(address: str, port: int) -> PortState:
    """What becomes of a connection to the port."""
    try:
        socket.create_connection((address, port), timeout=_PORT_SECONDS).close()
    except ConnectionRefusedError:
        return PortState.REFUSED
    except OSError:
        return PortState.SILENT
    return PortState.OPEN
