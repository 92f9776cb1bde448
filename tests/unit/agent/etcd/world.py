"""Machines with members of etcd in one process. The cluster follows etcd's rules for members, learners and leaders."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from agent.etcd.membership import DATA, MemberSettings, Place, ThisMember, mark_of
from agent.etcd.start import INITIAL, PERMISSION
from agent.etcd_api import EtcdError, LockBusy, LockLost, Member, NoAnswer, PortState, Status
from agent.etcd_http import UNAVAILABLE
from agent.programs import Ended
from tests.unit.agent.fake_machine import FakeClock, FakeMachine

NAMES = ("etcd-0", "etcd-1", "etcd-2")
#: What a removal, an addition and a promotion are refused with (etcd's server/etcdserver/errors).
UNHEALTHY = "etcdserver: unhealthy cluster"
NOT_ENOUGH = "etcdserver: re-configuration failed due to not enough started members"
NO_SPACE = "etcdserver: mvcc: database space exceeded"
LEARNER = "etcdserver: rpc not supported for learner"
NOT_IN_SYNC = "etcdserver: can only promote a learner member which is in sync with leader"


@dataclass
class Host:
    """A machine in the network; `etcd` is the process: it listens, has its data, and may not be part of a majority."""

    name: str
    address: str
    on: bool = True
    etcd: bool = False
    tls: bool = True
    """Whether it answers on its peer port."""
    kubelet: bool = False
    cut_off: bool = False
    """Nobody reaches its client port."""


@dataclass
class World:
    """Hosts, and the one cluster that there may be."""

    hosts: dict[str, Host] = field(default_factory=dict)
    members: list[Member] = field(default_factory=list)
    leader: int = 0
    applied: dict[int, int] = field(default_factory=dict)
    index: int = 100
    lag: int = 0
    """How many more times a learner is found not to have caught up."""
    keys: dict[str, bytes] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    refusals: dict[str, list[str]] = field(default_factory=dict)
    """What the next requests of a kind are refused with, one after another."""
    lost_answers: dict[str, int] = field(default_factory=dict)
    """How many requests of a kind are carried out without an answer."""
    lock_holder: str = ""
    lock_lost: bool = False
    full: bool = False
    """The alarm NOSPACE is on."""
    version: str = "3.6.0"
    machines: dict[str, FakeMachine] = field(default_factory=dict)
    clock: FakeClock = field(default_factory=FakeClock)

    def host_of(self, url: str) -> Host | None:
        """The host at a URL."""
        address = url.split("//")[1].split(":")[0]
        return next((host for host in self.hosts.values() if host.address == address), None)

    def member_of(self, host: Host) -> Member | None:
        """Its entry in the cluster's list."""
        return next((one for one in self.members if self.host_of(one.peer_urls[0]) is host), None)

    def runs(self, member: Member) -> bool:
        """Whether its process runs on a machine that is on."""
        host = self.host_of(member.peer_urls[0])
        return host is not None and host.on and host.etcd

    def has_majority(self) -> bool:
        """Whether enough voters run. Elects, and publishes what members publish then."""
        voters = [member for member in self.members if not member.is_learner]
        running = [member for member in voters if self.runs(member)]
        if len(running) <= len(voters) // 2:
            return False
        if self.leader not in [member.id for member in running]:
            self.leader = running[0].id
        for place, member in enumerate(self.members):
            host = self.host_of(member.peer_urls[0])
            if host is not None and self.runs(member):
                self.members[place] = replace(member, name=host.name, client_urls=(f"https://{host.address}:2379",))
        return True

    def change(self, kind: str, text: str) -> None:
        """Notes a request; refuses it where the test wants that."""
        self.calls.append(f"{kind} {text}".strip())
        if self.refusals.get(kind):
            raise EtcdError(self.refusals[kind].pop(0))

    def answer(self, kind: str) -> None:
        """The answer to what has been done may be lost."""
        self.index += 1
        if self.lost_answers.get(kind, 0) > 0:
            self.lost_answers[kind] -= 1
            raise NoAnswer("context deadline exceeded")

    def cluster(self, *names: str, learner: str = "") -> None:
        """A cluster that lives: its members run, on hosts that are on."""
        for number, name in enumerate(names):
            host = self.hosts[name]
            host.on = host.etcd = True
            self.add_entry(host, 0xA0 + number, is_learner=name == learner, started=True)
        assert self.has_majority()

    def add_entry(self, host: Host, number: int, *, is_learner: bool = False, started: bool = False) -> Member:
        """A member in the list."""
        urls = (f"https://{host.address}:2379",) if started else ()
        name = host.name if started else ""
        member = Member(number, name, (f"https://{host.address}:2380",), urls, is_learner)
        self.members.append(member)
        return member

    # --- machines with systemd

    def machine(self, folder: Path, name: str) -> FakeMachine:
        """The machine of that host, with systemctl; its etcd starts as the unit would."""
        machine = FakeMachine(folder / name, name, self.clock)
        machine.answer("logger")
        machine.answer("id etcd")
        machine.answer("systemctl", lambda words, given: self.systemctl(name, words))
        machine.state.mkdir(parents=True)
        self.machines[name] = machine
        return machine

    def systemctl(self, name: str, words: tuple[str, ...]) -> Ended:
        """How it ends on the machine of that name."""
        host, words = self.hosts[name], tuple(word for word in words[1:] if word != "--no-block")
        ready = host.etcd and self.is_ready(host)
        if words[-1] != "etcd.service":
            return Ended(0 if words[0] != "is-active" and words[0] != "is-enabled" else 3)
        match words[0]:
            case "is-active":
                return Ended(0 if ready else 3)
            case "show":
                states = {"ActiveState": "active" if ready else "activating" if host.etcd else "inactive"}
                return Ended(0, states.get(words[1].removeprefix("--property="), ""))
            case "start":
                self.start(name)
            case "restart":
                host.etcd = False
                self.start(name)
            case "stop":
                host.etcd = False
        return Ended(0)

    def is_ready(self, host: Host) -> bool:
        """Whether it has told systemd that it is ready: it has been part of a majority."""
        member = self.member_of(host)
        return self.has_majority() and member is not None

    def start(self, name: str) -> None:
        """What etcd.service does, with its guard."""
        machine, host = self.machines[name], self.hosts[name]
        log = machine.path(f"{DATA}/member/wal/0.wal")
        if not log.exists():
            if not machine.path(PERMISSION).exists():
                return
            lines = machine.path(INITIAL).read_text().splitlines()
            initial = dict(line.split("=", 1) for line in lines)
            urls = [entry.split("=")[1] for entry in initial["ETCD_INITIAL_CLUSTER"].split(",")]
            if initial["ETCD_INITIAL_CLUSTER_STATE"] == "new" and not self.members:
                for number, url in enumerate(urls):
                    found = self.host_of(url)
                    assert found is not None
                    self.add_entry(found, 0xB0 + number)
            listed = [url for member in self.members for url in member.peer_urls]
            if sorted(urls) != sorted(listed):
                return
            log.parent.mkdir(parents=True)
            log.touch()
        host.etcd = True
        self.settle()

    def settle(self) -> None:
        """Members that are ready end their first start (ExecStartPost)."""
        for name, machine in self.machines.items():
            if self.hosts[name].etcd and self.is_ready(self.hosts[name]):
                machine.path(mark_of("sample")).touch()
                machine.path(PERMISSION).unlink(missing_ok=True)
                machine.path(INITIAL).unlink(missing_ok=True)


class FakeLock:
    """The lock while it is held."""

    def __init__(self, world: World) -> None:
        self.world = world

    def check(self) -> None:
        if self.world.lock_lost:
            raise LockLost("its lease has ended")


class FakeApi:
    """etcd's API at some endpoints."""

    def __init__(self, world: World, endpoints: tuple[str, ...]) -> None:
        self.world, self.endpoints = world, endpoints

    def _member(self, *, learner_too: bool = False) -> Member:
        """The first that can help: a learner, or one without a majority, counts as one that does not answer."""
        world = self.world
        last: EtcdError = NoAnswer(f"{' '.join(self.endpoints)}: nobody answers")
        for url in self.endpoints:
            host = world.host_of(url)
            if host is None or not host.on or not host.etcd or host.cut_off:
                continue
            if not world.has_majority():
                last = NoAnswer("etcdserver: request timed out", UNAVAILABLE)
                continue
            member = world.member_of(host)
            if member is None:
                raise EtcdError("etcdserver: the member has been permanently removed from the cluster")
            if not member.is_learner or learner_too:
                return member
            last = EtcdError(LEARNER, UNAVAILABLE)
        raise last

    def members(self) -> tuple[Member, ...]:
        self._member()
        return tuple(self.world.members)

    def add_learner(self, peer_url: str) -> Member:
        self._member()
        world = self.world
        world.change("add", peer_url)
        if any(peer_url in member.peer_urls for member in world.members):
            raise EtcdError("etcdserver: Peer URLs already exists")
        if any(member.is_learner for member in world.members):
            raise EtcdError("etcdserver: too many learner members in cluster")
        if not all(world.runs(member) for member in world.members):
            raise EtcdError(UNHEALTHY)
        host = world.host_of(peer_url)
        assert host is not None
        member = world.add_entry(host, 0xC0 + len(world.calls), is_learner=True)
        world.answer("add")
        return member

    def remove(self, member_id: int) -> None:
        self._member()
        world = self.world
        world.change("remove", f"{member_id:x}")
        found = next((member for member in world.members if member.id == member_id), None)
        if found is None:
            raise EtcdError("etcdserver: member not found")
        left = [member for member in world.members if member.id != member_id and not member.is_learner]
        if not found.is_learner and len([one for one in left if world.runs(one)]) <= len(left) // 2:
            raise EtcdError(NOT_ENOUGH)
        world.members.remove(found)
        world.answer("remove")

    def promote(self, member_id: int) -> None:
        self._member()
        world = self.world
        world.change("promote", f"{member_id:x}")
        place, found = next((item for item in enumerate(world.members) if item[1].id == member_id), (0, None))
        if found is None:
            raise EtcdError("etcdserver: member not found")
        if not world.runs(found) or world.lag > 0:
            world.lag -= 1
            raise EtcdError(NOT_IN_SYNC)
        world.members[place] = replace(found, is_learner=False)
        world.answer("promote")

    def move_leader(self, member_id: int) -> None:
        own = self._member()
        self.world.change("move", f"{member_id:x}")
        if own.id != self.world.leader:
            raise EtcdError("etcdserver: not leader")
        self.world.leader = member_id

    def status(self) -> Status:
        own, world = self._member(learner_too=True), self.world
        applied = world.applied.get(own.id, world.index)
        return Status(own.id, world.leader, "3.6.5", 1, 1, 1, own.is_learner, world.index, applied, ())

    def check_health(self) -> None:
        self._member()

    def cluster_version(self) -> str:
        self._member(learner_too=True)
        return self.world.version

    def get_prefix(self, prefix: str) -> dict[str, bytes]:
        self._member()
        return {key: value for key, value in self.world.keys.items() if key.startswith(prefix)}

    def put(self, key: str, value: str) -> None:
        self._member()
        if self.world.full:
            raise EtcdError(NO_SPACE)
        self.world.keys[key] = value.encode()

    @contextmanager
    def lock(self, name: str, wait_seconds: float, ttl: int = 30) -> Iterator[FakeLock]:
        del ttl
        world = self.world
        until = world.clock.monotonic() + wait_seconds
        while True:
            try:
                self._member()
                if world.full:
                    raise EtcdError(NO_SPACE)
                world.change("lock", " ".join(self.endpoints))
                error: EtcdError | None = None
                if world.lock_holder:
                    error = LockBusy(f"the lock {name}: {world.lock_holder} holds it")
            except EtcdError as seen:
                if seen.code != UNAVAILABLE and not isinstance(seen, NoAnswer):
                    raise
                error = seen
            if error is None:
                break
            if world.clock.monotonic() >= until:
                raise error
            world.clock.sleep(0.5)
        world.lock_holder = self.endpoints[0]
        try:
            yield FakeLock(world)
        finally:
            world.lock_holder = ""
            world.calls.append("unlock")


class FakeNetwork:
    """The ways in that world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def api(self, *endpoints: str) -> FakeApi:
        return FakeApi(self.world, endpoints)

    def peer_members(self, address: str) -> tuple[Member, ...]:
        host = self.world.host_of(f"https://{address}")
        if host is None or not host.on or not host.etcd or not host.tls:
            raise NoAnswer("no answer")
        self.world.has_majority()
        return tuple(self.world.members)

    def port_state(self, address: str, port: int) -> PortState:
        host = self.world.host_of(f"https://{address}")
        if host is None or not host.on:
            return PortState.SILENT
        listens = host.kubelet if port == 10250 else host.etcd
        return PortState.OPEN if listens else PortState.REFUSED


class Snapshots:
    """Takes none; notes that it was asked, and fails where the test wants that."""

    def __init__(self, world: World, error: str = "") -> None:
        self.world, self.error = world, error

    def __call__(self, reason: str, source: str, seconds: float) -> str:
        assert seconds > 0
        self.world.calls.append(f"snapshot {reason} {source}")
        return self.error


def make_world(names: tuple[str, ...] = NAMES) -> World:
    """Hosts that are on, without an etcd, and two places for control planes, of which none has a machine."""
    hosts = {name: Host(name, f"10.0.0.{number + 1}") for number, name in enumerate(names)}
    for number in (21, 22):
        hosts[f"plane-{number}"] = Host(f"plane-{number}", f"10.0.0.{number}", on=False)
    return World(hosts)


def settings_of(
    world: World, name: str, *, had_cluster: bool = False, start_empty: str = "", named: tuple[str, ...] | None = None
) -> MemberSettings:
    """The desired state of a member of that world; `named` are all its members."""
    names = named or tuple(host for host in world.hosts if host.startswith("etcd"))
    places = tuple(Place(host, world.hosts[host].address) for host in names)
    planes = tuple(host.address for host in world.hosts.values() if host.name.startswith("plane"))
    return MemberSettings(name, places, "sample", planes, had_cluster, start_empty)


def this_member(
    world: World,
    folder: Path,
    name: str = "etcd-0",
    *,
    had_cluster: bool = False,
    start_empty: str = "",
    named: tuple[str, ...] | None = None,
) -> ThisMember:
    """A member of that world on its machine."""
    settings = settings_of(world, name, had_cluster=had_cluster, start_empty=start_empty, named=named)
    return ThisMember(world.machine(folder, name), settings, FakeNetwork(world))


def give_data(this: ThisMember) -> None:
    """A log of etcd on its disk."""
    this.machine.path(f"{DATA}/member/wal").mkdir(parents=True)
    this.machine.path(f"{DATA}/member/wal/0.wal").touch()


def machine_of(this: ThisMember) -> FakeMachine:
    """Its machine, as the fake that it is."""
    assert isinstance(this.machine, FakeMachine)
    return this.machine


class FakeMaintenance:
    """Packages and epochs of which `waits` waits. It is its own list of packages."""

    def __init__(
        self, machine: FakeMachine, waits: str, meanwhile: Callable[[], object] = lambda: None, installed: str = ""
    ) -> None:
        self.machine, self.waits, self.meanwhile, self.installed = machine, waits, meanwhile, installed
        self.calls: list[str] = []

    @property
    def packages(self) -> "FakeMaintenance":
        return self

    def what_waits(self, *names: str) -> str:
        return self.waits

    def fetch(self) -> None:
        self.calls.append("fetch")

    def change(self, *names: str) -> None:
        self.calls.append("change")
        self.meanwhile()

    def renew(self) -> None:
        self.calls.append("renew")

    def end_epoch(self) -> None:
        self.calls.append("end_epoch")
        self.waits = ""

    def renew_new_machine(self) -> None:
        self.calls.append("renew_new_machine")
