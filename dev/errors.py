"""The error that the lab and the toolchain show without a traceback."""


class DevError(Exception):
    """What failed, where, and what to do about it or the last lines of the log."""
