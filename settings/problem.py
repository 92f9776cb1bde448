"""One problem of a configuration: the key, its value, the rule that it breaks, and the fix."""

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Problem:
    """`key` as in the stack file (dots between levels), `value` as a user would write it (empty: none to show).

    `others` are further keys that the rule looked at. If one of them is wrong, this problem only follows from it.
    """

    key: str
    value: str
    rule: str
    fix: str
    others: tuple[str, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        subject = f"{self.key} {self.value}".rstrip()
        return f"{subject}: {self.rule}; {self.fix}"


class SettingsError(Exception):
    """The stack or its cloud has problems; `problems` has each of them, and the text is the report for people."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(dict.fromkeys(problems))
        noun = "problem" if len(self.problems) == 1 else "problems"
        lines = "\n".join(f"  - {problem}" for problem in self.problems)
        super().__init__(f"{len(self.problems)} {noun}, nothing was changed:\n{lines}")
