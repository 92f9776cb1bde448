"""The exception that the lab shows without a traceback."""


class LabError(Exception):
    """What failed, where, and the last lines of the log concerned."""
