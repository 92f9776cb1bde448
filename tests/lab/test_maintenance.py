"""Members of etcd and gateways are changed by the stack file, one after another, while clients read and write.

One `up` changes an option of etcd and haproxy's package, a second one takes both back. Workers change their own
haproxy; kubelets and pods run on.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.lab import watch
from tests.lab.platform import PROJECT, Platform
from tests.lab.report import record

COMMITTED = PROJECT / "Pulumi.lab.yaml"
GATEWAYS, MEMBERS = ("gateway-0", "gateway-1"), ("etcd-0", "etcd-1", "etcd-2")
WORKERS = ("worker-general-0", "worker-general-1")
#: Longest times without an answer of the API by the VIP, and without a write, in seconds.
API_READ, WRITE = 2.0, 5.0
VERSION = "dpkg-query --show --showformat '${Version}' haproxy"
NODE_STARTS = "systemctl show --value --property=ActiveEnterTimestampMonotonic kubelet containerd"
OFFERS = "apt-get update --quiet >/dev/null && apt-cache madison haproxy | awk -F ' *[|] *' '{ print $2 }'"
#: Replaces the program's file by a copy, like a package with the same version.
SAME_AGAIN = (
    "cp --archive /usr/sbin/haproxy /usr/sbin/.haproxy.new && mv --force /usr/sbin/.haproxy.new /usr/sbin/haproxy"
)


@pytest.fixture(scope="module")
def committed_afterwards(platform: Platform) -> Iterator[None]:
    """Afterwards the platform matches the stack file again."""
    yield
    done = platform.up()
    assert done.status == 0, done.text


def changed(platform: Platform, folder: Path, what: str, restarted: set[str], **sections: dict[str, object]) -> str:
    """Run `up` with these sections over the committed ones while clients read and write. Returns its output.

    Services restart on the machines `restarted`, and on no other.
    """
    document = yaml.safe_load(COMMITTED.read_text())
    for name, values in sections.items():
        key = f"openstack-paas:{name}"
        document["config"][key] = document["config"].get(key, {}) | values
    file = folder / COMMITTED.name
    file.write_text(yaml.safe_dump(document))
    before, began_there = watch.identity(platform), kubelets(platform)
    with watch.writing(platform, what) as writer:
        began = time.monotonic()
        done = platform.up("--config-file", str(file))
    assert done.status == 0, done.text
    record(f"{what}: up with its proof", f"{done.seconds:.0f} s")
    assert writer.reads.longest_gap(began) <= API_READ
    assert writer.answers.longest_gap(began) <= WRITE
    after = watch.identity(platform)
    again = {name for name in after.starts if after.starts[name] != before.starts[name]}
    assert again == restarted, "services of these were started again"
    assert kubelets(platform) == began_there
    assert (after.members, after.nodes) == (before.members, before.nodes)
    return done.text


def kubelets(platform: Platform) -> list[str]:
    """When the workers' kubelets and runtimes began."""
    return [platform.on(worker, NODE_STARTS) for worker in WORKERS]


def versions(platform: Platform, *machines: str) -> set[str]:
    """haproxy's, as the gateways have it, and these machines."""
    return {platform.on(machine, VERSION) for machine in (*GATEWAYS, *machines)}


@pytest.mark.usefixtures("committed_afterwards")
def test_etcd_and_haproxy_change_one_machine_at_a_time(platform: Platform, tmp_path: Path) -> None:
    (now,) = versions(platform)
    offers = platform.on("gateway-0", OFFERS).split()
    other = next((offer for offer in offers if offer != now), now)
    # A copy of the program's file is made on the gateways alone.
    restarted = {*GATEWAYS, *MEMBERS} | ({*WORKERS} if other != now else set())
    holder = platform.vip_holder()
    if other == now:
        for gateway in GATEWAYS:
            platform.on(gateway, SAME_AGAIN)
    changed(
        platform,
        tmp_path,
        f"haproxy {now} to {other}, an option of etcd",
        restarted,
        maintenance={"packages": {"haproxy": other}},
        etcd={"heartbeatMilliseconds": 120},
    )
    assert versions(platform, *WORKERS) == {other}
    for member in MEMBERS:
        assert "ETCD_HEARTBEAT_INTERVAL=120" in platform.on(member, "tr '\\0' '\\n' </proc/$(pgrep -x etcd)/environ")
    # Each gateway hands over the addresses before it changes. The first holder gets them back when the second changes.
    record("gateway with the VIPs before and after", f"{holder}, {platform.vip_holder()}")
    if other == now:
        for gateway in GATEWAYS:
            platform.on(gateway, SAME_AGAIN)
    back: dict[str, object] = {"packages": {} if other == now else {"haproxy": now}}
    changed(platform, tmp_path, f"haproxy {other} to {now}, back again", restarted, maintenance=back)
    assert versions(platform, *WORKERS) == {now}
