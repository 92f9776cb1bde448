"""A flavor or an image that the cloud has deleted: machines that run keep theirs, and whatever needs it is refused."""

from dataclasses import replace
from typing import Any

import pytest

from preflight import checks
from preflight.cloud import Cloud, Existing
from preflight.context import Context
from preflight.run import catalog
from settings.load import parse
from settings.running import Form, Running
from tests.unit.components import graph as graphs
from tests.unit.components.graph import LAB
from tests.unit.preflight.samples import FITS, M1, OURS, texts

WORKERS = ("dev-worker-general-0", "dev-worker-general-1")
#: Everything of the dev preset but the workers' flavor; everything but the image.
NO_LARGE = replace(FITS, flavors=tuple(M1[:2]))
NO_IMAGE = replace(FITS, images=())
DELETED = (
    "workers.general.flavor m1.large: the cloud no longer has it: running machines keep it (dev-worker-general-0, "
    "dev-worker-general-1), and cannot be recreated if lost; name an existing one, and the machines in "
    "rollout.replace, a few at a time (docs/upgrades.md)"
)
NO_FLAVOR = "workers.general.flavor m1.large: the cloud has no such flavor; use one of m1.medium, m1.small"
NO_SUCH_IMAGE = (
    "workers.general.image debian-12: this project sees no image of that name; this project sees none at all"
)


def seen(cloud: Cloud, lost: tuple[str, ...] = (), form: Form | None = None, **values: Any) -> Context:
    """The dev preset with all machines running; those of `lost` are not in the cloud any more."""
    names = [machine.hostname for machine in parse({"preset": "dev"}, "dev").plan.machines]
    running = Running(
        instances={name: f"id-{name}" for name in names},
        forms={name: form or Form(flavor="m1.large", zone="nova") for name in WORKERS},
    )
    things = tuple(Existing("server", name, f"id-{name}", OURS) for name in names if name not in lost)
    return Context.of(parse({"preset": "dev", **values}, "dev", running), replace(cloud, existing=things), running)


def general(**changes: Any) -> dict[str, Any]:
    """The workers' pool, changed."""
    return {"workers": {"general": {"count": 2, **changes}}}


def test_a_deleted_flavor_is_a_warning_while_its_machines_run() -> None:
    context = seen(NO_LARGE)
    assert texts(checks.errors(context)) == []
    assert DELETED in texts(checks.warnings(context))
    assert DELETED not in texts(checks.warnings(seen(FITS)))


@pytest.mark.parametrize(
    "context",
    [
        seen(NO_LARGE, lost=WORKERS[:1]),
        seen(NO_LARGE, **general(count=3)),
        # Named, the first of them would get the flavor.
        seen(NO_LARGE, form=Form(flavor="m1.medium"), rollout={"replace": [WORKERS[0]]}),
        seen(
            NO_LARGE,
            form=Form(flavor="m1.large", zone="one"),
            rollout={"replace": [WORKERS[0]]},
            **general(availabilityZones=["zone-2"]),
        ),
        Context.of(parse({"preset": "dev"}, "dev"), NO_LARGE),
    ],
    ids=["lost", "one more", "named for the flavor", "named for the zone", "new"],
)
def test_a_machine_that_needs_the_deleted_flavor_is_refused(context: Context) -> None:
    assert texts(checks.errors(context)) == [NO_FLAVOR]


def test_a_deleted_image_is_a_warning_while_its_machines_run() -> None:
    context = seen(NO_IMAGE)
    assert texts(checks.errors(context)) == []
    warnings = [text for text in texts(checks.warnings(context)) if ".image " in text]
    assert [text.partition(" ")[0] for text in warnings] == [
        "gateways.image",
        "etcd.image",
        "controlPlanes.image",
        "workers.general.image",
    ]
    assert warnings[3] == (
        "workers.general.image debian-12: the cloud no longer has it, or it is not active: running machines keep it "
        "(dev-worker-general-0, dev-worker-general-1), and cannot be recreated if lost; name an existing one: that "
        "touches no running machine"
    )


def test_a_machine_that_is_replaced_needs_the_image_and_one_that_is_resized_does_not() -> None:
    zone = general(availabilityZones=["zone-2"])
    again = seen(NO_IMAGE, form=Form(flavor="m1.large", zone="one"), rollout={"replace": [WORKERS[0]]}, **zone)
    resized = seen(NO_IMAGE, form=Form(flavor="m1.medium"), rollout={"replace": [WORKERS[0]]})
    assert texts(checks.errors(again)) == [NO_SUCH_IMAGE]
    assert texts(checks.errors(resized)) == []
    assert texts(checks.errors(seen(NO_IMAGE, lost=WORKERS[:1]))) == [NO_SUCH_IMAGE]


def test_an_image_that_is_not_active_matters_to_no_running_machine() -> None:
    assert FITS.images
    queued = replace(FITS, images=(replace(FITS.images[0], status="deactivated"),))
    assert texts(checks.errors(seen(queued))) == []
    assert any("it is deactivated, not active" in text for text in texts(checks.errors(seen(queued, lost=WORKERS))))


def test_ids_that_are_gone_reach_no_running_machine() -> None:
    """The graph has the name in place of the id, and the engine ignores the difference."""
    found = catalog(seen(replace(NO_LARGE, images=())))
    assert "m1.large" not in found.flavors and found.images == {}
    _, outputs = graphs.run(LAB)
    names = [entry["name"] for entry in outputs["inventory"]]
    before = Running(instances=dict.fromkeys(names, "id"))
    graph, _ = graphs.run(LAB, running=before)
    instances = graph.of_type("openstack:compute/instance:Instance")
    assert instances
    for instance in instances.values():
        assert {"flavorId", "imageId"} <= set(instance.ignore_changes)
