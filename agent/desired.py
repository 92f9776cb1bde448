"""The desired state: JSON from the program, as the frozen dataclasses of a role.

A field that its dataclass leaves out of repr() (`field(repr=False)`) is secret. No message has a value, secret or not.
"""

import base64
import binascii
import dataclasses
import gzip
import json
import types
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

State = TypeVar("State")

_NAMES: Final[Mapping[Any, str]] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    type(None): "null",
    dict: "an object",
    list: "a list",
}


class Invalid(Exception):
    """The desired state is not what the role expects. The text names the place, never a value."""


def unpack(text: bytes) -> bytes:
    """The JSON, which travels as base64 of gzip. JSON itself is taken too. Raises Invalid."""
    if text.lstrip().startswith(b"{"):
        return text
    try:
        return gzip.decompress(base64.b64decode(text, validate=False))
    except (OSError, EOFError, ValueError, binascii.Error):
        raise Invalid("the desired state cannot be unpacked: it may have been cut off on its way") from None


def load(kind: type[State], text: "str | bytes") -> State:
    """The desired state as `kind`, a frozen dataclass. Raises Invalid."""
    try:
        found = json.loads(text)
    except ValueError as error:
        where = f" at character {error.pos} of {len(text)}" if isinstance(error, json.JSONDecodeError) else ""
        raise Invalid(f"the desired state is not JSON{where}: it may have been cut off on its way") from None
    loaded: State = _load(kind, found, "the desired state")
    return loaded


def secrets(value: object, secret: bool = False) -> Iterator[str]:
    """All text in the secret fields of a loaded state, or in all of a `secret` part of it."""
    if isinstance(value, str) and secret and value:
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from secrets(item, secret)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from secrets(getattr(value, field.name), secret or not field.repr)


def _load(kind: Any, found: Any, where: str) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if dataclasses.is_dataclass(kind):
        return _load_dataclass(kind, found, where)
    if origin in (Union, types.UnionType) and len(arguments) == 2 and arguments[1] is type(None):
        return None if found is None else _load(arguments[0], found, where)
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        if type(found) is not list:
            raise Invalid(f"{where}: expected a list, got {_NAMES[type(found)]}")
        return tuple(_load(arguments[0], item, f"{where}[{number}]") for number, item in enumerate(found))
    if origin is Literal:
        # By type too: True equals 1.
        if not any(type(found) is type(known) and found == known for known in arguments):
            known = ", ".join(map(str, arguments))
            raise Invalid(f"{where}: expected one of {known}, got {_NAMES[type(found)]} that is none")
        return found
    if kind is float and type(found) is int:
        return float(found)
    if kind not in (str, int, float, bool):
        raise TypeError(f"{where}: the desired state cannot have the type {kind}")
    # By type(), for to Python true and false are whole numbers.
    if type(found) is not kind:
        raise Invalid(f"{where}: expected {_NAMES[kind]}, got {_NAMES[type(found)]}")
    return found


def _load_dataclass(kind: Any, found: Any, where: str) -> Any:
    if type(found) is not dict:
        raise Invalid(f"{where}: expected an object ({kind.__name__}), got {_NAMES[type(found)]}")
    fields, none = {field.name: field for field in dataclasses.fields(kind)}, dataclasses.MISSING
    if unknown := sorted(found.keys() - fields.keys()):
        raise Invalid(f"{where}: unknown key {', '.join(unknown)}")
    required = [name for name, field in fields.items() if field.default is none and field.default_factory is none]
    if missing := [name for name in required if name not in found]:
        raise Invalid(f"{where}: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing")
    hints = _hints(kind)
    values = {name: _load(hints[name], value, f"{where}.{name}") for name, value in found.items()}
    try:
        return kind(**values)
    except ValueError as error:
        # A dataclass that refuses a value itself names no value either.
        raise Invalid(f"{where}: {error}") from None


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)
