"""Processes by what they were started with."""

from agent.kubernetes import processes
from tests.unit.agent.fake_machine import FakeMachine
from tests.unit.agent.kubernetes.processes_support import begin, end


def test_the_oldest_counts(machine: FakeMachine) -> None:
    assert processes.oldest(machine, "kube-apiserver ") is None
    begin(machine, 40, "kube-apiserver", "--etcd-servers=a", started=20)
    begin(machine, 7, "kube-apiserver", "--etcd-servers=a,b", started=30)
    begin(machine, 3, "grep", "kube-apiserver")
    begin(machine, 4, "kube-apiserver-tool")
    machine.write("/proc/5/other", "")
    assert processes.oldest(machine, "kube-apiserver ") == 40
    assert processes.oldest(machine, r"kube-apiserver .*--etcd-servers=a,b( |$)") == 7
    end(machine, 40)
    assert processes.oldest(machine, "kube-apiserver ") == 7
    assert processes.runs(machine, 7)
    assert not processes.runs(machine, 40)
