"""Options that several commands have in common, and the console they print to."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def add_stack(parser: argparse.ArgumentParser) -> None:
    """Which stack."""
    parser.add_argument("--stack", help="name of the stack (default: the selected one)")


def add_outputs(parser: argparse.ArgumentParser) -> None:
    """Which stack, or a file with its outputs."""
    add_stack(parser)
    parser.add_argument("--outputs", type=Path, metavar="FILE", help="read the outputs from a JSON file instead")


def console(width: int = 120) -> "Console":
    """As wide as the terminal, and `width` columns where the output is not a terminal."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else width)
