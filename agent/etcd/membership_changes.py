"""Changes of the membership: one at a time in the whole cluster, each after a snapshot.

This machine joins, and members leave that the settings do not name any more. Members restart in their turn, too.
"""

import contextlib
from collections.abc import Callable
from typing import Final

from agent.etcd.membership import UNIT, Place, ThisMember
from agent.etcd.network import is_full, is_healthy, leads
from agent.etcd_api import Etcd, EtcdError, Member
from agent.etcd_lock import Lock, LockLost
from agent.machine import Failed, NotYet

LOCK: Final = "openstack-paas/membership"
#: How long this machine waits for its turn.
LOCK_SECONDS: Final = 500
#: How long etcd may refuse a removal. It does for some 5 s after each change, until its members have talked for long
#: enough.
REFUSAL_SECONDS: Final = 30
#: How long it may refuse one more member. It does while another one is away or learns.
ADDING_SECONDS: Final = 240
#: How long members that stay may take to be well before others leave: one of them may be about to join.
STAYING_SECONDS: Final = 180
#: The longest that a snapshot before a change of the membership may take.
SNAPSHOT_SECONDS: Final = 300

#: By a reason, from the member at an address, within so many seconds: takes a snapshot, keeps it on this machine, and
#: brings no copies elsewhere (agent/etcd/backup.py). Returns why there is none; empty when there is one.
TakeSnapshot = Callable[[str, str, float], str]


class Turn(contextlib.ExitStack):
    """This machine's turn to change the membership, or itself: a lock in etcd, not held yet.

    It ends with the context, or 30 s after this machine does.
    """

    def __init__(self, this: ThisMember) -> None:
        super().__init__()
        self._this = this
        self._held: Lock | None = None

    def hold(self, *places: Place) -> None:
        """Waits for the turn; the lock is asked for at any of these members. Raises Failed when it is not to be had.

        An etcd that is full (the alarm NOSPACE) gives no lock to anybody. What would help it must not wait for one: the
        engine changes one running member at a time, and etcd itself refuses what would cost the majority.
        """
        if self._held is not None:
            return
        clock = self._this.machine.clock
        began = clock.monotonic()
        api = self._this.network.api(*(place.client_url for place in places))
        try:
            self._held = self.enter_context(api.lock(LOCK, LOCK_SECONDS))
        except EtcdError as error:
            if not is_full(error):
                raise Failed(f"the membership does not change, one change goes on at a time: {error}") from None
            self._this.machine.log(f"etcd is full and gives no lock, going on without one: {error}")
        if (waited := clock.monotonic() - began) >= 2:
            self._this.machine.log(f"waited {waited:.0f} s for another change of the membership")

    def check(self) -> None:
        """Before each change. Raises Failed when another machine may have its turn by now."""
        try:
            if self._held is not None:
                self._held.check()
        except LockLost as error:
            raise Failed(f"nothing more is changed, run it again: {error}") from None

    def release(self) -> None:
        """Gives the lock back; when etcd does not answer it ends by itself."""
        self._held = None
        self.close()


def join_cluster(this: ThisMember, turn: Turn, peer: Place, snapshot: TakeSnapshot) -> tuple[Member, ...]:
    """Makes this machine a member, with no data yet, of the cluster that answers at `peer`; returns all its members.

    As a learner: it does not count for the majority until it has caught up. etcd itself refuses what would cost the
    majority. Until it votes nobody else changes the membership (the turn stays held). Without a snapshot it goes on all
    the same: it brings a lost member back.
    """
    turn.hold(*this.settings.peers)
    # This one is known to be a voter; the others are for the case that it goes.
    api = this.network.api(peer.client_url, *(other.client_url for other in this.settings.peers if other != peer))
    entry = this.own_entry(api)
    # It publishes its client address once it has started.
    if entry is not None and not entry.client_urls:
        this.machine.log(f"already listed as {entry.id:x} and never started: starting")
        return api.members()
    this.machine.log("a snapshot before the membership changes")
    if why_none := snapshot("membership", peer.address, SNAPSHOT_SECONDS):
        this.machine.log(f"no snapshot was taken ({why_none}), the membership changes without one")
    if entry is not None:
        this.machine.log(f"removing {entry.id:x}, which was this machine before it lost its data")
        _remove(this, turn, api, entry.id, f"etcd to let go of the old member {entry.id:x}")
    _add(this, turn, api)
    return api.members()


def _remove(this: ThisMember, turn: Turn, api: Etcd, member_id: int, what: str) -> None:
    """A request whose answer did not come in time may have been carried out."""

    def attempt() -> None:
        turn.check()
        try:
            api.remove(member_id)
        except EtcdError as error:
            if any(member.id == member_id for member in api.members()):
                raise NotYet(str(error)) from None

    this.retry_until(REFUSAL_SECONDS, what, attempt)


def _add(this: ThisMember, turn: Turn, api: Etcd) -> None:
    """Adds this machine. etcd takes nobody in while one of its members is away.

    Such a one may be waiting for its turn to be replaced, so between two attempts others have theirs. A request whose
    answer did not come may have been carried out.
    """

    def attempt() -> None:
        turn.hold(*this.settings.peers)
        turn.check()
        try:
            api.add_learner(this.own.peer_url)
        except EtcdError:
            with contextlib.suppress(EtcdError):
                if this.own_entry(api) is not None:
                    return
            turn.release()
            raise

    what = (
        "etcd to take this machine as a member; it takes nobody while a member is away: where two are lost, both have"
        " to be replaced at the same time, so not with --parallel 1"
    )
    this.retry_until(ADDING_SECONDS, what, attempt)
    this.machine.log("the cluster lists this machine as a learner")


def leavers(this: ThisMember) -> list[Member]:
    """Members that the settings do not name, those that do not answer first. Raises EtcdError."""
    named = {place.peer_url for place in this.settings.members}
    unnamed = [member for member in this.api.members() if not named & set(member.peer_urls)]
    return sorted(
        unnamed, key=lambda member: bool(member.client_urls) and is_healthy(this.network.api(*member.client_urls))
    )


def check_all_stay(this: ThisMember) -> None:
    """Raises NotYet, or EtcdError, unless every member that the settings name is a healthy voter.

    Then the majority is theirs, whichever members leave.
    """
    voters = {url for member in this.voters() for url in member.peer_urls}

    def says(place: Place) -> str:
        if place.peer_url not in voters:
            return "no voter"
        return "healthy" if is_healthy(this.network.api(place.client_url)) else "not healthy"

    found = {place.name: says(place) for place in this.settings.members}
    if set(found.values()) != {"healthy"}:
        raise NotYet(", ".join(f"{name} {word}" for name, word in found.items()))


def let_leavers_go(this: ThisMember, turn: Turn, snapshot: TakeSnapshot) -> None:
    """One after another, while their machines still run; these are deleted when all steps have ended well.

    Raises Failed while not all that stay are healthy, and without a snapshot.
    """
    machine = this.machine
    machine.unit = UNIT

    def list_leavers() -> list[Member]:
        return this.retry_until(30, "etcd's list of its members", lambda: leavers(this))

    if not list_leavers():
        return
    # Not under the lock: one of them may be waiting for its turn to join.
    this.retry_until(
        STAYING_SECONDS, "all members that stay to be healthy; none leaves before", lambda: check_all_stay(this)
    )
    turn.hold(this.own)
    taken = False
    while left := list_leavers():
        leaver = left[0]
        name = leaver.name or f"{leaver.id:x}"
        try:
            check_all_stay(this)
        except (NotYet, EtcdError) as seen:
            raise Failed(f"{name} does not leave while not all members that stay are healthy: {seen}") from None
        if not taken:
            machine.log("a snapshot before the membership changes")
            if why_none := snapshot("membership", this.own.address, SNAPSHOT_SECONDS):
                raise Failed(f"no member leaves without a snapshot: {why_none}")
        taken = True
        _let_go(this, turn, leaver, name)
    turn.release()


def _let_go(this: ThisMember, turn: Turn, leaver: Member, name: str) -> None:
    machine = this.machine
    if leaver.client_urls and leads(there := this.network.api(*leaver.client_urls)):
        try:
            if entry := this.own_entry(this.api):
                there.move_leader(entry.id)
        except EtcdError as error:
            # An election follows, which takes longer.
            machine.log(f"{name} did not hand over its lead: {error}")
    what = f"etcd to let go of {name}, which the settings do not name (all that stay are healthy)"
    _remove(this, turn, this.api, leaver.id, what)
    machine.log(f"{name} ({leaver.id:x}) is no longer a member")
    this.retry_until(60, f"etcd to answer without {name}", this.api.check_health)
