"""Everything that can be rotated is rotated, stage by stage, while clients read and write.

There are four `up`s. First both generations of authorities and SSH keys are trusted, then the second one is used, then
the first one again. Finally the second one is dropped, so that the platform matches the stack file again. On the way,
certificates with a lifetime of hours are issued and renewed because they expire soon.
"""

import json
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client

from ops.shared.cluster import Cluster
from tests.lab import watch
from tests.lab.platform import PROJECT, Platform, run
from tests.lab.report import record

pytestmark = pytest.mark.long

COMMITTED = PROJECT / "Pulumi.lab.yaml"
HOUR = 3600
#: Lifetime in hours of the certificates that are renewed because they expire soon.
LIFE = 5
#: Longest times without an answer from the API through the VIP, and from the database's primary, in seconds.
API_READ, DATABASE = 2.0, 5.0
NAME = "api.rotated.example"
PASSWORDS = {"database": {"passwordEpoch": "rotated"}}
SHORT = {"epoch": "rotated", "leafValidityHours": LIFE, "renewalHours": 1}


def settings(used: str, accepted: list[str], **certificates: Any) -> dict[str, Any]:
    """Settings that rotate authorities and SSH keys together, which is faster than one after the other."""
    return {
        "certificates": {"authorities": {"issuing": used, "trusted": accepted}, **certificates},
        "access": {"sshKeys": {"login": used, "accepted": accepted}},
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for changed copies of the stack file."""
    return tmp_path_factory.mktemp("rotation")


@pytest.fixture(scope="module")
def kept(platform: Platform) -> Iterator[watch.Identity]:
    """Machines, members and nodes before the rotation. No stage replaces any of them."""
    yield watch.identity(platform)


def up(platform: Platform, folder: Path, what: str, values: dict[str, Any]) -> None:
    """Run one stage while clients use the API through the VIP and write to the database."""
    document = yaml.safe_load(COMMITTED.read_text())
    document["config"]["openstack-paas:kubernetes"]["version"] = platform.outputs.versions["kubernetes"]
    for section, content in values.items():
        document["config"].setdefault(f"openstack-paas:{section}", {}).update(content)
    file = folder / COMMITTED.name
    file.write_text(yaml.safe_dump(document))
    with watch.database_writes(platform) as database, watch.writing(platform, what) as api:
        done = platform.up("--config-file", str(file))
    assert done.status == 0, done.text
    record(f"{what}: up with its proof", f"{done.seconds:.0f} s")
    away = [later - before for before, later in pairwise(sorted(api.reads.good))]
    assert max(away) <= API_READ, f"the API did not answer for {max(away):.1f} s"
    assert database.answers.longest_gap() <= DATABASE, database.answers.last_error


def certificates(platform: Platform) -> list[dict[str, Any]]:
    """All certificates in the report of `ops status`."""
    done = run("python", "-m", "ops", "status", "--json", seconds=120)
    found: list[dict[str, Any]] = json.loads(done.text[done.text.index("{") :])["certificates"]
    return found


def leaves(platform: Platform) -> list[dict[str, Any]]:
    """The certificates issued by one of our authorities."""
    return [each for each in certificates(platform) if each["kind"] != "authorities" and each["generation"]]


def api_certificate(platform: Platform, number: int) -> str:
    """The names in the certificate that an API server presents."""
    address = platform.machine(f"control-plane-{number}").address
    return platform.on(
        f"control-plane-{number}",
        f"openssl s_client -connect {address}:6443 </dev/null 2>/dev/null | openssl x509 -noout -ext subjectAltName",
    )


def test_both_generations_are_trusted_and_everything_is_reissued_for_some_hours(
    platform: Platform, kept: watch.Identity, folder: Path
) -> None:
    values = {**settings("1", ["1", "2"], **SHORT), **PASSWORDS, "api": {"certificateNames": [NAME]}}
    up(platform, folder, "trust both, new certificates and passwords", values)
    found = leaves(platform)
    assert {each["generation"] for each in found} == {"1"}
    assert all(each["ends"] - time.time() < LIFE * HOUR + 60 for each in found), found
    for number in range(3):
        assert NAME in api_certificate(platform, number)
    nodes = client.CoreV1Api(Cluster(platform.outputs).api_client()).list_node().items
    for node in nodes:
        reported = json.loads(node.metadata.annotations["openstack-paas/authorities"])
        assert len(reported["pods"]) == 2, node.metadata.name
    for machine in platform.outputs.inventory:
        name = machine.name.removeprefix("lab-")
        assert platform.on(name, "wc -l </home/debian/.ssh/authorized_keys").strip() == "2", name


def test_the_second_generation_is_used(platform: Platform, folder: Path) -> None:
    up(platform, folder, "use the second", {**settings("2", ["1", "2"], **SHORT), **PASSWORDS})
    assert {each["generation"] for each in leaves(platform)} == {"2"}
    assert NAME not in api_certificate(platform, 0)


def test_a_generation_in_use_cannot_be_left_out(platform: Platform, folder: Path) -> None:
    done = run("pulumi", "preview", "--non-interactive")
    assert done.status != 0
    assert "certificates.authorities.trusted 1: leaves out 2, which the running platform issues with" in done.text
    assert "access.sshKeys.accepted 1: leaves out 2, which the running platform logs in with" in done.text


def test_the_first_generation_is_used_again(platform: Platform, folder: Path) -> None:
    up(platform, folder, "use the first again", {**settings("1", ["1", "2"], **SHORT), **PASSWORDS})
    assert {each["generation"] for each in leaves(platform)} == {"1"}


def test_the_second_generation_is_dropped_and_certificates_that_expire_soon_are_renewed(
    platform: Platform, kept: watch.Identity, folder: Path
) -> None:
    up(platform, folder, "drop the second", {})
    found = certificates(platform)
    assert {each["generation"] for each in found} - {""} == {"1"}
    year = [each for each in found if each["generation"] and each["kind"] != "authorities"]
    assert all(each["ends"] - time.time() > 300 * 24 * HOUR and not each["due"] for each in year), year
    for machine in platform.outputs.inventory:
        name = machine.name.removeprefix("lab-")
        assert platform.on(name, "wc -l </home/debian/.ssh/authorized_keys").strip() == "1", name
    now = watch.identity(platform)
    assert now.members == kept.members and now.nodes == kept.nodes


def test_nothing_is_left_to_change(platform: Platform, folder: Path) -> None:
    done = run(
        *("pulumi", "preview", "--refresh", "--expect-no-changes", "--non-interactive"),
        *("--config-file", str(folder / COMMITTED.name)),
    )
    assert done.status == 0, done.text
