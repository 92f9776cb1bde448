"""`destroy` leaves nothing of the stack in OpenStack, and `lab down` leaves nothing of the lab on this host."""

import subprocess

from dev.lab import processes
from tests.lab.machines import Machines
from tests.lab.platform import Platform, run
from tests.lab.report import record


def test_destroy_leaves_nothing_when_etcd_is_dead_and_the_first_gateway_is_gone(
    platform: Platform, machines: Machines
) -> None:
    for number in range(3):
        platform.on(f"etcd-{number}", "systemctl stop etcd")
    machines.delete("lab-gateway-0")
    done = run("dev/scripts/destroy.sh")
    assert done.status == 0, done.text
    record("destroy with etcd dead and a gateway gone", f"{done.seconds:.0f} s")
    assert machines.left() == {}


def test_a_second_destroy_succeeds(platform: Platform) -> None:
    done = run("dev/scripts/destroy.sh")
    assert done.status == 0, done.text


def kernel_objects() -> list[str]:
    """Namespaces, links, rules and mounts on this host that look like the lab's."""
    listings = (
        "ip netns list",
        "ip -o link",
        "ip rule",
        "iptables-save",
        "ip6tables-save",
        "findmnt --raw --noheadings --output TARGET",
        "find /sys/fs/cgroup -maxdepth 4 -name 'lxc.*'",
    )
    words = ("lab-", "qrouter-", "qdhcp-", "brq", "neutron-", "openstack-paas-lab", "lxc.payload", "lxc.monitor")
    found = []
    for listing in listings:
        text = subprocess.run(["bash", "-c", listing], text=True, capture_output=True, check=False, timeout=30).stdout
        found += [f"{listing}: {line}" for line in text.splitlines() if any(word in line for word in words)]
    return found


def test_lab_down_removes_every_trace_and_can_be_repeated(platform: Platform) -> None:
    done = run("/usr/bin/python3", "-m", "dev.lab", "down", "--wipe", seconds=300)
    assert done.status == 0, done.text
    record("lab down --wipe", f"{done.seconds:.0f} s")
    assert kernel_objects() == []
    assert processes.marked() == []
    again = run("/usr/bin/python3", "-m", "dev.lab", "down", "--wipe", seconds=120)
    assert again.status == 0, again.text
