"""Fixtures of the preview tests: stacks on the real engine, against the lab's API."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.preview.stack import Stack


@pytest.fixture
def stack(tmp_path: Path) -> Callable[[str], Stack]:
    """Makes a stack by name, in a folder of its own."""
    return lambda name: Stack(tmp_path / name, name)
