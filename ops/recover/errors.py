"""Why nothing is recovered."""

from __future__ import annotations


class RecoverError(Exception):
    """It ended before its end. The message says what was not done, and what to do."""
