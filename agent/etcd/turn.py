"""This machine's turn to change the membership, or itself: one at a time in the whole cluster."""

from contextlib import ExitStack
from typing import Final

from agent.etcd.membership import Place, ThisMember
from agent.etcd.network import is_full
from agent.etcd_api import EtcdError
from agent.etcd_lock import Lock, LockLost
from agent.machine import Failed

LOCK: Final = "openstack-paas/membership"
#: How long this machine waits for its turn.
LOCK_SECONDS: Final = 500


class Turn(ExitStack):
    """A lock in etcd, not held yet. It ends with the context, or 30 s after this machine does."""

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
