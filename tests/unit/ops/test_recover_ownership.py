"""`ops recover` deletes what is ours: by project, tag, age and use; what is in doubt is named and stays."""

from typing import Any

import pytest

from ops.recover.cloud import Cloud, Found
from tests.unit.ops.recover_samples import (
    AFTER,
    BEFORE,
    OTHER_PROJECT,
    PORT,
    PROJECT,
    SERVER,
    TAG,
    FakeOpenStack,
    creating,
    state,
    thing,
)

KINDS = {
    "networks": "openstack:networking/network:Network",
    "subnets": "openstack:networking/subnet:Subnet",
    "routers": "openstack:networking/router:Router",
    "ports": PORT,
    "security_groups": "openstack:networking/secGroup:SecGroup",
    "servers": SERVER,
    "load_balancers": "openstack:loadbalancer/loadBalancer:LoadBalancer",
    "server_groups": "openstack:compute/serverGroup:ServerGroup",
    "keypairs": "openstack:compute/keypair:Keypair",
}
TAGGED = [listing for listing in KINDS if listing not in ("server_groups", "keypairs")]
TAGGED_AFTERWARDS = [listing for listing in TAGGED if listing not in ("servers", "load_balancers")]
KEY = "ssh-ed25519 AAAA"
#: What a thing of its kind has besides, when nobody uses it.
UNUSED: dict[str, Any] = {"subnet_ids": [], "member_ids": [], "public_key": KEY}


def found(listing: str, **values: Any) -> list[Found]:
    """What recover makes of one thing that bears the planned name."""
    cloud = Cloud(FakeOpenStack(**{listing: [thing("x", "lab-x", **{**UNUSED, **values})]}), PROJECT)
    (begun,) = state(creating(KINDS[listing], name="lab-x", publicKey=f"{KEY} somebody\n")).creations
    return list(cloud.matching(begun, ("net",)))


@pytest.mark.parametrize("listing", KINDS)
def test_what_is_ours_by_everything_may_go(listing: str) -> None:
    (one,) = found(listing)
    assert one.doubt == ""


@pytest.mark.parametrize("listing", KINDS)
def test_another_project_is_nothing_to_us(listing: str) -> None:
    """An administrator's listings show every project, and names repeat."""
    assert found(listing, project_id=OTHER_PROJECT) == []


@pytest.mark.parametrize("listing", TAGGED)
def test_what_does_not_say_its_project_is_nothing_to_us(listing: str) -> None:
    assert found(listing, project_id=None) == []


@pytest.mark.parametrize("listing", TAGGED)
def test_another_tag_keeps_it(listing: str) -> None:
    (one,) = found(listing, tags=["openstack-paas:other"])
    assert one.doubt == "it has other tags than ours (openstack-paas:other)"


@pytest.mark.parametrize("listing", ["servers", "load_balancers"])
def test_what_gets_its_tag_at_once_is_not_ours_without(listing: str) -> None:
    (one,) = found(listing, tags=[])
    assert "it has no tag" in one.doubt


@pytest.mark.parametrize("listing", TAGGED_AFTERWARDS)
def test_without_a_tag_its_age_decides(listing: str) -> None:
    """The tag comes by a request of its own: an `up` may be killed before it."""
    (young,) = found(listing, tags=[], created_at=AFTER)
    assert young.doubt == ""
    (old,) = found(listing, tags=[], created_at=BEFORE)
    assert "older than what ours is made from" in old.doubt
    (unknown,) = found(listing, tags=None, created_at=None)
    assert "nobody knows whether it is older" in unknown.doubt


@pytest.mark.parametrize(
    ("listing", "used", "doubt"),
    [
        ("ports", {"device_id": "vm", "device_owner": "compute:nova"}, "compute:nova uses it"),
        ("networks", {"subnet_ids": ["s"]}, "it has subnets"),
        ("server_groups", {"member_ids": ["vm"]}, "machines are in it"),
        ("keypairs", {"public_key": "ssh-ed25519 BBBB"}, "its key is not the one that was to be in it"),
        ("keypairs", {"public_key": None}, "its key is not the one that was to be in it"),
    ],
)
@pytest.mark.parametrize("tags", [[TAG], []])
def test_what_somebody_uses_stays(listing: str, used: dict[str, Any], doubt: str, tags: list[str]) -> None:
    (one,) = found(listing, tags=tags, **used)
    assert one.doubt == doubt


def test_a_note_without_our_tag_deletes_nothing() -> None:
    (begun,) = state(creating(PORT, name="lab-x", tags=[])).creations
    (one,) = Cloud(FakeOpenStack(ports=[thing("x", "lab-x")]), PROJECT).matching(begun, ())
    assert "does not say which tag" in one.doubt
