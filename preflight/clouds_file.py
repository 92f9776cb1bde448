"""clouds.yaml, as OpenStack's own tools and the provider read it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml


def _folders() -> Iterator[Path]:
    """Where the files are looked for, first hit wins (openstacksdk: configuration, config files)."""
    yield Path.cwd()
    yield Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "openstack"
    yield Path("/etc/openstack")


def _read(variable: str, name: str) -> dict[str, Any]:
    """The file that `variable` names, else `name` in one of the folders; empty when there is none."""
    given = os.environ.get(variable)
    candidates = [Path(given)] if given else [folder / file for folder in _folders() for file in (name, _yml(name))]
    for path in candidates:
        if path.is_file():
            return yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    return {}


def _yml(name: str) -> str:
    return name.removesuffix(".yaml") + ".yml"


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above` over `below`, level by level."""
    result = dict(below)
    for key, value in above.items():
        under = result.get(key)
        result[key] = _over(under, value) if isinstance(value, Mapping) and isinstance(under, Mapping) else value
    return result


def names() -> list[str]:
    """Names of the clouds in clouds.yaml."""
    return sorted((_read("OS_CLIENT_CONFIG_FILE", "clouds.yaml").get("clouds") or {}).keys())


def cloud(name: str) -> dict[str, Any] | None:
    """The cloud `name` with its secrets (secure.yaml) and its profile (clouds-public.yaml); None when it is not there.

    Raises yaml.YAMLError and OSError when a file cannot be read.
    """
    clouds = _read("OS_CLIENT_CONFIG_FILE", "clouds.yaml").get("clouds") or {}
    if name not in clouds:
        return None
    found = clouds[name] or {}
    if profile := found.get("profile"):
        public = _read("OS_CLIENT_VENDOR_FILE", "clouds-public.yaml").get("public-clouds") or {}
        found = _over(public.get(profile) or {}, found)
    secure = _read("OS_CLIENT_SECURE_FILE", "secure.yaml").get("clouds") or {}
    return _over(found, secure.get(name) or {})
