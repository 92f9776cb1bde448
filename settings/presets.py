"""Presets: defaults by purpose. A preset is only defaults; every key of a stack file overrides it."""

from collections.abc import Mapping
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


def merged(defaults: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """`values` over `defaults`, key by key and level by level; lists and scalars replace whole.

    A worker pool that the user names replaces the preset's pools: nobody wants a pool called general by surprise.
    """
    result = dict(defaults)
    for key, value in values.items():
        below = result.get(key)
        if key != "workers" and isinstance(below, Mapping) and isinstance(value, Mapping):
            result[key] = merged(below, value)
        else:
            result[key] = value
    return result
