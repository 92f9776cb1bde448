"""What the lab's machine image is baked with, and when it is baked again."""

import base64
import gzip
import re
from pathlib import Path

import pytest

from agent import desired
from agent.roles import image
from dev.lab.image.build import install_command
from dev.lab.image.sources import sources_of
from dev.lab.mirror.product import Places
from settings import versions

PROJECT = Path(__file__).parents[3]


@pytest.mark.parametrize("kubernetes", [brought.patch for brought in versions.KUBERNETES.values()])
def test_the_image_is_baked_from_the_mirror_alone(tmp_path: Path, kubernetes: str) -> None:
    command = install_command(Places(tmp_path), kubernetes)
    again = install_command(Places(tmp_path), kubernetes)
    assert command.standard_input() == again.standard_input(), "else it would be baked each time"
    text = gzip.decompress(base64.b64decode(command.standard_input())).decode()
    assert desired.load(image.State, text) == command.state
    hosts = set(re.findall(r"https?://([\w.:]+)", text))
    assert hosts == {"172.24.4.1:3142", "172.24.4.1:8480", "172.24.4.1:5000"}


def test_it_is_baked_again_for_what_installs_alone() -> None:
    """Baking takes minutes."""
    found = {path.relative_to(PROJECT).as_posix() for path in sources_of("agent.roles.image")}
    assert {"agent/roles/image.py", "agent/system/packages.py", "agent/system/apt.py", "agent/machine.py"} <= found
    # Reached only through a package's name, and one that another module imports.
    assert {"agent/__init__.py", "agent/programs.py"} <= found
    others = {path for path in found if path.startswith(("agent/etcd/", "agent/gateway/", "machines/", "dev/"))}
    assert not others
