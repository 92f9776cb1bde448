"""An API server goes aside and comes back; another one replaces it."""

import threading

import pytest

from agent.etcd_api import PortState
from agent.kubernetes.api_server import ASIDE, MANIFEST, ApiServer, others_serve
from agent.machine import Failed, NotYet
from tests.unit.agent.fake_machine import FakeMachine
from tests.unit.agent.kubernetes.node_support import DatedClock, FakeApis, called
from tests.unit.agent.kubernetes.processes_support import begin, end
from tests.unit.agent.kubernetes_server import KubernetesServer, status


class Ports:
    """Whether something listens."""

    open = True

    def __call__(self, address: str, port: int) -> PortState:
        return PortState.OPEN if self.open else PortState.REFUSED


@pytest.fixture
def ports() -> Ports:
    return Ports()


@pytest.fixture
def server(machine: FakeMachine, cluster: KubernetesServer, ports: Ports) -> ApiServer:
    machine.answer("kill", lambda call, given: end(machine, int(call[-1])))
    address, _, port = cluster.endpoint.rpartition(":")
    return ApiServer(machine, FakeApis(machine, cluster), address, int(port), ports)


def test_it_goes_aside_and_comes_back_however_often(machine: FakeMachine, server: ApiServer, ports: Ports) -> None:
    ports.open = False
    assert server.state() == "none"
    machine.write(MANIFEST, "manifest")
    assert server.state() == "wanted"
    server.stop()
    server.stop()
    assert server.state() == "stopped"
    assert not machine.path(MANIFEST).exists()
    server.start()
    server.start()
    assert server.state() == "wanted"
    assert machine.path(MANIFEST).read_text() == "manifest"
    assert not machine.path(ASIDE).exists()


def test_one_that_does_not_end_by_itself_is_killed(machine: FakeMachine, server: ApiServer, ports: Ports) -> None:
    begin(machine, 40, "kube-apiserver", "--x")
    ports.open = False
    server.stop()
    assert machine.clock.seconds >= 3
    assert called(machine, "kill", "-KILL", "40")


def test_one_that_still_answers_is_named(machine: FakeMachine, server: ApiServer) -> None:
    with pytest.raises(Failed, match=r"waited 120 s for the API server to end; last seen: it listens at 127.0.0.1:"):
        server.stop()


def test_one_that_holds_out_for_watches_is_ended(machine: FakeMachine, server: ApiServer, ports: Ports) -> None:
    begin(machine, 40, "kube-apiserver", "--x")
    with pytest.raises(NotYet, match="the process 40 still listens"):
        server.stopped(40)
    machine.clock.after(10, lambda: setattr(ports, "open", False))
    server.await_end(40)
    assert 15 <= machine.clock.seconds < 20
    assert called(machine, "kill", "-KILL", "40")
    server.await_end(40)


def test_one_that_the_kubelet_does_not_stop(machine: FakeMachine, server: ApiServer) -> None:
    begin(machine, 40, "kube-apiserver", "--x")
    with pytest.raises(Failed, match="waited 60 s for the kubelet to stop the previous API server"):
        server.await_end(40)
    assert not called(machine, "kill")


def test_the_old_one_is_ended_beside_what_replaces_it(machine: FakeMachine, server: ApiServer, ports: Ports) -> None:
    begin(machine, 40, "kube-apiserver", "--x")
    ports.open = False
    killed = threading.Event()

    def kill(call: tuple[str, ...], given: str) -> None:
        end(machine, int(call[-1]))
        killed.set()

    machine.answer("kill", kill)
    with server.ending(40):
        assert killed.wait(20)
    with server.ending(None):
        pass
    assert called(machine, "kill") == [("kill", "-KILL", "40")]


def test_one_that_nobody_replaces_goes_on(machine: FakeMachine, server: ApiServer) -> None:
    begin(machine, 40, "kube-apiserver", "--x")
    with pytest.raises(Failed, match="kubeadm"), server.ending(40):
        raise Failed("kubeadm has put the manifest back")
    assert not called(machine, "kill")


def test_a_new_one_serves_for_some_seconds(machine: FakeMachine, server: ApiServer, cluster: KubernetesServer) -> None:
    machine.clock.after(5, lambda: begin(machine, 41, "kube-apiserver", "--etcd-servers=a"))
    server.await_service()
    assert 9 <= machine.clock.seconds < 11


def test_a_break_begins_the_seconds_again(machine: FakeMachine, server: ApiServer, cluster: KubernetesServer) -> None:
    begin(machine, 41, "kube-apiserver", "--x")
    machine.clock.after(2, lambda: cluster.refuse("GET", "/readyz", status(500, "not yet")))
    machine.clock.after(4, cluster.hooks.clear)
    server.await_service()
    assert machine.clock.seconds >= 8


def test_one_that_is_never_replaced(machine: FakeMachine, server: ApiServer) -> None:
    begin(machine, 41, "kube-apiserver", "--etcd-servers=a")
    machine.clock = DatedClock()
    with pytest.raises(
        Failed, match=r"waited 240 s for this machine's API server \(with b\) to be ready; .*not been repl"
    ):
        server.await_service("kube-apiserver .*--etcd-servers=b", "with b")


def control_plane(cluster: KubernetesServer, name: str, address: str = "127.0.0.1") -> None:
    node = cluster.node(name)
    node["metadata"]["labels"] = {"node-role.kubernetes.io/control-plane": ""}
    node["status"]["addresses"] = [{"type": "Hostname", "address": name}, {"type": "InternalIP", "address": address}]


def test_a_lone_control_plane_has_to_do_without(machine: FakeMachine, cluster: KubernetesServer) -> None:
    control_plane(cluster, "a")
    cluster.node("worker")
    others_serve(machine, FakeApis(machine, cluster), "a", 6443)
    assert machine.lines == ["this is the only control plane: the API is away while its server is changed"]


def test_the_api_stays_when_another_one_serves(machine: FakeMachine, cluster: KubernetesServer) -> None:
    for name in ("a", "b"):
        control_plane(cluster, name)
    apis = FakeApis(machine, cluster)
    others_serve(machine, apis, "a", 6443)
    assert machine.lines == []
    assert apis.asked == ["127.0.0.1:6443"]


def test_one_of_the_others_is_enough(machine: FakeMachine, cluster: KubernetesServer) -> None:
    for name in ("a", "b", "c"):
        control_plane(cluster, name)
    answers = [status(500, "no")]
    cluster.hooks.append(lambda asked: answers.pop() if asked.path == "/readyz" and answers else None)
    others_serve(machine, FakeApis(machine, cluster), "a", 6443)
    assert machine.lines == ["of the others (b, c) only c serve; going on"]


def test_without_another_one_this_is_not_touched(machine: FakeMachine, cluster: KubernetesServer) -> None:
    for name in ("a", "b", "c"):
        control_plane(cluster, name)
    cluster.refuse("GET", "/readyz", status(500, "no"))
    with pytest.raises(Failed, match=r"no other API server is ready \(b, c\): this one is not touched"):
        others_serve(machine, FakeApis(machine, cluster), "a", 6443)


def test_control_planes_that_cannot_be_listed(machine: FakeMachine, cluster: KubernetesServer) -> None:
    cluster.refuse("GET", "/api/v1/nodes", status(403, "may not"))
    with pytest.raises(Failed, match="cannot list the nodes at"):
        others_serve(machine, FakeApis(machine, cluster), "a", 6443)
