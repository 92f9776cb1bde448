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
_PLAIN: Final = (str, int, float, bool)


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


def secrets(state: object) -> Iterator[str]:
    """All text in the secret fields of a loaded state."""
    yield from _secrets(state, False)


def _load(kind: Any, found: Any, where: str) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if dataclasses.is_dataclass(kind):
        return _load_dataclass(kind, found, where)
    if origin in (Union, types.UnionType):
        return _load_optional(arguments, found, where)
    if origin is tuple:
        return _load_tuple(arguments, found, where)
    if origin is Literal:
        # By type too: True equals 1.
        if not any(type(found) is type(known) and found == known for known in arguments):
            raise Invalid(
                f"{where}: expected one of {', '.join(map(str, arguments))}, got {_kind_of(found)} that is none"
            )
        return found
    if kind is float and type(found) is int:
        return float(found)
    if kind not in _PLAIN:
        raise TypeError(f"{where}: the desired state cannot have the type {kind}")
    # By type(), for to Python true and false are whole numbers.
    if type(found) is not kind:
        raise Invalid(f"{where}: expected {_NAMES[kind]}, got {_kind_of(found)}")
    return found


def _load_dataclass(kind: Any, found: Any, where: str) -> Any:
    if type(found) is not dict:
        raise Invalid(f"{where}: expected an object ({kind.__name__}), got {_kind_of(found)}")
    fields = {field.name: field for field in dataclasses.fields(kind) if field.init}
    if unknown := sorted(found.keys() - fields.keys()):
        raise Invalid(f"{where}: unknown key {', '.join(unknown)}")
    missing = [name for name, field in fields.items() if name not in found and _is_required(field)]
    if missing:
        raise Invalid(f"{where}: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing")
    hints = _hints(kind)
    values = {name: _load(hints[name], value, f"{where}.{name}") for name, value in found.items()}
    try:
        return kind(**values)
    except ValueError as error:
        # A dataclass that refuses a value itself names no value either.
        raise Invalid(f"{where}: {error}") from None


def _load_optional(kinds: tuple[Any, ...], found: Any, where: str) -> Any:
    others = [kind for kind in kinds if kind is not type(None)]
    if found is None and len(others) < len(kinds):
        return None
    if len(others) != 1:
        raise TypeError(f"{where}: the desired state can be of one type or null, not of {len(others)} types")
    return _load(others[0], found, where)


def _load_tuple(kinds: tuple[Any, ...], found: Any, where: str) -> Any:
    if type(found) is not list:
        raise Invalid(f"{where}: expected a list, got {_kind_of(found)}")
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        kinds = kinds[:1] * len(found)
    elif len(kinds) != len(found):
        raise Invalid(f"{where}: expected {len(kinds)} items, got {len(found)}")
    pairs = zip(kinds, found, strict=True)
    return tuple(_load(kind, item, f"{where}[{number}]") for number, (kind, item) in enumerate(pairs))


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _is_required(field: "dataclasses.Field[Any]") -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _kind_of(found: object) -> str:
    return _NAMES[type(found)]


def _secrets(value: object, secret: bool) -> Iterator[str]:
    if isinstance(value, str) and secret and value:
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _secrets(item, secret)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from _secrets(getattr(value, field.name), secret or not field.repr)
