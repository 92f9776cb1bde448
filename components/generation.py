"""Names of what is made again under other settings: the first of its kind keeps the plain name."""

from settings.certificates import FIRST


def epoch_name(name: str, epoch: str) -> str:
    """The name in an epoch; the empty epoch has the plain one."""
    return f"{name}-{epoch}" if epoch else name


def generation_name(name: str, generation: str) -> str:
    """The name of a generation; the first one has the plain one."""
    return epoch_name(name, "" if generation == FIRST else generation)
