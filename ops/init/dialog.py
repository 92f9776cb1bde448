"""Asks people in a terminal: one question at a time, with its choices and its default, a wrong answer again."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final

from rich.console import Console

from ops.init.answers import InitError
from ops.init.questions import Question

#: How often a question is put before we give up.
TRIES: Final = 5


def is_terminal() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


class Dialog:
    """A conversation on a console; `read` shows a prompt and returns a line (input, unless a test says otherwise)."""

    def __init__(self, console: Console, read: Callable[[str], str] = input) -> None:
        self._console, self._read = console, read

    def say(self, text: str, style: str | None = None) -> None:
        """A line, word for word: nothing in it is markup."""
        self._console.print(text, style=style, markup=False, highlight=False)

    def ask(self, question: Question) -> Any:
        """The answer to a question. Raises InitError after too many wrong ones, or when the input ends."""
        self.say(f"\n{question.text}", "bold")
        if question.hint:
            self.say(f"  {question.hint}")
        width = max((len(choice.value) for choice in question.choices), default=0)
        for number, choice in enumerate(question.choices, 1):
            self.say(f"  {number}  {choice.value:<{width}}  {choice.note}".rstrip())
        default = "" if question.default is None else f" [{question.default}]"
        for _ in range(TRIES):
            try:
                text = self._read(f">{default} ").strip() or question.default or ""
            except EOFError:
                raise InitError("\nthe input ended: nothing was written") from None
            try:
                return question.parse(self._chosen(question, text))
            except ValueError as error:
                self.say(f"  {text}: {error}" if text else f"  {error}", "red")
        raise InitError(f"{TRIES} wrong answers: nothing was written; {question.flag} gives the answer as well")

    @staticmethod
    def _chosen(question: Question, text: str) -> str:
        """The choice of that number; anything else is the answer itself."""
        values = [choice.value for choice in question.choices]
        if text not in values and text.isdecimal() and 0 < int(text) <= len(values):
            return values[int(text) - 1]
        return text
