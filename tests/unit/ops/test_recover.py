"""After a killed `up`: what was begun is taken away when nobody else runs, what the state knows stays."""

from typing import Any

import pytest
from openstack.exceptions import ConflictException, NotFoundException

from ops.recover import cli, engine
from ops.recover.engine import Engine
from ops.recover.notes import Notes, RecoverError
from ops.shared.pulumi import PulumiError
from tests.unit.ops.recover_samples import (
    PORT,
    PROJECT,
    SERVER,
    FakeEngine,
    FakeOpenStack,
    Where,
    creating,
    state,
    thing,
)


def recovered(before: Notes, connection: FakeOpenStack, *later: Notes, held: str = "") -> tuple[FakeEngine, list[str]]:
    """The engine and what was said after a recovery that succeeds."""
    fake, said = FakeEngine(before, *later, held=held), list[str]()
    assert cli.recover(fake, Where(connection), said.append) == 0
    return fake, said


def test_deletes_what_was_begun_and_nothing_that_is_known_or_named_otherwise() -> None:
    cloud = FakeOpenStack(
        ports=[thing("p1", "lab-etcd-0"), thing("p2", "lab-etcd-0"), thing("p3", "other")],
        servers=[thing("s1", "lab-etcd-0"), thing("s2", "lab-etcd-01")],
    )
    before = state(creating(PORT, name="lab-etcd-0"), creating(SERVER, name="lab-etcd-0"), known=("p2",))
    fake, said = recovered(before, cloud)
    assert cloud.deleted == ["s1", "p1"], "machines go before their ports"
    assert fake.did == ["export", "lock", "export", "export", "clear"]
    assert len(said) == 3


def test_nothing_is_deleted_while_another_pulumi_runs() -> None:
    """Its notes look the same as those of a killed one."""
    cloud = FakeOpenStack(ports=[thing("p1", "lab-etcd-0")])
    fake = FakeEngine(state(creating(PORT, name="lab-etcd-0")), held="ann@far")
    with pytest.raises(RecoverError, match="locked by ann@far"):
        cli.recover(fake, Where(cloud), print)
    assert cloud.deleted == []
    assert "clear" not in fake.did


def test_what_is_in_the_state_by_the_time_the_lock_is_free_stays() -> None:
    """An `up` that ended while we looked has recorded its things."""
    cloud = FakeOpenStack(ports=[thing("p1", "lab-etcd-0")])
    note = creating(PORT, name="lab-etcd-0")
    recovered(state(note), cloud, state(note, known=("p1",)))
    assert cloud.deleted == []


def test_nothing_is_deleted_when_the_notes_have_changed_meanwhile() -> None:
    cloud = FakeOpenStack(ports=[thing("p1", "lab-etcd-0")])
    note = creating(PORT, name="lab-etcd-0")
    fake = FakeEngine(state(note), state(note, creating(SERVER, name="lab-etcd-1")))
    with pytest.raises(RecoverError, match="another Pulumi has changed this stack in the meantime: nothing"):
        cli.recover(fake, Where(cloud), print)
    assert cloud.deleted == []


def test_notes_of_an_up_that_has_begun_since_stay() -> None:
    cloud = FakeOpenStack()
    note = creating(PORT, name="lab-etcd-0")
    fake = FakeEngine(state(note), state(note), state(note, creating(SERVER, name="lab-etcd-1")))
    with pytest.raises(RecoverError, match="its notes stay"):
        cli.recover(fake, Where(cloud), print)
    assert "clear" not in fake.did


def test_without_notes_nobody_is_asked_and_no_lock_is_taken() -> None:
    fake = FakeEngine(state())
    assert cli.recover(fake, Where(), print) == 0
    assert fake.did == ["export"]


def test_other_operations_and_kinds_need_nothing_of_openstack() -> None:
    """The engine itself drops the notes of other operations when it takes the lock."""
    update = {**creating(PORT, name="lab-etcd-0"), "type": "updating"}
    fake = FakeEngine(state(update), state())
    assert cli.recover(fake, Where(), print) == 0
    assert fake.did == ["export", "lock", "export"]
    fake = FakeEngine(state(creating("command:remote:Command")))
    assert cli.recover(fake, Where(), print) == 0
    assert fake.did[-1] == "clear"


def test_a_begun_rule_is_found_by_what_it_says_in_a_group_of_ours() -> None:
    def rule(identity: str, port: int, **values: Any) -> Any:
        ports = {"port_range_min": port, "port_range_max": port}
        source = {"protocol": "tcp", "remote_ip_prefix": "10.0.0.0/8", "remote_group_id": None}
        return thing(identity, "", **ports, **source, **values)

    inputs = {"protocol": "tcp", "portRangeMin": 22, "portRangeMax": 22, "remoteIpPrefix": "10.0.0.0/8"}
    note = creating("openstack:networking/secGroupRule:SecGroupRule", securityGroupId="g", **inputs)
    cloud = FakeOpenStack(security_group_rules=[rule("r1", 22), rule("r2", 80)])
    recovered(state(note, known=("g",)), cloud)
    assert cloud.deleted == ["r1"]
    stranger = FakeOpenStack(security_group_rules=[rule("r1", 22)])
    recovered(state(note), stranger)
    assert stranger.deleted == []
    assert stranger.asked == []


def test_a_begun_interface_goes_by_its_port_between_a_router_and_a_subnet_of_ours() -> None:
    port = thing("i1", "", fixed_ips=[{"subnet_id": "s"}])
    note = creating("openstack:networking/routerInterface:RouterInterface", routerId="r", subnetId="s")
    cloud = FakeOpenStack(ports=[port, thing("i2", "", fixed_ips=[{"subnet_id": "another"}])])
    recovered(state(note, known=("r", "s")), cloud)
    assert cloud.deleted == ["i1 of r"]
    stranger = FakeOpenStack(ports=[port])
    recovered(state(note, known=("r",)), stranger)
    assert stranger.deleted == []


def test_a_load_balancer_goes_with_everything_in_it() -> None:
    cloud = FakeOpenStack(load_balancers=[thing("b1", "lab-api")])
    recovered(state(creating("openstack:loadbalancer/loadBalancer:LoadBalancer", name="lab-api")), cloud)
    assert cloud.deleted == ["b1 with all in it"]


def test_volumes_and_addresses_that_no_state_knows_are_named_and_stay() -> None:
    cloud = FakeOpenStack(
        volumes=[thing("v1", "lab-etcd-0-data"), thing("v2", "lab-etcd-0-data")],
        ips=[
            thing("f1", "", floating_ip_address="203.0.113.7", port_id=None),
            thing("f2", "", floating_ip_address="203.0.113.8", port_id="p"),
            thing("f3", "", floating_ip_address="203.0.113.9", port_id=None, tags=["somebody's"]),
        ],
    )
    notes = (
        creating("openstack:blockstorage/volume:Volume", name="lab-etcd-0-data"),
        creating("openstack:networking/floatingIp:FloatingIp", pool="external"),
    )
    _, said = recovered(state(*notes, known=("v1",)), cloud)
    assert cloud.deleted == []
    address, volume, _ = said
    assert "203.0.113.7 (f1)" in address and "it stays" in address
    assert "lab-etcd-0-data (v2)" in volume and "may hold data" in volume


def test_what_is_gone_by_now_is_no_fault_and_what_cannot_be_deleted_keeps_its_note() -> None:
    def fail(error: Exception) -> Any:
        def raising() -> None:
            raise error

        return raising

    cloud = FakeOpenStack(ports=[thing("p1", "lab-etcd-0")])
    note = state(creating(PORT, name="lab-etcd-0"))
    cloud.on_delete = fail(NotFoundException())
    fake, _ = recovered(note, cloud)
    assert fake.did[-1] == "clear"
    cloud.on_delete = fail(ConflictException("in use"))
    fake = FakeEngine(note)
    with pytest.raises(RecoverError, match=r"Port lab-etcd-0 \(p1\) cannot be deleted.*its note stays"):
        cli.recover(fake, Where(cloud), print)
    assert "clear" not in fake.did


def test_a_lock_that_cannot_be_taken_is_reported_with_its_holder(monkeypatch: pytest.MonkeyPatch) -> None:
    """And so is every other fault: nobody knows then whether another Pulumi runs."""
    held = (
        "the stack is currently locked by 1 lock(s).\n  s3://b/x.json: created by ann@far (pid 7) at 2026-11-28T12:00"
    )
    called: list[tuple[str, ...]] = []

    def failing(*words: str) -> str:
        called.append(words)
        raise PulumiError(held)

    monkeypatch.setattr(engine, "run", failing)
    with pytest.raises(RecoverError, match=r"(?s)nothing was deleted.*ann@far \(pid 7\).*`pulumi cancel`"):
        Engine().prove_idle(state())
    ((*words,),) = called
    assert words[:1] == ["refresh"], "an operation that writes, for only those have the lock"
    assert words[words.index("--target") + 1].endswith("Network::private"), "it looks at no more than one resource"
    assert "--run-program=false" in words
    with pytest.raises(RecoverError, match="the state cannot be read, so nothing was deleted"):
        Engine().export()


def test_another_project_than_the_stacks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    from preflight import credentials

    access = SimpleNamespace(project_id="p-theirs", session=None, region="", interface="public")
    monkeypatch.setattr(credentials, "find", lambda provider: provider)
    monkeypatch.setattr(credentials, "log_in", lambda _: access)
    with pytest.raises(RecoverError, match=f"are for the project p-theirs, and the stack's things are in {PROJECT}"):
        cli.cloud.connect({}, state().projects)


def test_a_cloud_that_does_not_answer_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from preflight import credentials

    def nobody(_: Any) -> Any:
        raise credentials.CloudUnreachable("keystone does not answer")

    monkeypatch.setattr(credentials, "find", nobody)
    with pytest.raises(RecoverError, match="OpenStack cannot be asked, so nothing was deleted: keystone"):
        cli.cloud.connect({}, ())


def test_the_stack_itself_is_what_the_lock_is_taken_for() -> None:
    stack = {"urn": "urn:stack", "type": "pulumi:pulumi:Stack"}
    assert state(resources=(stack,)).target == "urn:stack"
    assert Notes({"deployment": None}).target == ""
