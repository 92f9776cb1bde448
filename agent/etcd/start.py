"""How a member of etcd starts: with its own data, as one of a new cluster, or into a living one.

An empty etcd in front of a platform costs all of its pods: the API servers know of none, and every kubelet ends its
own. So three guards stand in front of one: what the program knows (had_cluster), what this machine and its peers know,
and the unit itself, which starts without data only by a permission for once.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Final

from agent.etcd.membership import DATA, UNIT, Peers, Place, Says, ThisMember, mark_of
from agent.etcd.membership_changes import TakeSnapshot, Turn, join_cluster
from agent.etcd_api import EtcdError, Member, PortState
from agent.machine import Failed, NotYet
from agent.system import files

#: What etcd reads on its very first start only: whether the cluster is new, and who is in it.
INITIAL: Final = "/etc/etcd/initial.env"
#: Lets etcd.service start without data. In memory: a reboot takes it away.
PERMISSION: Final = "/run/openstack-paas-etcd-first-start"
GUARD_FILE: Final = "/etc/systemd/system/etcd.service.d/40-openstack-paas-first-start.conf"
#: An election is over within this time, and a member that starts with its data has joined.
ELECTION_SECONDS: Final = 90
#: Machines that are only being made.
MACHINES_SECONDS: Final = 240
KUBELET_PORT: Final = 10250


def guard(token: str) -> str:
    """The drop-in of etcd.service for a member of the cluster with this token.

    systemd looks at Condition...= in [Unit] for a start, not surely for each Restart=; ExecCondition= is run before
    every single one, and where it says no nothing is restarted. With "+" as root: after a machine has been replaced the
    files on its volume may belong to another number than the user etcd has now, until ExecStartPre= of
    volume-service.conf.j2 has changed that.
    """
    return f"""\
[Service]
# Without a log etcd would start empty. Only converge permits that, for one first start.
ExecCondition=+/bin/sh -c 'ls {DATA}/member/wal/*.wal >/dev/null 2>&1 || test -e {PERMISSION}'
# A member is ready once it has been part of a majority: its first start is over.
ExecStartPost=-+/bin/touch -- {mark_of(token)}
ExecStartPost=-+/bin/rm -f -- {PERMISSION} {INITIAL}
"""


def decide_start(this: ThisMember, turn: Turn, snapshot: TakeSnapshot) -> None:
    """With its data, into a living cluster, or as one of a new one: leaves on this machine what that start needs, and
    makes it a member where there is a cluster.

    For a member that is not active. Raises Failed whenever a start could put an empty etcd in the place of another.
    """
    # Each run decides by itself, and a refusal takes back what an interrupted one has permitted.
    end_first_start(this)
    machine = this.machine
    if this.has_data():
        peer = _let_go_by(this)
        if peer is None:
            machine.log("this machine has its data")
            return
        _set_data_aside(this, peer)
    peers = look_at_peers(this)
    if living := peers.first(Says.CLUSTER):
        machine.log(f"no data here, and {living.address} is part of a living cluster ({peers}): joining it")
        members = join_cluster(this, turn, living, snapshot)
        # Exactly the members that the cluster lists, this one among them.
        names = [f"{_name_of(this, member)}={url}" for member in members for url in member.peer_urls]
        _permit(this, "existing", names)
        return
    _refuse_empty(this, peers)
    machine.log(f"no data anywhere ({peers}): a new cluster")
    _permit(this, "new", [f"{place.name}={place.peer_url}" for place in this.settings.members])


def _name_of(this: ThisMember, member: Member) -> str:
    """A member that never started has no name yet; any will do."""
    return this.own.name if this.own.peer_url in member.peer_urls else member.name or f"{member.id:x}"


def _permit(this: ThisMember, state: str, names: list[str]) -> None:
    content = f"ETCD_INITIAL_CLUSTER_STATE={state}\nETCD_INITIAL_CLUSTER={','.join(names)}\n"
    files.install(this.machine, content, INITIAL)
    files.write(this.machine.path(PERMISSION), f"{state}, {this.machine.clock.now():%Y-%m-%dT%H:%M:%SZ}\n")


def end_first_start(this: ThisMember) -> None:
    """From now on etcd starts with data or not at all. With data it needs nothing of what a first start needs."""
    files.remove(this.machine, PERMISSION)
    files.remove(this.machine, INITIAL)


def _refuse_empty(this: ThisMember, peers: Peers) -> None:
    """Raises Failed unless nothing can be lost by an empty cluster of all members."""
    settings, today = this.settings, _today(this)
    way_out = f"Where all that it held may be given up, set etcd.startEmpty to today's date (UTC): {today}"
    if settings.start_empty:
        way_out += f"; it is {settings.start_empty}"
    if broken := peers.first(Says.BROKEN):
        raise Failed(
            f"no data here, and the cluster of {broken.address} has no majority (peers: {peers}): nothing can be"
            " changed in it. Bring another member back with its data, or restore a snapshot"
        )
    if this.mark.exists() and not may_be_empty(this):
        raise Failed(
            f"this machine was a member of the cluster '{settings.token}', its data in {DATA} is gone and no peer is"
            f" part of a living cluster (peers: {peers}). Bring the peers back, or restore a snapshot. {way_out}"
        )
    if not may_be_empty(this):
        raise Failed(
            f"this stack has had an etcd, there is no data here, and no peer is part of a living cluster (peers:"
            f" {peers}). An empty one does not take its place: every kubelet would end its pods. Bring members back"
            f" with their data, or restore a snapshot (`python -m ops etcd restore`). {way_out}"
        )
    if orphans := _serving_kubelets(this):
        raise Failed(
            f"no member of etcd has any data, and {', '.join(orphans)} belong to a cluster (kubelets serve there): all"
            " that it knew is gone. Restore a snapshot by `python -m ops etcd restore`; an empty etcd is started only"
            " when the kubelets of all control planes have been stopped"
        )
    if not peers.know_of_none():
        raise Failed(
            f"no data here, and not every peer says whether a cluster exists (peers: {peers}). Bring the silent ones"
            " up; none is replaced by an empty cluster"
        )
    if _has_had_one(this):
        this.machine.log(
            f"etcd.startEmpty is {today}: an empty etcd takes the place of the one that this stack has had"
        )


def _has_had_one(this: ThisMember) -> bool:
    """Whether there was an etcd: the program knows of one that this stack has had, or this machine was a member."""
    return this.settings.had_cluster or this.mark.exists()


def may_be_empty(this: ThisMember) -> bool:
    """Whether an empty cluster may start, as far as this machine knows: there was none, or it is wanted today."""
    return not _has_had_one(this) or this.settings.start_empty == _today(this)


def _today(this: ThisMember) -> str:
    return this.machine.clock.now().date().isoformat()


def look_at_peers(this: ThisMember) -> Peers:
    """Asks until the peers leave no doubt, or the time is over; returns what was seen last.

    With a living cluster there is none, and without one where an empty etcd may start: when one forms, or nobody runs
    any. Otherwise a peer could be a machine that is about to come back with data. In the first `up`, too: one before
    may have failed half-way. All machines are there before the first step begins.
    """
    clock = this.machine.clock
    began = clock.monotonic()
    refused = not may_be_empty(this)

    def look() -> Peers:
        peers = this.ask_peers()
        hopeless = refused or peers.first(Says.BROKEN) is not None
        if peers.first(Says.CLUSTER) or (not hopeless and peers.know_of_none()):
            return peers
        if clock.monotonic() - began < (ELECTION_SECONDS if hopeless else MACHINES_SECONDS):
            raise NotYet(str(peers))
        return peers

    if not this.settings.peers:
        return Peers()
    return this.machine.retry_until(MACHINES_SECONDS + ELECTION_SECONDS, "the peers", look)


def _serving_kubelets(this: ThisMember) -> list[str]:
    """Addresses of control planes whose kubelet serves: it has been part of a cluster.

    New machines have no kubelet until etcd works.
    """
    planes = this.settings.control_planes
    # At once: where no machine is, two seconds pass.
    with ThreadPoolExecutor(len(planes) or 1) as pool:
        states = pool.map(lambda address: this.network.port_state(address, KUBELET_PORT), planes)
        return [address for address, state in zip(planes, states, strict=True) if state is PortState.OPEN]


def _let_go_by(this: ThisMember) -> Place | None:
    """The peer of a living cluster that does not list this machine, which has data: it left, and its machine stayed."""
    peer = this.ask_peers().first(Says.CLUSTER)
    try:
        return peer if peer and this.own_entry(this.network.api(peer.client_url)) is None else None
    except EtcdError:
        return None


def _set_data_aside(this: ThisMember, peer: Place) -> None:
    # It may be between two of systemd's attempts to start it.
    this.machine.must("systemctl", "stop", UNIT, seconds=100)
    aside = this.data / f"aside-left-{this.machine.clock.now():%Y%m%dT%H%M%SZ}"
    aside.mkdir(parents=True, exist_ok=True)
    (this.data / "member").rename(aside / "member")
    files.sync_folder(aside)
    files.sync_folder(this.data)
    this.machine.log(f"the cluster of {peer.address} does not list this machine: its old data is in {aside}")
