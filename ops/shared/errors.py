"""Errors that end a command with one line on standard error and exit status 2."""


class OpsError(Exception):
    """The message says what is missing and what to do."""
