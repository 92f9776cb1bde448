"""Helm values of the addons, compared with golden files (UPDATE_GOLDEN=1 writes them), and where charts come from."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.addons import calico, flannel, local_path, mariadb, release
from components.addons.release import Chart, local_digest
from settings.addons import ChartSettings
from settings.load import parse
from settings.mirrors import MirrorSettings
from settings.platform import Platform
from settings.presets import merged
from settings.stack_file import ENCRYPTED
from tests.unit.charts.helm import RenderError, render

PROJECT = Path(__file__).resolve().parents[3]
GOLDEN = Path(__file__).parent / "golden"


def stack(name: str) -> Platform:
    """The checked settings of a committed stack."""
    document = yaml.safe_load((PROJECT / f"Pulumi.{name}.yaml").read_text(encoding="utf-8"))
    return parse({key.partition(":")[2]: value for key, value in document["config"].items()}, name)


def values(addon: str, platform: Platform) -> dict[str, Any]:
    """The values that an addon's release gets."""
    if addon == "mariadb":
        return mariadb.values(platform, "mariadb-passwords")
    return {"calico": calico, "flannel": flannel, "local_path": local_path}[addon].values(platform)


@pytest.mark.parametrize(
    ("addon", "name"),
    [
        ("calico", "dev"),
        ("calico", "prod"),
        ("flannel", "lab"),
        ("local_path", "lab"),
        ("local_path", "prod"),
        ("mariadb", "lab"),
        ("mariadb", "prod"),
    ],
)
def test_values(addon: str, name: str) -> None:
    text = json.dumps(values(addon, stack(name)), indent=2) + "\n"
    path = GOLDEN / f"{addon}-{name}.json"
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert text == path.read_text(), f"differs from {path}; if that is intended, UPDATE_GOLDEN=1 writes it"


def test_copies_of_the_database_go_to_the_bucket_unless_they_have_to_be_encrypted() -> None:
    place = {"s3": {"endpoint": "https://s3.example.org", "bucket": "mine", "prefix": "all"}}
    keys = dict.fromkeys(("backupS3AccessKey", "backupS3SecretKey"), ENCRYPTED)
    backups = mariadb.values(parse({**keys, "backups": {"copyTo": place}}, "dev"), "passwords")["backups"]
    assert backups["s3"] == {
        "endpoint": "https://s3.example.org",
        "region": "us-east-1",
        "path": "mine/all/dev/database",
        "existingSecret": "mariadb-backup-s3",
    }
    encrypted = parse({**keys, "backups": {"copyTo": place, "encryptTo": [f"age1{'q' * 58}"]}}, "dev")
    assert "s3" not in mariadb.values(encrypted, "passwords")["backups"]


@pytest.mark.parametrize(
    ("minutes", "schedule"),
    [(15, "*/15 * * * *"), (60, "7 * * * *"), (240, "7 */4 * * *"), (1440, "7 0 * * *")],
)
def test_intervals_as_crontab_entries(minutes: int, schedule: str) -> None:
    assert mariadb.schedule(minutes) == schedule


def test_calico_takes_its_images_from_the_mirror() -> None:
    mirrored = parse({"mirrors": {"images": {"quay.io": "https://mirror.example/quay"}}}, "dev")
    assert calico.values(mirrored)["installation"]["registry"] == "mirror.example/quay/"


def test_a_chart_comes_from_the_mirror_or_from_its_own_place() -> None:
    by_index, by_oci = Chart("a", "1.0", "https://charts.example"), Chart("b", "2.0", "oci://registry.example/charts")
    nothing, mirror = MirrorSettings(), MirrorSettings(charts="oci://mirror.example/charts")
    pinned = ChartSettings()
    assert by_oci.source(nothing, pinned) == {"chart": "oci://registry.example/charts/b", "version": "2.0"}
    assert by_index.source(nothing, pinned)["repository_opts"].repo == "https://charts.example"
    for chart in (by_index, by_oci):
        assert chart.source(mirror, pinned) == {
            "chart": f"oci://mirror.example/charts/{chart.name}",
            "version": chart.version,
        }


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ({"version": "1.1"}, {"chart": "oci://mirror.example/charts/a", "version": "1.1"}),
        ({"chart": "b"}, {"chart": "oci://mirror.example/charts/b", "version": "1.0"}),
        ({"chart": "oci://own.example/c", "version": "3"}, {"chart": "oci://own.example/c", "version": "3"}),
        ({"chart": "./charts/own"}, {"chart": "./charts/own", "version": "1.0"}),
    ],
)
def test_a_users_own_chart_takes_the_pinned_ones_place(own: dict[str, str], expected: dict[str, str]) -> None:
    mirror = MirrorSettings(charts="oci://mirror.example/charts")
    assert Chart("a", "1.0", "https://charts.example").source(mirror, ChartSettings(**own)) == expected


def test_a_users_own_repository_wins_over_the_mirror() -> None:
    mirror, own = MirrorSettings(charts="oci://mirror.example/charts"), ChartSettings(repository="https://own.example")
    source = Chart("a", "1.0", "https://charts.example").source(mirror, own)
    assert (source["chart"], source["repository_opts"].repo) == ("a", "https://own.example")


def test_a_users_values_are_merged_key_by_key() -> None:
    computed = {"server": {"memory": "1Gi", "arguments": ["a", "b"]}, "replicas": 1}
    own = {"server": {"arguments": ["c"], "more": {"x": 1}}, "workers": {"y": 2}}
    assert merged(computed, own) == {
        "server": {"memory": "1Gi", "arguments": ["c"], "more": {"x": 1}},
        "replicas": 1,
        "workers": {"y": 2},
    }
    assert computed["server"] == {"memory": "1Gi", "arguments": ["a", "b"]}


def test_a_change_inside_a_local_chart_is_another_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "PROGRAM", tmp_path)
    templates = tmp_path / "charts" / "own" / "templates"
    templates.mkdir(parents=True)
    (templates.parent / "Chart.yaml").write_text("name: own\nversion: 1.0.0\n")
    seen = [local_digest("charts/own")]
    (templates / "a.yaml").write_text("kind: A\n")
    seen.append(local_digest("charts/own"))
    (templates / "a.yaml").write_text("kind: B\n")
    seen.append(local_digest("charts/own"))
    (templates / "a.yaml").rename(templates / "b.yaml")
    seen.append(local_digest("charts/own"))
    (tmp_path / "own-1.0.0.tgz").write_bytes(b"an archive")
    seen.append(local_digest("own-1.0.0.tgz"))
    assert len(set(seen)) == len(seen)
    assert local_digest("charts/own") == seen[3]


@pytest.mark.parametrize("name", ["oci://registry.example/charts/b", "flannel", "charts/missing"])
def test_a_chart_from_elsewhere_has_no_digest(name: str) -> None:
    assert local_digest(name) == ""


@pytest.mark.system
def test_the_charts_schema_takes_the_digest() -> None:
    chart_values = {"auth": {"existingSecret": "passwords"}, "global": {"chartDigest": "0123456789abcdef"}}
    assert render("charts/mariadb", chart_values)
    with pytest.raises(RenderError, match="chartDigest"):
        render("charts/mariadb", {"auth": {"existingSecret": "passwords"}, "chartDigest": "x"})
