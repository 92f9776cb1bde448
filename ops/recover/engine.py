"""The engine's command line, as recover needs it."""

import json
import os
from functools import partial
from typing import Final

from ops.recover.notes import Notes, RecoverError
from ops.shared import pulumi
from ops.shared.pulumi import PulumiError

#: Seconds that one command may take: the backend may be far away, and the state large.
SECONDS: Final = 300
#: What `pulumi` prints. Raises PulumiError.
run = partial(pulumi.run, seconds=SECONDS)


class Engine:
    """The selected stack."""

    def export(self, secrets: bool = False) -> Notes:
        """The state as it is now; its secrets are shown when asked for. Raises RecoverError."""
        try:
            return Notes(json.loads(run("stack", "export", *(["--show-secrets"] if secrets else []))))
        except (PulumiError, ValueError) as error:
            raise RecoverError(f"the state cannot be read, so nothing was deleted: {error}") from error

    def backend(self) -> str:
        """Where the state is, as a URL. Raises RecoverError."""
        if url := os.environ.get("PULUMI_BACKEND_URL"):
            return url
        try:
            return str(json.loads(run("whoami", "--json")).get("url") or "")
        except (PulumiError, ValueError) as error:
            raise RecoverError(f"it is not known where the state is, so nothing was deleted: {error}") from error

    def prove_idle(self, notes: Notes) -> None:
        """Takes the stack's lock and releases it, which shows that no other Pulumi runs. Raises RecoverError.

        Every backend locks a stack while an operation writes: Pulumi Cloud by itself, others by a file. No
        command only asks. A refresh of nothing but the stack itself reads and writes the state under the lock, asks no
        provider, and changes no resource. (`pulumi stack import` takes it, too, but writes what was read before it.)
        """
        try:
            self._refresh(notes)
        except PulumiError as error:
            raise RecoverError(
                f"the stack's lock cannot be taken, so another Pulumi may be running and nothing was deleted: {error}\n"
                "Wait for it to end. If you are sure that nobody works on this stack, run `pulumi cancel` and then "
                "this command again"
            ) from error

    def clear_creations(self, notes: Notes) -> None:
        """Drops the notes of all pending creations from the state, under the lock. Raises RecoverError."""
        try:
            self._refresh(notes, "--clear-pending-creates")
        except PulumiError as error:
            raise RecoverError(f"the notes of what was begun stay in the state: {error}; run this again") from error

    def _refresh(self, notes: Notes, *more: str) -> None:
        """Other pending operations than creations go with any refresh: what they were about is in the state."""
        target = ["--target", notes.target] if notes.target else []
        quiet = ("--suppress-outputs", "--suppress-progress", "--message", "ops recover")
        run("refresh", "--yes", "--skip-preview", "--run-program=false", *target, *quiet, *more)
