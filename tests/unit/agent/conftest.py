"""A machine and an API for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.agent.fake_machine import FakeMachine
from tests.unit.agent.kubernetes_server import KubernetesServer, kubernetes_server


@pytest.fixture
def machine(tmp_path: Path) -> FakeMachine:
    return FakeMachine(tmp_path, "a")


@pytest.fixture
def cluster() -> Iterator[KubernetesServer]:
    with kubernetes_server() as server:
        yield server
