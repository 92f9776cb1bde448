"""Platforms for the lab's cloud, and what the preflight finds out about them."""

from collections.abc import Mapping
from typing import Any

import pytest

from preflight.collect import collect
from preflight.context import Context
from preflight.credentials import find, log_in
from preflight.run import run
from settings.load import parse
from settings.problem import SettingsError

#: The flavors of the lab's cloud.
ON_THE_LAB: dict[str, Any] = {
    "gateways": {"flavor": "lab.gateway"},
    "etcd": {"flavor": "lab.etcd"},
    "controlPlanes": {"flavor": "lab.control-plane"},
    "workers": {"general": {"count": 2, "flavor": "lab.worker"}},
}


def with_lab(values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that the lab needs, overridden by `values`, one level deep."""
    merged: dict[str, Any] = {"preset": "dev", **ON_THE_LAB}
    for key, value in values.items():
        merged[key] = {**merged.get(key, {}), **value} if isinstance(value, Mapping) else value
    return merged


def problems(cluster: str, provider: Mapping[str, Any] | None = None, **values: Any) -> str:
    """The report on a platform that must fail the preflight."""
    with pytest.raises(SettingsError) as caught:
        run(parse(with_lab(values), cluster), None, provider or {})
    return str(caught.value)


def facts(cluster: str, **values: Any) -> Context:
    """What the checks see."""
    platform = parse(with_lab(values), cluster)
    return Context.of(platform, collect(log_in(find()), platform))
