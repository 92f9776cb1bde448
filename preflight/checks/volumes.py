"""Block storage: it exists, with the wanted type, when machines need volumes."""

from __future__ import annotations

from collections.abc import Iterator

from preflight import planned
from preflight.context import Context, suggestion
from settings.problem import Problem


def _asked(context: Context) -> dict[str, tuple[str, int]]:
    """Type and size of the volumes, by the key that asks for them."""
    return {key: (kind, gib) for key, kind, gib in planned.volumes(context.platform).values()}


def summary(context: Context) -> str:
    """How many volumes there are and of which size."""
    sizes = [gib for _, _, gib in planned.volumes(context.platform).values()]
    return f"{len(sizes)} volumes, {sum(sizes)} GiB" if sizes else "not asked for"


def errors(context: Context) -> Iterator[Problem]:
    """No block storage, or no such type."""
    types = context.cloud.volume_types
    for key, (kind, gib) in _asked(context).items():
        if not context.cloud.has_block_storage:
            yield Problem(
                f"{key}.volume",
                f"{gib} GiB",
                "the cloud has no block storage (cinder)",
                f"leave {key}.volume out: the machines' own disks are used then",
            )
        elif kind and types is not None and kind not in types:
            yield Problem(f"{key}.volume.type", kind, "the cloud has no such volume type", suggestion(kind, types))
