"""The base of every section, and the kinds of text that sections share, each with its rule in words."""

from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic.config import JsonDict
from pydantic.fields import FieldInfo


class Section(BaseModel):
    """One section of the configuration: camelCase keys as in stack files, no unknown key, values that do not change.

    Its docstring and those of its fields are the reference in docs/settings.md.
    """

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True, use_attribute_docstrings=True)


def text(pattern: str, rule: str, fix: str) -> FieldInfo:
    """A text that matches the whole of `pattern`. In words: what it must be (`rule`) and how to fix it (`fix`).

    Messages and the reference read the words from the JSON Schema, and editors show the rule.
    """
    words: JsonDict = {"patternErrorMessage": rule, "fix": fix}
    found: FieldInfo = Field(pattern=pattern, json_schema_extra=words)
    return found


def label(longest: int, fix: str) -> FieldInfo:
    """A label of a DNS name (RFC 1123) of at most `longest` characters that begins with a letter."""
    rule = f"must be 1 to {longest} lower-case letters, digits and dashes, a letter first and no dash last"
    return text(rf"^[a-z]([a-z0-9-]{{0,{longest - 2}}}[a-z0-9])?$", rule, fix)


def _no_boolean(value: object) -> object:
    """YAML's yes and true are not numbers, although Python treats them as such."""
    return str(value).lower() if isinstance(value, bool) else value


NO_BOOLEAN: Final = BeforeValidator(_no_boolean)
#: A whole number. Pulumi may hand it over as text. Bounds inside `Annotated` go before NO_BOOLEAN, or pydantic leaves
#: them out of the JSON Schema.
Whole = Annotated[int, NO_BOOLEAN]


def _text(value: object) -> object:
    """Addresses are written as text. Python also accepts numbers, but YAML's 7 is not an address."""
    return str(value).lower() if isinstance(value, (bool, int)) else value


def _address_schema(format: str, pattern: str, rule: str) -> WithJsonSchema:
    """pydantic's own JSON Schema has the format alone, which editors do not check."""
    return WithJsonSchema({"type": "string", "format": format, "pattern": pattern, "patternErrorMessage": rule})


_BYTE: Final = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4: Final = rf"^{_BYTE}(\.{_BYTE}){{3}}"
#: An IPv4 address.
Address = Annotated[
    IPv4Address, BeforeValidator(_text), _address_schema("ipv4", f"{_IPV4}$", "must be an IPv4 address")
]

#: An IPv4 network in CIDR form with its host bits zero. How large it must be is a check's business.
Cidr = Annotated[
    IPv4Network,
    BeforeValidator(_text),
    _address_schema("ipv4network", f"{_IPV4}(/(3[0-2]|[12]?[0-9]))?$", "must be an IPv4 network, as 10.20.0.0/22"),
]

#: A label of a host name and part of an OpenStack name: RFC 1123, and short, so that whole node names stay below 63.
Name = Annotated[str, label(20, "choose another name")]

#: A key of a machine inside its pool.
Key = Annotated[
    str,
    text(
        r"^[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?$",
        "must be 1 to 20 lower-case letters, digits and dashes, no dash first or last",
        "choose another key",
    ),
]

#: The name of something in the cloud: OpenStack's columns hold 255 characters.
CloudName = Annotated[
    str,
    text(
        r"^\S(.{0,253}\S)?$",
        "must be 1 to 255 characters, no space first or last (OpenStack stores no longer names)",
        "write the name that `openstack` lists",
    ),
]

#: A quantity of bytes as Kubernetes writes them, with a binary unit.
Quantity = Annotated[
    str,
    text(
        r"^[1-9][0-9]*(Ki|Mi|Gi|Ti)$",
        "must be a whole number with one of the units Ki, Mi, Gi or Ti",
        "write it as 512Mi or 8Gi",
    ),
]

#: An absolute path on a machine.
AbsolutePath = Annotated[
    str,
    text(
        r"^/[A-Za-z0-9._/-]+$",
        "must be an absolute path of letters, digits, dots, dashes and underscores",
        "begin it with a slash",
    ),
]

_UNITS: Final = {"Ki": 1024, "Mi": 1024**2, "Gi": 1024**3, "Ti": 1024**4}


def size_of(quantity: str) -> int:
    """Bytes of a Quantity."""
    return int(quantity[:-2]) * _UNITS[quantity[-2:]]
