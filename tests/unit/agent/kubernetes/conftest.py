"""A machine for each test of a node."""

from pathlib import Path

import pytest

from tests.unit.agent.fake_machine import FakeMachine


@pytest.fixture
def machine(tmp_path: Path) -> FakeMachine:
    return FakeMachine(tmp_path, "a")
