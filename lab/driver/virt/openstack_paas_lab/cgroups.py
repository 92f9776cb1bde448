"""Control groups that LXC leaves behind when a container is killed together with its monitor."""

import os
import signal

ROOT = "/sys/fs/cgroup"
# How deep below a hierarchy's root a container's group may lie: LXC puts it below the group of who started it.
DEPTH = 4


def of_container(uuid):
    """Every control group of a container, those of its monitor and those with a number appended included."""
    names = ("lxc.payload." + uuid, "lxc.monitor." + uuid)
    found = []
    for hierarchy in os.scandir(ROOT):
        if not hierarchy.is_dir(follow_symlinks=False):
            continue
        for path, folders, _ in os.walk(hierarchy.path):
            if path[len(hierarchy.path) :].count("/") >= DEPTH:
                folders.clear()
                continue
            for name in list(folders):
                if name.startswith(names):
                    found.append(os.path.join(path, name))
                    folders.remove(name)
    return found


def remove(uuid):
    """Kill what still runs in a container's groups and remove them; what cannot be removed yet stays without harm."""
    for group in of_container(uuid):
        for path, _, files in os.walk(group, topdown=False):
            if "cgroup.procs" in files:
                _kill(os.path.join(path, "cgroup.procs"))
            try:
                os.rmdir(path)
            except OSError:
                pass


def _kill(list_of_processes):
    try:
        with open(list_of_processes) as file:
            for line in file:
                os.kill(int(line), signal.SIGKILL)
    except (OSError, ValueError):
        pass
