"""Presets: defaults by purpose. A preset is only defaults; every key of a stack file overrides it."""

from collections.abc import Collection, Mapping
from typing import Any, Final

PRESETS: Final[dict[str, dict[str, Any]]] = {
    "education": {
        "gateways": {"count": 1},
        "etcd": {"count": 1},
        "controlPlanes": {"count": 1, "schedulable": True},
        "workers": {"general": {"count": 1}},
        "database": {"replicas": 0},
        "backups": {"database": {"enabled": False}},
    },
    "dev": {
        "gateways": {"count": 1},
        "etcd": {"count": 1},
        "controlPlanes": {"count": 1},
        "workers": {"general": {"count": 2}},
    },
    "production": {
        "gateways": {"count": 2},
        "etcd": {"count": 3},
        "controlPlanes": {"count": 3},
        "workers": {"general": {"count": 3}},
        "database": {"replicas": 2},
        "protection": {"etcd": True, "database": True, "vips": True},
    },
}
#: Keys of a stack file that replace the preset's whole: nobody wants a worker pool called general by surprise.
WHOLE: Final = ("workers",)


def merged(defaults: Mapping[str, Any], values: Mapping[str, Any], whole: Collection[str] = ()) -> dict[str, Any]:
    """`values` over `defaults`, key by key and level by level; lists, scalars and the keys `whole` replace whole."""
    result = dict(defaults)
    for key, value in values.items():
        below = result.get(key)
        if key not in whole and isinstance(below, Mapping) and isinstance(value, Mapping):
            result[key] = merged(below, value)
        else:
            result[key] = value
    return result
