"""Fixtures of the preview tests: stacks on the real engine, against the lab's API."""

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import openstack
import pytest
from openstack.connection import Connection

from tests.preview.stack import Stack


@pytest.fixture
def stack(tmp_path: Path) -> Callable[[str], Stack]:
    """Makes a stack with a given name in its own folder."""
    return lambda name: Stack(tmp_path / name, name)


@pytest.fixture
def cluster() -> str:
    """A name that nothing in the cloud has."""
    return f"faults-{uuid4().hex[:8]}"


@pytest.fixture(scope="module")
def member() -> Connection:
    """A connection as the project's member, who makes the platform."""
    return openstack.connect(cloud="lab")


@pytest.fixture(scope="module")
def admin() -> Connection:
    """A connection as the cloud's administrator."""
    return openstack.connect(cloud="lab-admin")
