"""pydantic's errors in plain words: each becomes a Problem with the rule that the value breaks, and the fix."""

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any, Final

from settings import schema
from settings.problem import Problem
from settings.redact import redacted
from settings.schema import Node

#: floor((n - 1) / 2) members may be lost (https://etcd.io/docs/v3.6/faq/#why-an-odd-number-of-cluster-members).
TOLERATED_LOSSES: Final = "1 tolerates 0 lost, 3 tolerate 1, 5 tolerate 2, 7 tolerate 3"
#: The reasons for ranges, by key. The message gives the reason with the range.
REASONS: Final[Mapping[str, str]] = {
    "etcd.count": f"an odd number of members ({TOLERATED_LOSSES})",
    "controlPlanes.count": "without one there is no API, and an even number tolerates no more losses than one fewer",
    "gateways.count": "they are the only way in and out, and their addresses are one block of four",
    "kubernetes.podsPerNode": "a node's /24 holds no more",
}
#: The noun for a value of each format or type of the JSON Schema.
NOUNS: Final[Mapping[str, str]] = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "string": "text",
    "ipv4": "an IPv4 address",
    "ipv4network": "an IPv4 network",
    "array": "a list",
    "object": "keys with values",
}
#: YAML's plain values, by the types of the JSON Schema.
_PLAIN_TYPES: Final[Mapping[type, str]] = {bool: "boolean", int: "integer", float: "number"}
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
    if kind == "extra_forbidden":
        return _unknown(key, location)
    node = schema.at(location) or {}
    if kind == "missing":
        return Problem(key, "", "is missing", node.get("fix", f"write {noun(node)}"))
    if value is None:
        return Problem(key, "", "is empty", "give it a value, or leave the key out")
    if kind == "string_pattern_mismatch":
        shown = "" if location[-1] == "[key]" else redacted(value)
        return Problem(key, shown, node["patternErrorMessage"], node["fix"])
    if kind == "literal_error":
        return _choice(key, value, node["enum"])
    if kind in ("greater_than_equal", "less_than_equal"):
        return _out_of_range(key, value, node)
    if "format" in node and (kind.startswith("ip_") or kind == "value_error"):
        return _address(key, value, node["format"])
    return _wrong_type(key, value, node)


def meant(error: Mapping[str, Any]) -> str:
    """The key that was probably meant by an unknown one. Empty when none is close, and for other errors."""
    if error["type"] != "extra_forbidden":
        return ""
    location = error["loc"]
    near = closest(str(location[-1]), _keys(schema.at(location[:-1])))
    return dotted((*location[:-1], near)) if near else ""


def _unknown(key: str, location: schema.Location) -> Problem:
    """An unknown key. Its value is not shown: it may be a secret under a misspelt name."""
    known, name = _keys(schema.at(location[:-1])), str(location[-1])
    if near := closest(name, known):
        return Problem(key, "", "unknown key", f"did you mean {near}?")
    elsewhere = [
        ".".join((*place, near_there))
        for place, section in schema.sections()
        if place and not {"*", "0"} & set(place) and (near_there := closest(name, _keys(section), 0.9))
    ]
    if len(elsewhere) == 1:
        return Problem(key, "", "unknown key", f"did you mean {elsewhere[0]}?")
    where = dotted(location[:-1]) or "a stack file"
    return Problem(key, "", "unknown key", f"remove it; the keys of {where} are {', '.join(known)}")


def _keys(section: Node | None) -> list[str]:
    return list(schema.resolved(section)["properties"]) if section else []


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
    fix = f"did you mean {near}?" if near else "choose one of them"
    return Problem(key, redacted(value), f"must be one of {', '.join(choices)}", fix)


def _out_of_range(key: str, value: Any, node: Node) -> Problem:
    low, high = node.get("minimum"), node.get("maximum")
    number = float(value) if isinstance(value, str) else value
    fix = f"use {low} or more" if low is not None and number < low else f"use {high} or less"
    reason = f": {REASONS[key]}" if key in REASONS else ""
    return Problem(key, redacted(value), f"must be {schema.span(node)}{reason}", fix)


def _address(key: str, value: Any, kind: str) -> Problem:
    """A text that is not an IPv4 address or network. The fix says what was meant where that is clear."""
    text, is_network = str(value), kind == "ipv4network"
    rule, fix = f"is not {NOUNS[kind]}", f"write it as {'192.0.2.0/24' if is_network else '192.0.2.10'}"
    if not is_network and "/" in text and key.startswith(_SINGLE):
        rule = (
            "is a range, and must be one address: OVN gives NAT only to a port whose address is a single-address "
            "allowed address pair of the gateways (https://github.com/SovereignCloudStack/standards/issues/544)"
        )
        fix = "write one address, without the slash"
    elif ":" in text:
        rule = "is IPv6, and the platform's networks are IPv4"
    elif is_network and (whole := _network_of(text)):
        rule, fix = "is an address inside a network, with host bits set", f"write {whole}"
    return Problem(key, redacted(value), rule, fix)


def _network_of(text: str) -> ipaddress.IPv4Network | None:
    """The network that an address with a prefix is in. None where the text is not such an address."""
    try:
        return ipaddress.IPv4Network(text, strict=False)
    except ValueError:
        return None


def noun(node: Node) -> str:
    """What a value is, in words."""
    if "enum" in node:
        return "one of a few words"
    return NOUNS[node.get("format") or schema.resolved(node)["type"]]


def _wrong_type(key: str, value: Any, node: Node) -> Problem:
    """A value of the wrong kind."""
    kind, shown, limits = schema.resolved(node)["type"], redacted(value), schema.span(node)
    rule, fix = f"must be {noun(node)}", f"write {noun(node)}"
    if limits:
        rule, fix = f"{rule}, {limits}", f"write one from {limits}" if " to " in limits else f"write {limits}"
    elif noun(node) == NOUNS["string"] and (read := _PLAIN_TYPES.get(type(value))):
        rule, fix = f"{rule}, and YAML reads this as {NOUNS[read]}", f'put it in quotes: "{shown}"'
        if read == "number" and len(shown.rpartition(".")[2]) == 1:
            # The number 1.40 is 1.4.
            fix += f', or "{shown}0" where the file says so'
    elif schema.is_section(node):
        fix = f"write them under {key}: {', '.join(_keys(node))}"
    elif kind == "array":
        fix = f"write it as [{'first, second' if isinstance(value, (dict, list)) else shown}]"
    elif kind == "object":
        fix = "write each as key: value, one on each line"
    return Problem(key, shown, rule, fix)
