"""Members of etcd for tests: objects in place of machines, reached by their addresses."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from agent.etcd.network import Network
from agent.etcd_api import Etcd, HashKv, Lock, Member, NoAnswer, PortState, Status

MIB = 2**20
STATUS = Status(1, 1, "3.6.14", 7, 40 * MIB, 30 * MIB, False, 9, 9, ())


class FakeEtcd(Etcd):
    """One member. `refuses` is raised by the method of that name; `said` are the calls that change something."""

    def __init__(self, member_id: int = 1, name: str = "etcd-0", address: str = "10.0.0.4") -> None:
        super().__init__((), None)
        self.member = Member(member_id, name, (f"https://{address}:2380",), (f"https://{address}:2379",), False)
        self.state = replace(STATUS, member_id=member_id)
        self.hash, self.compacted, self.key_count = 77, 3, 5
        self.refuses: dict[str, Exception] = {}
        self.said: list[str] = []
        self.cluster: list[FakeEtcd] = [self]
        self.alarm_list: list[tuple[int, str]] = []
        self.defragmented: Callable[[], object] = lambda: self.set(db_size=self.state.db_in_use)

    def set(self, **changes: object) -> None:
        """Changes what it says of itself."""
        self.state = replace(self.state, **changes)  # type: ignore[arg-type]

    def stop(self) -> None:
        """Nobody answers from now on."""
        self.refuses |= dict.fromkeys(("status", "check_health", "hash_kv", "save_snapshot"), NoAnswer("timed out"))

    def _ask(self, name: str) -> None:
        if error := self.refuses.get(name):
            raise error

    def members(self) -> tuple[Member, ...]:
        self._ask("members")
        return tuple(one.member for one in self.cluster)

    def status(self) -> Status:
        self._ask("status")
        return self.state

    def check_health(self) -> None:
        self._ask("check_health")

    def count(self, revision: int = 0) -> int:
        self._ask("count")
        return self.key_count

    def hash_kv(self, revision: int = 0) -> HashKv:
        self._ask("hash_kv")
        return HashKv(self.hash, self.compacted)

    def save_snapshot(self, file: Path) -> None:
        self._ask("save_snapshot")
        file.write_text("a database")

    def alarms(self) -> tuple[tuple[int, str], ...]:
        return tuple(self.alarm_list)

    def disarm(self) -> None:
        self._ask("disarm")
        self.said.append("disarm")
        self.alarm_list.clear()

    def compact(self, revision: int) -> None:
        self._ask("compact")
        self.said.append(f"compact {revision}")

    def defragment(self) -> None:
        self.said.append(f"defragment {self.member.name}")
        self._ask("defragment")
        self.defragmented()

    def move_leader(self, member_id: int) -> None:
        self._ask("move_leader")
        self.said.append(f"lead to {member_id}")
        for one in self.cluster:
            one.set(leader=member_id)

    def lock(self, name: str, wait_seconds: float, ttl: int = 30) -> AbstractContextManager[Lock]:
        self._ask("lock")
        return self._locked(name)

    @contextmanager
    def _locked(self, name: str) -> Iterator[Lock]:
        self.said.append(f"lock {name}")
        try:
            yield cast(Lock, self)
        finally:
            self.said.append("unlock")

    def check(self) -> None:
        """Of the lock."""
        self._ask("check")


class FakeProcess:
    """A scratch etcd that runs until it is stopped."""

    def __init__(self, ended: int | None = None) -> None:
        self.ended = ended

    def poll(self) -> int | None:
        return self.ended

    def terminate(self) -> None:
        self.ended = 0

    def kill(self) -> None:
        self.ended = 9

    def wait(self, timeout: float | None = None) -> int:
        return self.ended or 0


class FakeNetwork(Network):
    """Reaches `members` by their client URLs, and `scratch` by its socket; another address does not answer."""

    def __init__(
        self,
        members: Sequence[FakeEtcd],
        scratch: FakeEtcd | None = None,
        ports: dict[str, PortState] | None = None,
        process: FakeProcess | None = None,
    ) -> None:
        self.members, self.scratch, self.ports, self.process = members, scratch, ports or {}, process
        self.started: list[tuple[str, ...]] = []

    def api(self, *endpoints: str, seconds: float = 5.0) -> Etcd:
        if endpoints[0].startswith("unix:///"):
            assert self.scratch is not None
            return self.scratch
        for endpoint in endpoints:
            for one in self.members:
                if endpoint in one.member.client_urls:
                    return one
        nobody = FakeEtcd()
        nobody.stop()
        return nobody

    def port_state(self, address: str, port: int) -> PortState:
        return self.ports.get(address, PortState.SILENT)

    def start(self, words: Sequence[str], log_file: Path) -> Any:
        self.started.append(tuple(words))
        log_file.write_text("what etcd logs\n")
        return self.process or FakeProcess()
