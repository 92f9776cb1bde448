"""Stands in for preflight/run.py in a copy of the program: a cloud that has everything, also what the lab has not."""

import json
import os
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from preflight.cloud import Catalog
from settings.problem import Problem

#: The fields of the catalog, as JSON.
CATALOG = "ENGINE_CATALOG"


@dataclass(frozen=True)
class Preflight:
    """Names for ids, unless ids are given, and nothing to warn of."""

    catalog: Catalog
    warnings: tuple[Problem, ...] = ()


def begin(*_: Any) -> Future[Preflight]:
    """Asks nobody."""
    future: Future[Preflight] = Future()
    future.set_result(Preflight(Catalog(**json.loads(os.environ.get(CATALOG, "{}")))))
    return future
