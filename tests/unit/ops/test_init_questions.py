"""What `paas init` asks, its defaults from the cloud, and what it makes of wrong answers."""

import dataclasses
import re
from pathlib import Path

import pytest

from ops.init.answers import InitError, by_default, by_nobody, by_people, collect
from ops.init.cloud_offers import system
from ops.init.questions import PURPOSES, ROLES, Question, questions
from ops.init.stack_file import read_sources
from preflight.checks.flavors import LEAST, RECOMMENDED
from preflight.cloud import Cloud, Network
from settings.presets import PRESETS
from settings.versions import DEFAULT_KUBERNETES
from tests.unit.ops.init_samples import CLOUD, answered


def question(name: str, cloud: Cloud = CLOUD, stack: str = "trial", **known: str) -> Question:
    """The question of that name."""
    return next(question for question in questions(cloud, stack, known) if question.name == name)


@pytest.mark.parametrize(
    ("name", "default"),
    [
        ("preset", "dev"),
        ("external", "public"),
        # Not the newest of all, which is Ubuntu's, nor what another architecture or no machine can start from.
        ("image", "debian-12-genericcloud-amd64"),
        ("gateway_flavor", "small"),
        ("etcd_flavor", "medium"),
        ("control_plane_flavor", "medium"),
        ("worker_flavor", "medium"),
        ("workers", "2"),
        ("ssh_from", "anywhere"),
        ("kubernetes", DEFAULT_KUBERNETES),
        ("zones", "default"),
    ],
)
def test_defaults(name: str, default: str) -> None:
    assert question(name, image="debian-12-genericcloud-amd64").default == default


@pytest.mark.parametrize(("stack", "preset"), [("prod", "production"), ("production-eu", "production"), ("x", "dev")])
def test_the_preset_follows_from_the_name(stack: str, preset: str) -> None:
    assert question("preset", stack=stack).default == preset


def test_every_preset_has_its_purpose() -> None:
    assert list(question("preset").choices) == list(PURPOSES) == list(PRESETS)


@pytest.mark.parametrize("preset", PRESETS)
def test_defaults_of_a_preset(preset: str) -> None:
    production = preset == "production"
    count = PRESETS[preset]["workers"]["general"]["count"]
    assert question("workers", preset=preset).default == str(count)
    assert question("ssh_from", preset=preset).default == (None if production else "anywhere")
    assert question("zones", preset=preset).default == ("east,west" if production else "default")


def test_candidates_are_images_that_can_start_newest_first() -> None:
    assert list(question("image").choices) == [
        "noble-server-cloudimg",
        "debian-12-genericcloud-amd64",
        "Debian 12 (bookworm)",
        "debian-11",
    ]


def test_flavors_are_shown_with_their_size_smallest_first() -> None:
    choices = question("worker_flavor", image="noble-server-cloudimg").choices
    assert list(choices.items()) == [
        ("medium", "2 vCPU, 4 GiB memory, 40 GiB disk"),
        ("large", "4 vCPU, 8 GiB memory, 80 GiB disk"),
        ("volume", "2 vCPU, 4 GiB memory"),
    ]


def test_sizes_are_never_what_the_preflight_warns_of() -> None:
    for role in ROLES:
        for size in (LEAST[role.section], RECOMMENDED.get(role.section, LEAST[role.section])):
            assert role.vcpus >= size.vcpus
            assert role.ram_mib >= size.ram_mib


def test_no_flavor_is_large_enough() -> None:
    poor = dataclasses.replace(CLOUD, flavors=CLOUD.flavors[:1] if CLOUD.flavors else ())
    asked = question("worker_flavor", poor)
    assert asked.default is None
    assert asked.hint == "No flavor of this cloud has 2 vCPU and 4 GiB of memory."
    assert asked.parse("tiny") == "tiny"


def test_what_has_one_answer_is_not_asked() -> None:
    simple = dataclasses.replace(CLOUD, zones=("nova",), networks=(Network("c", "ext", external=True),))
    assert not question("zones", simple).ask
    assert not question("external", simple).ask
    assert answered(cloud=simple)["network"] == {"external": "ext"}


@pytest.mark.parametrize(
    ("name", "text", "rule"),
    [
        ("preset", "prodution", "is not a preset; did you mean production?"),
        ("external", "pubic", "is not an external network that this project sees; did you mean public?"),
        ("external", "mine", "is not an external network that this project sees; there are internet, public"),
        ("image", "", "must not be empty"),
        ("worker_flavor", "xxl", "is not a flavor that this project sees; there are tiny, thin.disk, small"),
        ("workers", "many", "must be a number from 0 to 5000"),
        ("workers", "5001", "must be a number from 0 to 5000"),
        ("ssh_from", "198.51.100.1/24", "is not a range of IPv4 addresses (198.51.100.1/24 has host bits set)"),
        ("ssh_from", ",", "must not be empty"),
        ("kubernetes", "1.34.2", "is not a version that this program begins with; did you mean 1.3"),
        ("kubernetes", "1.20", "is not a version that this program begins with; there are 1.35, 1.36, 1.37"),
        ("zones", "east,south", "is not an availability zone of this cloud; there are east, west"),
    ],
)
def test_wrong_answers(name: str, text: str, rule: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(rule)}"):
        question(name).parse(text)


@pytest.mark.parametrize("everybody", ["0.0.0.0/0", "198.51.100.0/24, 0.0.0.0/0"])
def test_production_does_not_take_everybody_by_accident(everybody: str) -> None:
    with pytest.raises(ValueError, match="lets the whole internet try to log in; say anywhere"):
        question("ssh_from", preset="production").parse(everybody)
    assert question("ssh_from", preset="production").parse("anywhere") == ("0.0.0.0/0",)
    assert "0.0.0.0/0" in question("ssh_from", preset="dev").parse(everybody)


def test_every_missing_flag_is_named_at_once() -> None:
    with pytest.raises(InitError) as caught:
        collect(CLOUD, "trial", {"workers": "x", "preset": "production"}, by_nobody)
    lines = str(caught.value).splitlines()
    assert lines[0] == "nothing was written, 10 of the answers are missing or wrong:"
    assert lines[1] == "  - --workers x: must be a number from 0 to 5000; correct it, or leave it out"
    flags = {line.split()[1].rstrip(":") for line in lines[2:]}
    assert flags == {question.flag for question in questions(CLOUD, "trial", {})} - {"--preset", "--workers"}
    assert "  - --external: is not given; give one of internet, public; --defaults takes public" in lines
    assert any(line.startswith("  - --ssh-from: is not given and has no default; give") for line in lines)


def test_defaults_without_a_cloud_leave_what_only_the_cloud_knows() -> None:
    with pytest.raises(InitError) as caught:
        collect(Cloud(), "trial", {}, by_default)
    flags = [line.split()[1].rstrip(":") for line in str(caught.value).splitlines()[1:]]
    roles = ["--gateway-flavor", "--etcd-flavor", "--control-plane-flavor", "--worker-flavor"]
    assert flags == ["--external", "--image", *roles]


def test_a_wrong_flag_is_said_before_the_first_question(monkeypatch: pytest.MonkeyPatch) -> None:
    def end_input(prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", end_input)
    with pytest.raises(InitError, match="the input ended"):
        collect(CLOUD, "trial", {"preset": "production"}, by_people)
    with pytest.raises(InitError, match="--image x: is not an image") as caught:
        collect(CLOUD, "trial", {"image": "x"}, by_people)
    assert len(str(caught.value).splitlines()) == 2


def test_only_what_differs_is_written() -> None:
    assert answered() == {
        "preset": "dev",
        "network": {"external": "public"},
        "gateways": {"flavor": "small", "image": "debian-12-genericcloud-amd64"},
        "etcd": {"flavor": "medium", "image": "debian-12-genericcloud-amd64"},
        "controlPlanes": {"flavor": "medium", "image": "debian-12-genericcloud-amd64"},
        "workers": {"general": {"count": 2, "flavor": "medium", "image": "debian-12-genericcloud-amd64"}},
    }


def test_what_differs_is_written() -> None:
    sources = {"proxy": {"http": "http://proxy:3128"}}
    given = {"image": "noble-server-cloudimg", "ssh_from": "198.51.100.7 192.0.2.0/24", "zones": "west,east"}
    keys = answered("shop", sources, **given, kubernetes="1.35.4")
    assert keys["clusterName"] == "shop"
    assert keys["access"] == {"sshUser": "ubuntu", "sshCidrs": ["198.51.100.7/32", "192.0.2.0/24"]}
    assert keys["kubernetes"] == {"version": "1.35.4"}
    assert keys["proxy"] == {"http": "http://proxy:3128"}
    for role in (keys["gateways"], keys["etcd"], keys["controlPlanes"], keys["workers"]["general"]):
        assert role["availabilityZones"] == ["west", "east"]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("debian-12-genericcloud-amd64", ("debian", "12")),
        ("Debian 12 (bookworm)", ("debian", "12")),
        ("Ubuntu 24.04 LTS", ("ubuntu", "24.04")),
        ("jammy-server-cloudimg-amd64", ("ubuntu", "22.04")),
        ("debian-sid", ("debian", "")),
        ("windows-2022", ("", "")),
    ],
)
def test_systems_of_images(name: str, found: tuple[str, str]) -> None:
    assert system(name) == found


def test_mirrors_come_from_another_stack_file(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.other.yaml"
    file.write_text(
        "config:\n  openstack-paas:preset: dev\n  openstack-paas:mirrors:\n    files: http://mirror/files\n"
    )
    assert read_sources(file) == {"mirrors": {"files": "http://mirror/files"}}
    file.write_text("proxy: {http: http://proxy:3128}\n")
    assert read_sources(file) == {"proxy": {"http": "http://proxy:3128"}}


@pytest.mark.parametrize("content", ["preset: dev\n", "- a\n", "{"])
def test_a_file_without_mirrors_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "mirrors.yaml"
    file.write_text(content)
    with pytest.raises(InitError, match=f"^--mirror-from {file}: "):
        read_sources(file)
