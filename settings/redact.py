"""A value as a person would write it in a stack file: short, on one line, without passwords."""

import json
import re
from typing import Any, Final

#: Longest text of a value in a message.
LONGEST: Final = 60
_CREDENTIALS: Final = re.compile(r"(?<=://)[^\s/@]*@")
#: age's private keys, written where the public one belongs.
_IDENTITY: Final = re.compile(r"(?<=AGE-SECRET-KEY-)\w+", re.IGNORECASE)


def redacted(value: Any) -> str:
    """The value for a message. The user and password of a URL are masked, and so are private keys."""
    text = _IDENTITY.sub("***", _CREDENTIALS.sub("***@", _flow(value)))
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _flow(value: Any) -> str:
    """YAML's flow style, near enough."""
    if isinstance(value, str):
        plain = value and value == value.strip() and value.isprintable()
        return value if plain else json.dumps(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if value is None or isinstance(value, (bool, int, float)):
        return json.dumps(value)
    return str(value)
