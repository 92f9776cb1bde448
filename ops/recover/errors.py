"""Why nothing is recovered."""

from __future__ import annotations

from ops.shared.errors import OpsError


class RecoverError(OpsError):
    """It ended before its end. The message says what was not done, and what to do."""
