"""The install step that the lab's machine image is baked with."""

import base64
import gzip
import io
import re
import tarfile
from pathlib import Path

import pytest

from dev.lab.image.build import install_bundle
from dev.lab.mirror.product import Places
from settings import versions


@pytest.mark.parametrize("kubernetes", [brought.patch for brought in versions.KUBERNETES.values()])
def test_the_image_is_baked_from_the_mirror_alone(tmp_path: Path, kubernetes: str) -> None:
    bundle = install_bundle(Places(tmp_path), kubernetes)
    again = install_bundle(Places(tmp_path), kubernetes)
    assert bundle.archive() == again.archive(), "else it would be baked each time"
    plain = gzip.decompress(base64.b64decode(bundle.archive()))
    with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
        contents = {
            member.name: file.read().decode() for member in archive if (file := archive.extractfile(member)) is not None
        }
    assert "converge" in contents
    settings = "\n".join(text for name, text in contents.items() if name.startswith("files/"))
    hosts = set(re.findall(r"https?://([\w.:]+)", settings))
    assert hosts == {"172.24.4.1:3142", "172.24.4.1:8480", "172.24.4.1:5000"}
