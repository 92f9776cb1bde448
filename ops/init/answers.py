"""The answers of `paas init`, and the keys of a stack file that say them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from ops.init import cloud_offers
from ops.init.questions import QUESTIONS, ROLES, Known, Question
from preflight.cloud import Cloud
from settings.problem import Problem
from settings.versions import DEFAULT_KUBERNETES

#: What settings/security.py takes when `access.sshUser` and `access.sshCidrs` are not set.
_DEFAULT_USER: Final = "debian"
_EVERYBODY: Final = ("0.0.0.0/0",)


class InitError(Exception):
    """There is not a stack file to write; the text says what to do."""


class Unanswered(Exception):
    """Nobody is there to answer a question that has no default, or none that may be taken."""


@dataclass(frozen=True)
class Further:
    """What only flags say."""

    cluster_name: str = ""
    ssh_user: str = ""
    cloud: str = ""
    """Entry of clouds.yaml, when it was named."""
    sources: Mapping[str, Any] | None = None
    """`mirrors` and `proxy`, as in a stack file."""


def by_default(question: Question) -> Any:
    """The default's value; Unanswered when there is none."""
    if question.default is None:
        raise Unanswered
    return question.parse(question.default)


def by_nobody(question: Question) -> Any:
    """For a run that nobody watches: Unanswered, whatever the default."""
    raise Unanswered


def _missing(question: Question) -> Problem:
    """What to say of a question that nobody answered."""
    offered = ", ".join(choice.value for choice in question.choices)
    need = f"give one of {offered}" if offered else f"give the answer to: {question.text}"
    if question.default is None:
        return Problem(question.flag, "", "is not given and has no default", need)
    return Problem(question.flag, "", "is not given", f"{need}; --defaults takes {question.default}")


def _go_through(
    cloud: Cloud, stack: str, given: Mapping[str, str | None], ask: Callable[[Question], Any]
) -> tuple[dict[str, Any], list[Problem], list[Problem]]:
    """Every question in its order: the answers, the flags that are wrong, and what nobody answered."""
    known: dict[str, Any] = {}
    wrong: list[Problem] = []
    missing: list[Problem] = []
    for build in QUESTIONS:
        question = build(cloud, {"preset": "dev", **known}, stack)
        text = given.get(question.dest)
        try:
            if text is not None:
                known[question.dest] = question.parse(text)
            else:
                known[question.dest] = ask(question) if question.ask else by_default(question)
        except ValueError as error:
            wrong.append(Problem(question.flag, text or "", str(error), "correct it, or leave it out"))
        except Unanswered:
            missing.append(_missing(question))
    return known, wrong, missing


def _refuse(problems: list[Problem]) -> None:
    if problems:
        lines = "\n".join(f"  - {problem}" for problem in problems)
        raise InitError(f"nothing was written, {len(problems)} of the answers are missing or wrong:\n{lines}")


def refuse_wrong_flags(cloud: Cloud, stack: str, given: Mapping[str, str | None]) -> None:
    """Before anybody is asked anything: InitError with every flag that is wrong whatever the answers are."""
    _refuse(_go_through(cloud, stack, given, by_default)[1])


def collect(cloud: Cloud, stack: str, given: Mapping[str, str | None], ask: Callable[[Question], Any]) -> Known:
    """Every answer by its name: from `given` (flags), else from `ask`. Raises InitError with every problem."""
    known, wrong, missing = _go_through(cloud, stack, given, ask)
    _refuse([*wrong, *missing])
    return known


def read_sources(file: Path) -> Mapping[str, Any]:
    """`mirrors` and `proxy` of a YAML file, which may be another stack's file. Raises InitError."""
    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise InitError(f"--mirror-from {file}: cannot be read ({type(error).__name__}); name a YAML file") from None
    keys = document.get("config", document) if isinstance(document, Mapping) else {}
    found = {
        name.rpartition(":")[2]: value
        for name, value in keys.items()
        if name.rpartition(":")[2] in ("mirrors", "proxy")
    }
    if not found:
        raise InitError(f"--mirror-from {file}: has neither mirrors nor proxy; name a file that has one of them")
    return found


def values(known: Known, further: Further) -> dict[str, Any]:
    """The keys of the stack file: what a cloud needs, and what differs from the preset."""
    machine: dict[str, Any] = {"image": known["image"]}
    if known["zones"]:
        machine["availabilityZones"] = list(known["zones"])
    sections = {role.section: {"flavor": known[role.dest], **machine} for role in ROLES}
    pool = {"count": known["workers"], **sections.pop("workers")}
    access: dict[str, Any] = {}
    user = further.ssh_user or cloud_offers.system(known["image"])[0] or _DEFAULT_USER
    if user != _DEFAULT_USER:
        access["sshUser"] = user
    if known["ssh_from"] != _EVERYBODY:
        access["sshCidrs"] = list(known["ssh_from"])
    result: dict[str, Any] = {"preset": known["preset"]}
    if further.cluster_name:
        result["clusterName"] = further.cluster_name
    result["network"] = {"external": known["external"]}
    if access:
        result["access"] = access
    result |= {**sections, "workers": {"general": pool}}
    if known["kubernetes"] != DEFAULT_KUBERNETES:
        result["kubernetes"] = {"version": known["kubernetes"]}
    return result | dict(further.sources or {})
