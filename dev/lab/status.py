"""`status`: the lab as a table. The exit code says whether it is healthy."""

import re

from dev.errors import DevError
from dev.lab import places, processes, resources, services, supervision
from dev.lab.cloud import Cloud
from dev.lab.driver.virt.openstack_paas_lab import cgroups


def show() -> int:
    """Print the table. Returns 0 when all is well, 1 when something is wrong, 3 when the lab is down."""
    states = supervision.states()
    if not states:
        print("the lab is down" + (f"; its data is in {places.STATE}" if places.STATE.exists() else ""))
        return 3
    wrong = []
    memory = memory_by_service(states)
    print(f"{'SERVICE':<22}{'STATE':<10}{'PROCESS':>8}{'MEMORY MiB':>12}  SINCE")
    for service in services.ALL:
        state = states.get(service.program, {})
        name = str(state.get("statename", "UNKNOWN"))
        if name != "RUNNING":
            wrong.append(f"{service.name} is {name}")
        print(
            f"{service.name:<22}{name:<10}{state.get('pid', 0):>8}{memory.get(service.name, 0):>12.0f}  "
            f"{str(state.get('description', '')).partition('uptime ')[2]}"
        )
    print(f"{'total':<40}{sum(memory.values()):>12.0f}\n")
    try:
        cloud = Cloud()
        wrong += [f"{one} does not report" for one in resources.not_reporting(cloud)]
        wrong += [f"{one} does not answer" for one in resources.silent_routers(cloud)]
        _machines(cloud)
    except DevError as error:
        wrong.append(str(error))
    for problem in wrong:
        print(f"WRONG: {problem}")
    return 1 if wrong else 0


def _machines(cloud: Cloud) -> None:
    servers = cloud.call("GET", "compute", "/servers/detail?all_tenants=1")["servers"]
    print(f"{'HOST':<14}{'MACHINES':>9}")
    for host in places.COMPUTE_HOSTS:
        print(f"{host.name:<14}{sum(server['OS-EXT-SRV-ATTR:host'] == host.name for server in servers):>9}")
    if servers:
        print(f"\n{'MACHINE':<30}{'STATE':<10}{'HOST':<14}{'MEMORY MiB':>11}  ADDRESSES")
    for server in sorted(servers, key=lambda one: str(one["name"])):
        addresses = ", ".join(one["addr"] for ports in server["addresses"].values() for one in ports)
        print(
            f"{server['name']:<30}{server['status']:<10}{server['OS-EXT-SRV-ATTR:host'] or '':<14}"
            f"{machine_memory(server['id']):>11.0f}  {addresses}"
        )


def machine_memory(uuid: str) -> float:
    """MiB that a machine's processes hold, without caches; 0 when it is not running."""
    for group in cgroups.of_containers([uuid]):
        if ".payload." not in group.name or not (group / "memory.stat").exists():
            continue
        values = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        return int(values.get("total_rss") or values.get("anon") or 0) / 2**20
    return 0


def memory_by_service(states: dict[str, dict[str, object]]) -> dict[str, float]:
    """MiB of memory that each service and its children hold, shared pages counted once (proportional set size)."""
    parents = {number: processes.parent(number) for number in processes.numbers()}
    roots = {int(str(state["pid"])): name.removeprefix("lab-") for name, state in states.items() if state.get("pid")}
    found: dict[str, float] = {}
    for number in parents:
        ancestor = number
        while ancestor and ancestor not in roots:
            ancestor = parents.get(ancestor, 0)
        if ancestor:
            share = re.search(rb"^Pss:\s+(\d+)", processes.read(number, "smaps_rollup"), re.MULTILINE)
            found[roots[ancestor]] = found.get(roots[ancestor], 0) + (int(share[1]) / 1024 if share else 0)
    return found
