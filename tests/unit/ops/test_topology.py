"""The picture of a platform, and the short names of its machines."""

import os
import re
import xml.etree.ElementTree as xml
from dataclasses import replace
from pathlib import Path

import pytest

from ops.__main__ import main
from ops.shared.outputs import Machine, Outputs, OutputsError
from ops.topology import groups, picture, rows
from tests.unit.ops.drill_samples import LARGE, outputs

GOLDEN = Path(__file__).with_name("golden") / "topology.svg"
FIXED = {
    "clusterName": "paas",
    "network.edge": "10.21.0.0/27",
    "network.private": "10.20.0.0/24",
    "network.privateVipAddress": "10.20.0.5",
    "network.pods": "10.244.0.0/16",
    "network.services": "10.96.0.0/16",
}


def platform(machines: tuple[Machine, ...] | None = None) -> Outputs:
    known = outputs(LARGE)
    return replace(known, fixed=FIXED, preset="production", inventory=machines or known.inventory)


def workers(pool: str, count: int) -> tuple[Machine, ...]:
    return tuple(
        Machine(f"paas-worker-{pool}-{number}", "worker", f"10.20.1.{number}", f"id-{number}", "SHA256:none", pool=pool)
        for number in range(count)
    )


def drawn(known: Outputs) -> tuple[list[str], list[tuple[float, float, float, float]]]:
    """The texts and the rectangles (left, top, right, bottom) of a picture."""
    root = xml.fromstring(picture(known))
    space = "{http://www.w3.org/2000/svg}"
    boxes = [
        (x, y, x + width, y + height)
        for one in root.iter(f"{space}rect")
        for x, y, width, height in [[float(one.get(key, 0)) for key in ("x", "y", "width", "height")]]
    ]
    return [one.text or "" for one in root.iter(f"{space}text")], boxes


def test_the_picture_is_the_golden_one() -> None:
    text = picture(platform())
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8"), "if it is meant to differ, UPDATE_GOLDEN=1 rewrites it"


def test_every_machine_is_there_and_none_covers_another() -> None:
    known = platform(outputs(LARGE).inventory[:-2] + workers("general", 35) + workers("a-pool-with-a-long-name", 15))
    texts, boxes = drawn(known)
    for machine in known.inventory:
        assert machine.address in texts or f"{machine.address} inside" in texts
    whole, *others = boxes
    assert all(0 <= left < right <= whole[2] and 0 <= top < bottom <= whole[3] for left, top, right, bottom in others)
    for number, (left, top, right, bottom) in enumerate(others):
        for left2, top2, right2, bottom2 in others[number + 1 :]:
            apart = right <= left2 or right2 <= left or bottom <= top2 or bottom2 <= top
            inside = left <= left2 and right2 <= right and top <= top2 and bottom2 <= bottom
            assert apart or inside
    assert [[group.columns for group in row] for row in rows(groups(known))] == [[3, 3], [8], [8]]


def test_a_small_platform_has_neither_members_nor_a_public_vip() -> None:
    known = outputs({"gateway": 1, "control-plane": 1, "worker": 1})
    gateway = known.role("gateway")[0]
    host = gateway.public_address
    texts, _ = drawn(replace(known, fixed=FIXED, gateway_address=host, api_endpoint=f"https://{host}:6443"))
    assert "control planes with etcd, Kubernetes 1.34.2" in texts
    assert not [text for text in texts if text.startswith("public VIP")]


def test_names_are_escaped() -> None:
    known = platform()
    assert "<&" not in picture(replace(known, fixed=FIXED | {"clusterName": "<&"}))


def test_the_command_writes_what_it_prints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops.shared.outputs.load", lambda *_: platform())
    assert main(["topology", "--output", str(tmp_path / "picture.svg")]) == 0
    assert (tmp_path / "picture.svg").read_text(encoding="utf-8") == picture(platform())
    assert main(["topology", "--output", str(tmp_path / "missing" / "picture.svg")]) == 2


@pytest.mark.parametrize("name", ["paas-etcd-0", "etcd-0"])
@pytest.mark.parametrize("fixed", [FIXED, {}])
def test_the_cluster_s_name_may_be_left_out(name: str, fixed: dict[str, str]) -> None:
    assert replace(platform(), fixed=fixed).machine(name).name == "paas-etcd-0"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("general-0", "did you mean worker-general-0?"),
        ("ectd-1", "did you mean etcd-1?"),
        ("etcd", "did you mean etcd-0 or etcd-1 or etcd-2?"),
        ("nobody", "there are: gateway-0, gateway-1, etcd-0"),
    ],
)
def test_an_unknown_machine_names_those_that_may_be_meant(name: str, said: str) -> None:
    with pytest.raises(OutputsError, match=re.escape(said)):
        platform(outputs(LARGE).inventory + workers("general", 2)).machine(name)


def test_ssh_without_a_machine_lists_them(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("ops.shared.outputs.load", lambda *_: platform())
    assert main(["ssh"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["gateway-0", "10.0.0.0", "203.0.113.0"]
    assert lines[2] == ["etcd-0", "10.0.1.0"]
    assert len(lines) == 10
