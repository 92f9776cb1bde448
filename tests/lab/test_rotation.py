"""Everything that can be rotated is rotated, stage by stage, while clients read and write.

Four `up`s: both generations of authorities and SSH keys are trusted; the second one is used; the first one again; the
second one goes, so that the platform ends as the stack file has it. On the way certificates that live for hours are
issued, and renewed for no other reason than that.
"""

from __future__ import annotations

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
#: Hours that the certificates live which are renewed for it.
LIFE = 5
#: Longest times without an answer, in seconds: of the API by the VIP, and of the database's primary.
API_READ, DATABASE = 2.0, 5.0
NAME = "api.rotated.example"
PASSWORDS = {"database": {"passwordEpoch": "rotated"}}
SHORT = {"epoch": "rotated", "leafValidityHours": LIFE, "renewalHours": 1}


def settings(used: str, accepted: list[str], **certificates: Any) -> dict[str, Any]:
    """Of authorities and SSH keys at once, which is cheaper than one after the other."""
    return {
        "certificates": {"authorities": {"issuing": used, "trusted": accepted}, **certificates},
        "access": {"sshKeys": {"login": used, "accepted": accepted}},
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For stack files beside the committed one."""
    return tmp_path_factory.mktemp("rotation")


@pytest.fixture(scope="module")
def kept(platform: Platform) -> Iterator[watch.Identity]:
    """Machines, members and nodes as they were: no stage replaces any."""
    yield watch.identity(platform)


def up(platform: Platform, folder: Path, what: str, values: dict[str, Any]) -> None:
    """One stage, while the API is read and written by the VIP and the database is written."""
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
    assert max(away) <= API_READ, f"the API was away for {max(away):.1f} s"
    assert database.answers.longest_gap() <= DATABASE, database.answers.last_error


def certificates(platform: Platform) -> list[dict[str, Any]]:
    """All of them, as `ops status` tells."""
    done = run("python", "-m", "ops", "status", "--json", seconds=120)
    found: list[dict[str, Any]] = json.loads(done.text[done.text.index("{") :])["certificates"]
    return found


def leaves(platform: Platform) -> list[dict[str, Any]]:
    """Those that one of our authorities issued."""
    return [each for each in certificates(platform) if each["kind"] != "authorities" and each["generation"]]


def api_certificate(platform: Platform, number: int) -> str:
    """The names in the certificate that an API server shows."""
    address = platform.machine(f"control-plane-{number}").address
    return platform.on(
        f"control-plane-{number}",
        f"openssl s_client -connect {address}:6443 </dev/null 2>/dev/null | openssl x509 -noout -ext subjectAltName",
    )


def test_both_are_trusted_and_everything_is_issued_anew_for_some_hours(
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
        told = json.loads(node.metadata.annotations["openstack-paas/authorities"])
        assert len(told["pods"]) == 2, node.metadata.name
    for machine in platform.outputs.inventory:
        name = machine.name.removeprefix("lab-")
        assert platform.on(name, "wc -l </home/debian/.ssh/authorized_keys").strip() == "2", name


def test_the_other_one_is_used(platform: Platform, folder: Path) -> None:
    up(platform, folder, "use the second", {**settings("2", ["1", "2"], **SHORT), **PASSWORDS})
    assert {each["generation"] for each in leaves(platform)} == {"2"}
    assert NAME not in api_certificate(platform, 0)


def test_one_that_is_used_cannot_be_left_out(platform: Platform, folder: Path) -> None:
    done = run("pulumi", "preview", "--non-interactive")
    assert done.status != 0
    assert "certificates.authorities.trusted 1: leaves out 2, which the running platform issues with" in done.text
    assert "access.sshKeys.accepted 1: leaves out 2, which the running platform logs in with" in done.text


def test_the_first_one_is_used_again(platform: Platform, folder: Path) -> None:
    up(platform, folder, "use the first again", {**settings("1", ["1", "2"], **SHORT), **PASSWORDS})
    assert {each["generation"] for each in leaves(platform)} == {"1"}


def test_the_second_one_goes_and_what_ends_soon_is_renewed(
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
