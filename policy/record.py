"""What a rule sees: resources as plain records, facts of their platform, and the violations that it finds."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

PLATFORM = "openstack-paas:index:Platform"
INSTANCE = "openstack:compute/instance:Instance"
PORT = "openstack:networking/port:Port"
FLOATING_IP = "openstack:networking/floatingIp:FloatingIp"
VOLUME = "openstack:blockstorage/volume:Volume"
RULE = "openstack:networking/secGroupRule:SecGroupRule"
RELEASE = "kubernetes:helm.sh/v3:Release"

#: A value that is known only during the update; rules pass over it.
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


@dataclass(frozen=True)
class Record:
    """One resource: its inputs as `props`, without values that are not known yet. Secrets are the text [secret]."""

    urn: str
    type: str
    name: str
    props: Mapping[str, Any] = field(default_factory=dict)
    protect: bool = False

    def within(self, component: str) -> bool:
        """Whether a parent's type has `component` in it."""
        return any(component in kind for kind in self.urn.split("::")[2].split("$")[:-1]) if "::" in self.urn else False


@dataclass(frozen=True)
class Facts:
    """What the rules must know about the platform; the component Platform records it as its inputs.

    A platform without a preset counts as production: a missing word must not switch rules off.
    """

    stack: str = ""
    cluster: str = ""
    preset: str = "production"
    kubernetes: str = ""

    @property
    def production(self) -> bool:
        """Whether the strict rules hold."""
        return self.preset == "production"


def facts_of(records: Iterable[Record]) -> Facts:
    """The facts that the component Platform among `records` gives."""
    for record in records:
        if record.type == PLATFORM:
            props = record.props
            return Facts(
                stack=record.urn.split("::")[0].rsplit(":", 1)[-1],
                cluster=str(props.get("cluster") or record.name),
                preset=str(props.get("preset") or "production"),
                kubernetes=str(props.get("kubernetes") or ""),
            )
    return Facts()


@dataclass(frozen=True)
class Violation:
    """A resource that breaks a rule. `problem` follows the resource's name; `fix` is what to do."""

    rule: str
    mandatory: bool
    urn: str
    name: str
    problem: str
    fix: str
    exempt: str = ""
    """Why this stack may break the rule; a violation with a reason is shown and stops nothing."""

    def __str__(self) -> str:
        return f"{self.name}: {self.problem}; {self.fix}"


#: What a rule says of one record: the problem, and the fix.
Problems = Iterable[tuple[str, str]]
#: What a rule says of a whole plan: the record that breaks it, the problem, and the fix.
Found = Iterable[tuple[Record, str, str]]


@dataclass(frozen=True)
class Rule:
    """A rule has one of two checks. `check` looks at one record, of these `types` or of any.

    It stops a resource before it is made. `check_plan` sees every record, once the whole plan is known.
    `production`: it holds only for production. `needs_secrecy`: it must know which values are secret, which Pulumi's
    policy SDK hides from a pack.
    """

    name: str
    text: str
    check: Callable[[Record, Facts], Problems] | None = None
    types: Sequence[str] = ()
    check_plan: Callable[[Sequence[Record], Facts], Found] | None = None
    mandatory: bool = True
    production: bool = False
    needs_secrecy: bool = False

    def _found(self, records: Sequence[Record], facts: Facts) -> Found:
        if self.production and not facts.production:
            return
        if self.check_plan:
            yield from self.check_plan(records, facts)
        elif self.check:
            for record in records:
                if not self.types or record.type in self.types:
                    yield from ((record, problem, fix) for problem, fix in self.check(record, facts))

    def violations(self, records: Sequence[Record], facts: Facts) -> list[Violation]:
        """Every violation among the records."""
        return [
            Violation(
                self.name, self.mandatory, record.urn, f"{record.type.rsplit(':', 1)[-1]} {record.name}", problem, fix
            )
            for record, problem, fix in self._found(records, facts)
        ]
