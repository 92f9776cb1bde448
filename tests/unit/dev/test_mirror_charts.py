"""The charts of the mirror: packed the same each time, in the form that Helm reads from a registry."""

import io
import json
import tarfile
from pathlib import Path
from unittest.mock import Mock

import pytest

from dev.errors import DevError
from dev.lab.mirror import chart, content
from dev.lab.mirror.oci import blob_path
from dev.lab.mirror.product import Places

CHARTS = sorted(path for path in (Path(chart.__file__).parent / "charts").glob("*") if path.is_dir())


def small_chart(folder: Path, text: str = "apiVersion: v2\nname: small\nversion: 1.0.0+lab\n") -> Path:
    """A chart of two files."""
    (folder / "templates").mkdir(parents=True)
    (folder / "templates" / "a.yaml").write_text("kind: ConfigMap\n")
    (folder / "Chart.yaml").write_text(text)
    return folder


def test_archive_is_named_as_the_chart_and_begins_with_its_metadata(tmp_path: Path) -> None:
    source = small_chart(tmp_path / "another-name")
    with tarfile.open(fileobj=io.BytesIO(chart.archive(source))) as archive:
        assert archive.getnames() == ["small/Chart.yaml", "small/templates/a.yaml"]
    assert chart.archive(source) == chart.archive(small_chart(tmp_path / "copy"))


def test_layout_has_helms_media_types(tmp_path: Path) -> None:
    source, folder = small_chart(tmp_path / "small"), tmp_path / "oci"
    folder.mkdir()
    manifest = json.loads(blob_path(folder, chart.write(source, folder)).read_bytes())
    assert manifest["config"]["mediaType"] == "application/vnd.cncf.helm.config.v1+json"
    (content,) = manifest["layers"]
    assert content["mediaType"] == "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
    assert blob_path(folder, content["digest"]).read_bytes() == chart.archive(source)
    config = json.loads(blob_path(folder, manifest["config"]["digest"]).read_bytes())
    assert config == {"apiVersion": "v2", "name": "small", "version": "1.0.0+lab"}
    assert manifest["annotations"]["org.opencontainers.image.version"] == "1.0.0+lab"


def test_a_chart_is_pushed_with_its_version_as_a_tag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "PLACES", Places(tmp_path / "mirror"))
    registry, said = Mock(), list[str]()
    content._publish_chart(small_chart(tmp_path / "small"), registry, said.append)
    registry.push.assert_called_once_with(tmp_path / "mirror/oci/charts_small+1.0.0_lab", "charts/small", "1.0.0_lab")
    assert said == ["registry: charts/small:1.0.0_lab"]


def test_a_chart_without_a_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DevError, match="lacks version"):
        chart.metadata(small_chart(tmp_path / "small", "apiVersion: v2\nname: small\n"))


@pytest.mark.parametrize("source", CHARTS, ids=lambda path: path.name)
def test_every_chart_of_the_mirror_can_be_packed(source: Path) -> None:
    assert chart.metadata(source)["name"] == source.name
    assert chart.archive(source)
