"""Platforms for the lab's real cloud, as the preflight sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from preflight.collect import collect
from preflight.context import Context
from preflight.credentials import find, log_in
from preflight.run import run
from settings.load import parse
from settings.problem import SettingsError

#: Flavors and images that the lab's cloud has.
ON_THE_LAB: dict[str, Any] = {
    "gateways": {"flavor": "lab.gateway"},
    "etcd": {"flavor": "lab.etcd"},
    "controlPlanes": {"flavor": "lab.control-plane"},
    "workers": {"general": {"count": 2, "flavor": "lab.worker"}},
}


def with_lab(values: Mapping[str, Any]) -> dict[str, Any]:
    """`values` over what the lab needs, one level deep."""
    merged: dict[str, Any] = {"preset": "dev", **ON_THE_LAB}
    for key, value in values.items():
        merged[key] = {**merged.get(key, {}), **value} if isinstance(value, Mapping) else value
    return merged


def problems(cluster: str, provider: Mapping[str, Any] | None = None, **values: Any) -> str:
    """The report of a platform that must not pass."""
    with pytest.raises(SettingsError) as caught:
        run(parse(with_lab(values), cluster), None, provider or {})
    return str(caught.value)


def facts(cluster: str, **values: Any) -> Context:
    """What the checks see."""
    platform = parse(with_lab(values), cluster)
    return Context(platform, collect(log_in(find()), platform))
