"""A changed line never replaces or stops machines that run: they are named, a few at a time, and the others stay."""

from typing import Any

import pytest

from settings.load import parse
from settings.problem import SettingsError
from settings.running import Form, Running, forms_of_resources, from_outputs
from tests.unit.components import graph as graphs
from tests.unit.components.graph import LAB

VOLUMES = {**LAB, "etcd": {"volume": {"sizeGib": 10, "type": "slow"}}}
POOL: dict[str, Any] = {"count": 2, "labels": {"disk-type": "ssd"}}
ZONE = {"availabilityZones": ["one"]}


def running(values: dict[str, Any], **changes: Any) -> Running:
    """The platform of `values` as its own outputs tell of it."""
    _, outputs = graphs.run(values)
    made = from_outputs(outputs)
    assert made is not None
    for name, form in changes.items():
        made = Running(made.kubernetes, made.fixed, made.instances, forms={**made.forms, name: form})
    return made


@pytest.fixture(scope="module")
def lab() -> Running:
    """The lab's platform with every machine in the zone `two`."""
    zones = {"availabilityZones": ["two"]}
    everywhere = {"gateways": zones, "etcd": zones, "controlPlanes": zones, "workers": {"general": {**POOL, **zones}}}
    return running({**LAB, **everywhere})


def report(values: dict[str, Any], before: Running) -> list[str]:
    """What is said of a change; nothing when it may be."""
    try:
        parse({**LAB, **values}, "lab", before)
    except SettingsError as error:
        return [str(problem) for problem in error.problems]
    return []


def warned(values: dict[str, Any], before: Running) -> list[str]:
    """The warnings of a change, of this kind."""
    warnings = parse({**LAB, **values}, "lab", before).warnings
    return [str(one) for one in warnings if one.key.startswith(("rollout", "workers.general"))]


def general(**changes: Any) -> dict[str, Any]:
    """A change of the pool."""
    return {"workers": {"general": {**POOL, **changes}}}


@pytest.mark.parametrize("key", ["gateways", "etcd", "controlPlanes", "workers.general"])
@pytest.mark.parametrize(
    ("change", "setting", "verb"),
    [
        ({"flavor": "other"}, "flavor other", "stop"),
        (ZONE, "availabilityZones one", "replace"),
        ({"spread": "required"}, "spread required", "replace"),
    ],
)
def test_what_would_reach_a_whole_role_is_refused_with_the_line_that_begins_it(
    lab: Running, key: str, change: dict[str, Any], setting: str, verb: str
) -> None:
    values = general(**change) if key.startswith("workers") else {key: change}
    (problem,) = report(values, lab)
    role = {"controlPlanes": "control-plane", "gateways": "gateway", "workers.general": "worker-general"}.get(key, key)
    assert problem.startswith(f"{key}.{setting}: would {verb} lab-{role}-0, lab-{role}-1")
    assert f"set rollout.replace: [lab-{role}-0] as well" in problem


def test_one_line_that_was_seen_to_replace_all_workers(lab: Running) -> None:
    assert report(general(spread="required"), lab) == [
        "workers.general.spread required: would replace lab-worker-general-0, lab-worker-general-1 all at once, "
        "which have preferred; change at most 1 of workers.general at a time: set rollout.replace: "
        "[lab-worker-general-0] as well, run `up`, then name the next"
    ]


@pytest.mark.parametrize(
    ("volume", "key"),
    [
        (None, "etcd.volume"),
        ({"sizeGib": 10, "type": "fast"}, "etcd.volume.type"),
        ({"sizeGib": 9}, "etcd.volume.sizeGib"),
    ],
)
def test_a_volume_s_data_is_never_offered(volume: dict[str, Any] | None, key: str) -> None:
    values = {"etcd": {"volume": volume} if volume else {}, "rollout": {"replace": ["lab-etcd-0"]}}
    (problem,) = report(values, running(VOLUMES))
    assert problem.startswith(key) and "would remove the data of lab-etcd-0" in problem


def test_a_volume_that_grows_and_a_machine_more_need_no_name() -> None:
    before = running(VOLUMES)
    assert report({"etcd": {"volume": {"sizeGib": 20, "type": "slow"}}, **general(count=3)}, before) == []


def test_more_than_the_role_can_miss_is_refused(lab: Running) -> None:
    names = ["lab-worker-general-0", "lab-worker-general-1"]
    (problem,) = report({**general(spread="required"), "rollout": {"replace": names}}, lab)
    assert "workers.general can spare 1 at a time" in problem
    wide = general(spread="required", maxUnavailable=2)
    assert report({**wide, "rollout": {"replace": names}}, lab) == []


def test_names_are_checked(lab: Running) -> None:
    assert "is not a machine" in report({"rollout": {"replace": ["lab-worker-7"]}}, lab)[0]
    assert "is not in rollout.replace" in report({"rollout": {"loseVolumes": ["lab-worker-general-0"]}}, lab)[0]
    assert warned({"rollout": {"replace": ["lab-worker-general-0"]}}, lab) == [
        "rollout.replace lab-worker-general-0: is already as the plan wants it; remove the name"
    ]


def test_the_only_member_of_etcd_is_not_replaced_with_its_data(lab: Running) -> None:
    values = {"etcd": {"count": 1, "spread": "required"}, "rollout": {"replace": ["lab-etcd-0"]}}
    assert any("the only member of etcd" in problem for problem in report(values, lab))


def test_named_ones_change_and_the_others_keep_what_they_have(lab: Running) -> None:
    values = {**LAB, **general(spread="required"), "rollout": {"replace": ["lab-worker-general-0"]}}
    graph, outputs = graphs.run(values, running=lab)
    machines = graph.of_type("openstack:compute/instance:Instance")
    groups = graph.of_type("openstack:compute/serverGroup:ServerGroup")
    first, second = machines["worker-general-0"], machines["worker-general-1"]
    assert first.inputs["schedulerHints"] == [{"group": "required-worker-general-id"}]
    assert second.inputs["schedulerHints"] == [{"group": "worker-general-id"}]
    assert first.ignore_changes == ()
    assert {"flavorId", "availabilityZone", "schedulerHints"} <= set(second.ignore_changes)
    assert groups["worker-general"].inputs["policies"] == "soft-anti-affinity"
    assert groups["required-worker-general"].inputs["policies"] == "anti-affinity"
    # Its node has left before it goes, and no other's.
    assert "Command/drain-worker-general-0" in first.dependencies
    assert [name for name in graph.commands() if name.startswith("drain")] == ["drain-worker-general-0"]
    # What came of it is where the next run begins: the group of nobody is left out in the end.
    after = from_outputs(outputs)
    assert after is not None and after.spreads == {**lab.spreads, "required-worker-general": "required"}
    values["rollout"] = {"replace": ["lab-worker-general-1"]}
    graph, outputs = graphs.run(values, running=after)
    assert graph.of_type("openstack:compute/instance:Instance")["worker-general-0"].dependencies.isdisjoint(
        {"Command/drain-worker-general-0"}
    )
    assert "worker-general" not in graph.of_type("openstack:compute/serverGroup:ServerGroup")
    done = from_outputs(outputs)
    assert done is not None and report({**general(spread="required")}, done) == []


def test_every_machine_that_runs_is_pinned_and_a_new_one_is_not(lab: Running) -> None:
    graph, _ = graphs.run({**LAB, **general(count=3)}, running=lab)
    for name, machine in graph.of_type("openstack:compute/instance:Instance").items():
        assert ("schedulerHints" in machine.ignore_changes) is (name != "worker-general-2"), name


def test_a_flavor_stops_the_machine_in_place(lab: Running) -> None:
    values = {**LAB, **general(flavor="other"), "rollout": {"replace": ["lab-worker-general-0"]}}
    graph, _ = graphs.run(values, running=lab)
    machines = graph.of_type("openstack:compute/instance:Instance")
    assert "flavorId" not in machines["worker-general-0"].ignore_changes
    assert "userData" in machines["worker-general-0"].ignore_changes
    assert not any(name.startswith("drain") for name in graph.commands())


def test_those_that_wait_and_what_is_lost_are_told(lab: Running) -> None:
    first, second = warned({**general(spread="required"), "rollout": {"replace": ["lab-worker-general-0"]}}, lab)
    assert first == (
        "workers.general.spread: not applied yet to lab-worker-general-1, which stay as they are; name them in "
        "rollout.replace next"
    )
    assert "its own disk goes with it" in second


def test_nothing_known_is_not_nothing_changed() -> None:
    before = Running("1.34.2", {}, {"lab-worker-general-0": "an-id"})
    (warning,) = warned(general(spread="required"), before)
    assert "the flavors, zones and spread of lab-worker-general-0 are not known" in warning


def test_an_earlier_release_s_machines_are_read_from_the_state() -> None:
    def resource(kind: str, key: str, **outputs: Any) -> tuple[str, Any]:
        return f"urn:pulumi:lab::p::a${kind}::{key}", {"type": kind, "outputs": outputs}

    resources = dict(
        [
            resource("openstack:compute/serverGroup:ServerGroup", "etcd", id="g", policies="anti-affinity"),
            resource("openstack:blockstorage/volume:Volume", "etcd-0-data", volumeType="slow", size=10),
            resource(
                "openstack:compute/instance:Instance",
                "etcd-0",
                name="lab-etcd-0",
                flavorName="m1",
                flavorId="f",
                availabilityZone="nova",
                schedulerHints=[{"group": "g"}],
            ),
        ]
    )
    read = from_outputs({"versions": {"kubernetes": "1.34.2"}, "forms": forms_of_resources(resources)})
    assert read is not None
    assert read.forms == {"lab-etcd-0": Form("m1", "f", "nova", "etcd", True, "slow", 10)}
    assert read.spreads == {"etcd": "required"}


@pytest.mark.parametrize(
    ("name", "host", "waits"),
    [
        ("control-plane-0", "10.20.0.24", False),
        ("control-plane-1", "10.20.0.23", True),
        ("worker-general-0", "10.20.0.23", True),
    ],
)
def test_a_replaced_node_leaves_by_another_control_plane(lab: Running, name: str, host: str, waits: bool) -> None:
    """The first one cannot wait for the second, which is changed after it."""
    role = "controlPlanes" if name.startswith("control") else "workers"
    change = {"controlPlanes": {"spread": "required"}} if role == "controlPlanes" else general(spread="required")
    graph, _ = graphs.run({**LAB, **change, "rollout": {"replace": [f"lab-{name}"]}}, running=lab)
    command = graph.commands()[f"drain-{name}"]
    assert command.inputs["connection"]["host"] == host
    assert ("Command/control-plane-0" in command.dependencies) is waits
    assert command.dependencies.isdisjoint({f"Instance/{name}", f"Command/{name}", "Command/control-plane-1"})
    assert f"Command/drain-{name}" in graph.of_type("openstack:compute/instance:Instance")[name].dependencies
