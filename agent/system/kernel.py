"""Values and modules of the kernel. Machines may be containers, which share the kernel of their host."""

from dataclasses import dataclass
from typing import Final

from agent.machine import Failed, Machine
from agent.system import files

MODULES_FILE: Final = "/etc/modules-load.d/openstack-paas.conf"
VALUES_FILE: Final = "/etc/sysctl.d/90-openstack-paas.conf"


@dataclass(frozen=True)
class Kernel:
    """Modules by name; values as KEY=VALUE; and the files that say the same at boot (empty: no such file)."""

    modules: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    modules_file: str = ""
    values_file: str = ""


def apply(machine: Machine, kernel: Kernel) -> None:
    """Loads the modules and sets the values, now and at each boot."""
    for module in kernel.modules:
        # In a container, and where it is built in, there is nothing to load; a value that is missing says so below.
        machine.run("modprobe", "--quiet", module)
    files.install_or_remove(machine, kernel.modules_file, MODULES_FILE)
    files.install_or_remove(machine, kernel.values_file, VALUES_FILE)
    for entry in kernel.values:
        set_value(machine, *entry.split("=", 1))


def set_value(machine: Machine, key: str, value: str) -> None:
    """Sets a value where it differs: in a container it may be right already and not writable.

    Raises Failed when it is another one and cannot be set. A kernel without the key is fine, and the log says so.
    """
    path = machine.path("/proc/sys") / key.replace(".", "/")
    if not path.exists():
        machine.log(f"this kernel has no {key}, going on without it")
        return
    # Between several numbers the kernel has tabs.
    found = " ".join(path.read_text(encoding="utf-8").split())
    if found == " ".join(value.split()):
        return
    try:
        path.write_text(f"{value}\n", encoding="utf-8")
    except OSError as error:
        raise Failed(f"cannot set {key} to {value}, it is {found}: {error.strerror}") from None
