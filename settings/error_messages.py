"""pydantic's errors in plain words: each becomes a Problem with the rule that the value breaks, and the fix."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any, Final, get_args

from pydantic.fields import FieldInfo

from settings import schema
from settings.model import WORDS
from settings.problem import Problem
from settings.redact import redacted

#: The reasons for ranges, by key. The message gives the reason with the range.
REASONS: Final[Mapping[str, str]] = {
    "etcd.count": "an odd number of members (1 tolerates 0 lost, 3 tolerate 1, 5 tolerate 2, 7 tolerate 3)",
    "controlPlanes.count": "without one there is no API, and an even number tolerates no more losses than one fewer",
    "gateways.count": "they are the only way in and out, and their addresses are one block of four",
    "kubernetes.podsPerNode": "a node's /24 holds no more",
}
#: The noun for a value of each type.
NOUNS: Final[Mapping[Any, str]] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
    ipaddress.IPv4Address: "an IPv4 address",
    ipaddress.IPv4Network: "an IPv4 network",
    tuple: "a list",
    dict: "keys with values",
}
#: Other tools' words for our keys, in lower case.
OTHER_WORDS: Final[Mapping[str, str]] = {
    "replicas": "count",
    "nodes": "count",
    "members": "count",
    "keys": "machines",
    "instancetype": "flavor",
    "zones": "availabilityZones",
    "nameservers": "dnsServers",
    "storageclass": "className",
    "podcidr": "pods",
    "servicecidr": "services",
    "clusterdomain": "dnsDomain",
}
#: Keys of single addresses that OVN translates to.
_SINGLE: Final = ("network.publicVipAddress", "network.privateVipAddress", "gateways.edgeAddresses")


def dotted(location: schema.Location) -> str:
    """A place as people write it: network.edge, mirrors.debian.0.uri."""
    return ".".join(str(step) for step in location if step != "[key]")


def problem(error: Mapping[str, Any]) -> Problem:
    """One error of pydantic (its `type`, `loc`, `input` and `ctx`) as a problem."""
    location: schema.Location = error["loc"]
    key, kind, value = dotted(location), str(error["type"]), error["input"]
    annotation, field = schema.at(location)
    if kind == "extra_forbidden":
        return _unknown(key, location)
    if kind == "missing":
        return Problem(key, "", "is missing", _missing(annotation, field))
    if value is None:
        return Problem(key, "", "is empty", "give it a value, or leave the key out")
    if kind == "string_pattern_mismatch":
        words = WORDS[error["ctx"]["pattern"]]
        return Problem(key, "" if location[-1] == "[key]" else redacted(value), words.rule, words.fix)
    if kind == "literal_error":
        return _choice(key, value, get_args(schema.bare(annotation)))
    if kind in ("greater_than_equal", "less_than_equal"):
        return _out_of_range(key, value, annotation, field)
    if kind.startswith("ip_") or (kind == "value_error" and schema.bare(annotation) in NOUNS):
        return _address(key, value, schema.bare(annotation))
    return _wrong_type(key, value, schema.bare(annotation), annotation, field)


def meant(error: Mapping[str, Any]) -> str:
    """The key that was probably meant by an unknown one. Empty when none is close, and for other errors."""
    if error["type"] != "extra_forbidden":
        return ""
    location = error["loc"]
    parent, _ = schema.at(location[:-1])
    near = closest(str(location[-1]), list(schema.fields(schema.bare(parent))))
    return dotted((*location[:-1], near)) if near else ""


def _unknown(key: str, location: schema.Location) -> Problem:
    """An unknown key. Its value is not shown: it may be a secret under a misspelt name."""
    parent, _ = schema.at(location[:-1])
    known = list(schema.fields(schema.bare(parent)))
    name = str(location[-1])
    near = closest(name, known)
    if near:
        return Problem(key, "", "unknown key", f"did you mean {near}?")
    elsewhere = [
        ".".join((*place, near_there))
        for place, section in schema.sections()
        if place
        and "*" not in place
        and "0" not in place
        and (near_there := closest(name, list(schema.fields(section)), 0.9))
    ]
    if len(elsewhere) == 1:
        return Problem(key, "", "unknown key", f"did you mean {elsewhere[0]}?")
    where = dotted(location[:-1]) or "a stack file"
    return Problem(key, "", "unknown key", f"remove it; the keys of {where} are {', '.join(known)}")


def closest(name: str, known: Sequence[str], cutoff: float = 0.6) -> str:
    """The known word that was probably meant by `name`. Empty when none is close."""
    import difflib

    plain = {word.lower(): word for word in known}
    wanted = name.replace("_", "").replace("-", "").lower()
    if OTHER_WORDS.get(wanted) in known:
        return OTHER_WORDS[wanted]
    hits = difflib.get_close_matches(wanted, list(plain), 1, cutoff)
    if not hits:
        hits = [word for word in plain if wanted and (word.startswith(wanted) or wanted.startswith(word))]
    return plain[hits[0]] if hits else ""


def _choice(key: str, value: Any, choices: Sequence[str]) -> Problem:
    near = closest(str(value), choices)
    listed = ", ".join(choices)
    return Problem(
        key, redacted(value), f"must be one of {listed}", f"did you mean {near}?" if near else "choose one of them"
    )


def _out_of_range(key: str, value: Any, annotation: Any, field: FieldInfo | None) -> Problem:
    low, high = schema.bounds(annotation, field)
    number = float(value) if isinstance(value, str) else value
    fix = f"use {low} or more" if low is not None and number < low else f"use {high} or less"
    reason = f": {REASONS[key]}" if key in REASONS else ""
    return Problem(key, redacted(value), f"must be {schema.span(annotation, field)}{reason}", fix)


def _address(key: str, value: Any, kind: Any) -> Problem:
    """A text that is not an IPv4 address or network. The fix says what was meant where that is clear."""
    words = str(value)
    if kind is ipaddress.IPv4Address and "/" in words and key.startswith(_SINGLE):
        return Problem(
            key,
            redacted(value),
            "is a range, and must be one address: OVN gives NAT only to a port whose address is a single-address "
            "allowed address pair of the gateways (https://github.com/SovereignCloudStack/standards/issues/544)",
            "write one address, without the slash",
        )
    if ":" in words:
        return Problem(key, redacted(value), "is IPv6, and the platform's networks are IPv4", _example_fix(kind))
    if kind is ipaddress.IPv4Network:
        try:
            whole = ipaddress.IPv4Network(words, strict=False)
        except ValueError:
            return Problem(key, redacted(value), "is not an IPv4 network", _example_fix(kind))
        return Problem(key, words, "is an address inside a network, with host bits set", f"write {whole}")
    return Problem(key, redacted(value), "is not an IPv4 address", _example_fix(kind))


def _missing(annotation: Any, field: FieldInfo | None) -> str:
    """The fix for a missing key."""
    if (pattern := schema.pattern(annotation, field)) is not None:
        return WORDS[pattern].fix
    return f"write {noun(schema.bare(annotation))}"


def _example_fix(kind: Any) -> str:
    return "write it as 192.0.2.0/24" if kind is ipaddress.IPv4Network else "write it as 192.0.2.10"


def noun(kind: Any) -> str:
    if schema.is_section(kind):
        return NOUNS[dict]
    return NOUNS.get(kind) or NOUNS.get(getattr(kind, "__origin__", None)) or "one of a few words"


def _wrong_type(key: str, value: Any, kind: Any, annotation: Any, field: FieldInfo | None) -> Problem:
    """A value of the wrong kind."""
    rule, fix = f"must be {noun(kind)}", f"write {noun(kind)}"
    limits = schema.span(annotation, field) if kind in (int, float) else ""
    if limits:
        rule, fix = f"{rule}, {limits}", f"write one from {limits}" if " to " in limits else f"write {limits}"
    elif kind is str and isinstance(value, (bool, int, float)):
        rule, fix = f"{rule}, and YAML reads this as {noun(type(value))}", f'put it in quotes: "{redacted(value)}"'
        if isinstance(value, float) and len(redacted(value).rpartition(".")[2]) == 1:
            # The number 1.40 is 1.4.
            fix += f', or "{redacted(value)}0" where the file says so'
    elif schema.is_section(kind):
        fix = f"write them under {key}: {', '.join(schema.fields(kind))}"
    elif noun(kind) == NOUNS[tuple]:
        fix = f"write it as [{'first, second' if isinstance(value, (dict, list)) else redacted(value)}]"
    elif noun(kind) == NOUNS[dict]:
        fix = "write each as key: value, one on each line"
    return Problem(key, redacted(value), rule, fix)
