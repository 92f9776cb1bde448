"""Every process of the lab, machines included, is killed at once, as in a power cut. `lab up` brings it all back."""

import pytest

from dev.lab import processes
from dev.lab.driver.virt.openstack_paas_lab.cgroups import of_containers
from tests.lab.machines import Machines
from tests.lab.platform import Platform, run
from tests.lab.report import record

pytestmark = pytest.mark.long


def kill_everything() -> None:
    """Kill every process of the lab and of its machines. Namespaces, mounts and control groups stay behind."""
    for _ in range(50):
        alive = set(processes.marked()) | processes.in_groups(of_containers(processes.instances()))
        if not alive:
            return
        processes.kill(alive)
    raise AssertionError(f"processes of the lab do not end: {sorted(alive)}")


def test_the_platform_comes_back_with_its_data(platform: Platform, machines: Machines) -> None:
    written = run("python", "-m", "ops", "proof", "--json")
    assert written.status == 0, written.text
    names = machines.names()
    kill_everything()

    back = run("/usr/bin/python3", "-m", "dev.lab", "up", seconds=600)
    assert back.status == 0, back.text
    record("lab up after a power cut", f"{back.seconds:.0f} s")

    proof = run("python", "-m", "ops", "proof", "--json", "--wait", "300", seconds=900)
    assert proof.status == 0, proof.text
    record("proof passes after that `lab up`", f"{proof.seconds:.0f} s")
    assert machines.names() == names


def test_nothing_has_changed_for_pulumi_after_a_power_cut(platform: Platform) -> None:
    done = run("pulumi", "preview", "--refresh", "--expect-no-changes", "--non-interactive")
    assert done.status == 0, done.text
