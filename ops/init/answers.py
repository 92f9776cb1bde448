"""How `paas init` gets its answers: from flags, from defaults, or from people in a terminal."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from rich.console import Console

from ops.init.questions import Question, questions
from ops.shared.errors import OpsError
from preflight.cloud import Cloud
from settings.problem import Problem

#: How often a question is asked before we give up.
TRIES: Final = 5
_CONSOLE: Final = Console(soft_wrap=True)


class InitError(OpsError):
    """There is no stack file to write; the text says what to do."""


class Unanswered(Exception):
    """Nobody can answer a question that has no default, or none that may be taken."""


def say(text: str, style: str | None = None) -> None:
    """Prints a line word for word: nothing in it is markup."""
    _CONSOLE.print(text, style=style, markup=False, highlight=False)


def by_default(question: Question) -> Any:
    """The default's value; Unanswered when there is none."""
    if question.default is None:
        raise Unanswered
    return question.parse(question.default)


def by_nobody(question: Question) -> Any:
    """For a run that nobody watches: Unanswered, whatever the default."""
    raise Unanswered


def by_people(question: Question) -> Any:
    """What somebody types in the terminal. Raises InitError after too many wrong answers, or when the input ends."""
    say(f"\n{question.text}", "bold")
    if question.hint:
        say(f"  {question.hint}")
    width = max(map(len, question.choices), default=0)
    for number, (choice, note) in enumerate(question.choices.items(), 1):
        say(f"  {number}  {choice:<{width}}  {note}".rstrip())
    by_number = {str(number): choice for number, choice in enumerate(question.choices, 1)}
    default = "" if question.default is None else f" [{question.default}]"
    for _ in range(TRIES):
        try:
            text = input(f">{default} ").strip() or question.default or ""
        except EOFError:
            raise InitError("\nthe input ended: nothing was written") from None
        try:
            return question.parse(text if text in question.choices else by_number.get(text, text))
        except ValueError as error:
            say(f"  {text}: {error}" if text else f"  {error}", "red")
    raise InitError(f"{TRIES} wrong answers: nothing was written; {question.flag} gives the answer as well")


def _missing(question: Question) -> Problem:
    """The problem of a question that nobody answered."""
    need = f"give one of {', '.join(question.choices)}" if question.choices else f"give the answer to: {question.text}"
    if question.default is None:
        return Problem(question.flag, "", "is not given and has no default", need)
    return Problem(question.flag, "", "is not given", f"{need}; --defaults takes {question.default}")


def _go_through(
    cloud: Cloud, stack: str, given: Mapping[str, str | None], ask: Callable[[Question], Any]
) -> tuple[dict[str, Any], list[Problem], list[Problem]]:
    """Every question in its order: the answers, the flags that are wrong, and what nobody answered."""
    answers: dict[str, Any] = {}
    wrong: list[Problem] = []
    missing: list[Problem] = []
    for question in questions(cloud, stack, answers):
        text = given.get(question.name)
        try:
            if text is not None:
                answers[question.name] = question.parse(text)
            else:
                answers[question.name] = ask(question) if question.ask else by_default(question)
        except ValueError as error:
            wrong.append(Problem(question.flag, text or "", str(error), "correct it, or leave it out"))
        except Unanswered:
            missing.append(_missing(question))
    return answers, wrong, missing


def _refuse(problems: list[Problem]) -> None:
    if problems:
        lines = "\n".join(f"  - {problem}" for problem in problems)
        raise InitError(f"nothing was written, {len(problems)} of the answers are missing or wrong:\n{lines}")


def collect(
    cloud: Cloud, stack: str, given: Mapping[str, str | None], ask: Callable[[Question], Any]
) -> Mapping[str, Any]:
    """Every answer by its name: from `given` (flags), else from `ask`. Raises InitError with every problem."""
    if ask is by_people:
        # Flags that are wrong whatever people answer are named before the first question.
        _refuse(_go_through(cloud, stack, given, by_default)[1])
    answers, wrong, missing = _go_through(cloud, stack, given, ask)
    _refuse([*wrong, *missing])
    return answers
