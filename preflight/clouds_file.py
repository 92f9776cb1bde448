"""clouds.yaml, as OpenStack's own tools and the provider read it."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml


def _read(variable: str, name: str) -> dict[str, Any]:
    """The file that `variable` names, else the first of that name (openstacksdk: configuration, config files)."""
    user = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    folders = (Path.cwd(), user / "openstack", Path("/etc/openstack"))
    given = os.environ.get(variable)
    candidates = (
        [Path(given)] if given else [folder / f"{name}{end}" for folder in folders for end in (".yaml", ".yml")]
    )
    path = next((path for path in candidates if path.is_file()), None)
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {} if path else {}


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above` over `below`, level by level."""
    result = dict(below)
    for key, value in above.items():
        under = result.get(key)
        result[key] = _over(under, value) if isinstance(value, Mapping) and isinstance(under, Mapping) else value
    return result


def _clouds() -> dict[str, Any]:
    return _read("OS_CLIENT_CONFIG_FILE", "clouds").get("clouds") or {}


def names() -> list[str]:
    """Names of the clouds in clouds.yaml."""
    return sorted(_clouds())


def cloud(name: str) -> dict[str, Any] | None:
    """The cloud `name` with its secrets (secure.yaml) and its profile (clouds-public.yaml); None when it is unknown.

    Raises yaml.YAMLError and OSError when a file cannot be read.
    """
    clouds = _clouds()
    if name not in clouds:
        return None
    found = clouds[name] or {}
    if profile := found.get("profile"):
        public = _read("OS_CLIENT_VENDOR_FILE", "clouds-public").get("public-clouds") or {}
        found = _over(public.get(profile) or {}, found)
    secure = _read("OS_CLIENT_SECURE_FILE", "secure").get("clouds") or {}
    return _over(found, secure.get(name) or {})
