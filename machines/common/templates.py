"""The templates of what lands on machines, and the one way to fill them in."""

import json
import shlex
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

#: The folder `machines`: paths of templates and units begin in it, with the role.
MACHINES = Path(__file__).resolve().parent.parent


@cache
def _environment() -> Environment:
    """The environment of all templates: an unknown name is an error, blocks leave no blank lines."""
    environment = Environment(
        loader=FileSystemLoader(MACHINES),
        undefined=StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["shell"] = lambda value: shlex.quote(str(value))
    environment.filters["quoted"] = json.dumps
    return environment


def render_template(name: str, /, **values: Any) -> str:
    """The template `name` with its values filled in; raises jinja2.UndefinedError when one is missing."""
    return _environment().get_template(name).render(**values)


@cache
def read_plain(name: str) -> str:
    """The file at the path `name` as it is: a unit, or a manifest."""
    return (MACHINES / name).read_text(encoding="utf-8")
