"""The one exception that the lab shows to people without a traceback."""


class LabError(Exception):
    """What went wrong, where, and what the log of the part concerned says last."""
