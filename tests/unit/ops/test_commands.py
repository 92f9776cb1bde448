"""The command line: every command has something that runs it."""

import argparse
import importlib

import pytest

from ops.__main__ import parser

(COMMANDS,) = (action.choices for action in parser()._actions if isinstance(action, argparse._SubParsersAction))


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_names_its_function_or_its_package_has_one(name: str) -> None:
    run = COMMANDS[name].get_default("func") or importlib.import_module(f"ops.{name}.command").run
    assert callable(run)
