"""The one kind of error that the toolchain shows to a person."""


class ToolchainError(Exception):
    """A message that needs no traceback: what failed, where, and what to do about it."""
