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


@pytest.fixture
def few_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits that pass look at an API every 10 s only, for each look takes a test some time."""
    monkeypatch.setattr("agent.machine.LOOK_SECONDS", 10)
    monkeypatch.setattr("agent.kubernetes_api.ASK_AGAIN_SECONDS", 10)
