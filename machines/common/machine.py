"""What every machine gets, whatever its role: proxy, apt sources, SSH, journal, kernel values, the metadata guard."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from machines.common.bundle import File, ScriptSettings
from machines.common.packages import package_files, package_settings
from machines.common.proxy import apt_proxy, proxy_variables
from machines.common.templates import read_unit, render_template
from settings.plan import PlannedMachine
from settings.platform import Platform


def machine_files(
    platform: Platform, kernel_values: Sequence[str] = (), kernel_modules: Sequence[str] = (), *, gateway: bool = False
) -> list[File]:
    """The files that machine.sh puts in place on every machine, but for the firewall's table."""
    variables = proxy_variables(platform)
    return [
        *package_files(platform.settings),
        File("files/environment", render_template("common/environment.j2", variables=variables)),
        File("files/apt-proxy.conf", apt_proxy(platform)),
        File("files/sshd.conf", render_template("common/sshd.conf.j2", gateway=gateway)),
        File("files/journald.conf", read_unit("common/journald.conf")),
        File("files/sysctl.conf", render_template("common/sysctl.conf.j2", values=kernel_values)),
        File("files/modules.conf", "".join(f"{module}\n" for module in kernel_modules)),
        File("files/openstack-paas-firewall.service", read_unit("common/firewall.service")),
    ]


def machine_settings(
    platform: Platform,
    planned: PlannedMachine,
    wanted: Iterable[str],
    kernel_values: Sequence[str] = (),
    kernel_modules: Sequence[str] = (),
) -> ScriptSettings:
    """The settings that the scripts of every role read."""
    return {
        "NAME": planned.hostname,
        "ADDRESS": planned.address,
        **package_settings(platform.settings, wanted),
        "EPOCH": platform.settings.maintenance.epoch,
        "KERNEL_VALUES": list(kernel_values),
        "KERNEL_MODULES": list(kernel_modules),
    }


def metadata_firewall() -> File:
    """The table of a machine that needs no other guard than that of the metadata address."""
    return File("files/firewall.nft", render_template("common/firewall.nft.j2"))
