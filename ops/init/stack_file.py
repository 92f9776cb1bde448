"""The stack file: its keys from the answers, its text with every line explained, and what it held before."""

import math
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml
from jinja2 import StrictUndefined, Template

from ops.init import cloud_offers
from ops.init.answers import InitError
from ops.init.questions import PURPOSES, ROLES
from settings.platform import Platform
from settings.versions import DEFAULT_KUBERNETES

#: Pulumi's namespace of the project's keys: its name in Pulumi.yaml.
NAMESPACE: Final = "openstack-paas"
#: The key of the OpenStack provider that names an entry of clouds.yaml.
CLOUD_KEY: Final = "openstack:cloud"
#: What Pulumi itself writes beside `config`, so that it can read the secrets again.
KEYRING: Final = ("secretsprovider", "encryptionsalt", "encryptedkey")
#: Where the JSON Schema of stack files is, seen from a stack file.
SCHEMA: Final = "docs/stack.schema.json"
#: What settings/security.py takes when `access.sshUser` and `access.sshCidrs` are not set.
_DEFAULT_USER: Final = "debian"
_EVERYBODY: Final = ("0.0.0.0/0",)


@dataclass(frozen=True)
class Kept:
    """What must not get lost of a stack file: `config` has whole keys, namespace included."""

    keyring: Mapping[str, str] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)


def make_keys(
    answers: Mapping[str, Any], cluster_name: str = "", ssh_user: str = "", sources: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The keys of the stack file: what a cloud needs, and what differs from the preset.

    `sources` are `mirrors` and `proxy`, as in a stack file.
    """
    machine = {"image": answers["image"]}
    if answers["zones"]:
        machine["availabilityZones"] = list(answers["zones"])
    sections = {role.section: {"flavor": answers[role.answer], **machine} for role in ROLES}
    pool = {"count": answers["workers"], **sections.pop("workers")}
    access: dict[str, Any] = {}
    user = ssh_user or cloud_offers.system(answers["image"])[0] or _DEFAULT_USER
    if user != _DEFAULT_USER:
        access["sshUser"] = user
    if answers["ssh_from"] != _EVERYBODY:
        access["sshCidrs"] = list(answers["ssh_from"])
    version = answers["kubernetes"]
    keys = {
        "preset": answers["preset"],
        "clusterName": cluster_name,
        "network": {"external": answers["external"]},
        "access": access,
        **sections,
        "workers": {"general": pool},
        "kubernetes": {"version": version} if version != DEFAULT_KUBERNETES else {},
    }
    return {key: value for key, value in keys.items() if value} | dict(sources or {})


def read_sources(file: Path) -> dict[str, Any]:
    """`mirrors` and `proxy` of a YAML file, which may be another stack's file. Raises InitError."""
    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise InitError(f"--mirror-from {file}: cannot be read ({type(error).__name__}); name a YAML file") from None
    config = document.get("config", document) if isinstance(document, Mapping) else {}
    keys = {key.rpartition(":")[2]: value for key, value in config.items()}
    found = {key: keys[key] for key in ("mirrors", "proxy") if key in keys}
    if not found:
        raise InitError(f"--mirror-from {file}: has neither mirrors nor proxy; name a file that has one of them")
    return found


def _flow(value: Any) -> str:
    """A value on one line of YAML."""
    text = yaml.safe_dump(value, default_flow_style=True, width=math.inf, sort_keys=False, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...")


def _block(value: Mapping[str, Any], indent: int) -> str:
    """A value over several lines of YAML, indented; nothing for an empty one."""
    text = yaml.safe_dump(dict(value), width=math.inf, sort_keys=False, allow_unicode=True) if value else ""
    return textwrap.indent(text.removesuffix("\n"), " " * indent)


def render(stack: str, keys: Mapping[str, Any], platform: Platform, kept: Kept) -> str:
    """The stack file of `stack`, its secrets in `kept`. `platform` comes from settings.load of `keys`."""
    defaults = platform.settings.model_dump(mode="json", by_alias=True)
    defaults["clusterName"] = platform.cluster

    def section(name: str) -> str:
        """The line that opens a section."""
        return f"  {'' if name in keys else '#'}{NAMESPACE}:{name}:"

    def setting(path: str) -> str:
        """The line of `key` or `section.key`: as it is set, or with `#` before its default."""
        *sections, key = path.split(".")
        own: Mapping[str, Any] = keys
        shown: Mapping[str, Any] = defaults
        for name in sections:
            own, shown = own.get(name, {}), shown[name]
        label = key if sections else f"{NAMESPACE}:{key}"
        mark, value = ("", own[key]) if key in own else ("#", shown[key])
        return f"{'  ' * (len(sections) + 1)}{mark}{label}: {_flow(value)}"

    def settings(section: str, *names: str) -> str:
        """The lines of some settings of a section."""
        return "\n".join(setting(f"{section}.{name}") for name in names)

    def block(section: str, *names: str) -> str:
        """All that is set of a section, or the defaults of some settings."""
        return _block(keys[section], 4) if section in keys else settings(section, *names)

    template = Path(__file__).with_name("stack.yaml.j2").read_text(encoding="utf-8")
    text = Template(template, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True).render(
        schema=SCHEMA,
        stack=stack,
        purposes=PURPOSES,
        cloud=kept.config.get(CLOUD_KEY),
        secrets=f"{NAMESPACE}:databaseRootPassword" in kept.config,
        kept_config=_block({key: value for key, value in kept.config.items() if key != CLOUD_KEY}, 2),
        keyring=_block(kept.keyring, 0),
        flow=_flow,
        section=section,
        setting=setting,
        settings=settings,
        block=block,
    )
    return text.rstrip("\n") + "\n"


def read(text: str) -> tuple[dict[str, Any], Kept]:
    """The project's plain keys of a stack file, and what else is in it. Raises yaml.YAMLError and ValueError."""
    document = yaml.safe_load(text) or {}
    if not isinstance(document, dict) or not isinstance(document.get("config") or {}, dict):
        raise ValueError("is not a stack file")
    plain: dict[str, Any] = {}
    kept: dict[str, Any] = {}
    for key, value in (document.get("config") or {}).items():
        namespace, _, name = str(key).rpartition(":")
        if namespace == NAMESPACE and not has_secret(value):
            plain[name] = value
        else:
            kept[key] = value
    return plain, Kept({name: document[name] for name in KEYRING if document.get(name)}, kept)


def has_secret(value: Any) -> bool:
    """Whether something in `value` is encrypted, as Pulumi writes that: a mapping with the one key `secure`."""
    if isinstance(value, Mapping):
        return list(value) == ["secure"] or any(has_secret(below) for below in value.values())
    return isinstance(value, list) and any(has_secret(below) for below in value)
