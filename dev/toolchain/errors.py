"""The error that the toolchain shows without a traceback."""


class ToolchainError(Exception):
    """What failed, where, and what to do about it."""
