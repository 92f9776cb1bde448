"""What every machine gets, whatever its role: proxy, apt sources, SSH, journal, kernel values, the metadata guard."""

from collections.abc import Iterable, Sequence

from agent.system.firewall import Firewall
from agent.system.ground import Base, MachineState
from agent.system.kernel import Kernel
from agent.system.login import Login
from agent.system.time_sync import TimeSync
from agent.system.volume import Volume
from machines.common.packages import desired_packages
from machines.common.templates import read_plain, render_template
from settings.plan import PlannedMachine
from settings.platform import Platform


def machine_state(
    platform: Platform,
    planned: PlannedMachine,
    wanted: Iterable[str],
    login_keys: str,
    *,
    firewall: str = "",
    volume: Volume | None = None,
    kernel_values: Sequence[str] = (),
    kernel_modules: Sequence[str] = (),
) -> MachineState:
    """The part of the desired state that all roles have.

    `wanted` are the packages. `login_keys` has the user that logs in, and the public keys, one a line. A gateway has a
    `firewall` table of its own.
    """
    user, *keys = login_keys.splitlines()
    servers = platform.settings.time.servers
    base = Base(
        login=Login(user, tuple(keys)),
        sshd_config=render_template("common/sshd.conf.j2", gateway=planned.role == "gateway"),
        journald_config=read_plain("common/journald.conf"),
        kernel=Kernel(
            tuple(kernel_modules),
            tuple(kernel_values),
            "".join(f"{module}\n" for module in kernel_modules),
            render_template("common/sysctl.conf.j2", values=kernel_values) if kernel_values else "",
        ),
        environment=render_template("common/environment.j2", variables=proxy_variables(platform)),
        apt_proxy=apt_proxy(platform),
        # Without any in the settings, those of the cloud or the image stay.
        time=TimeSync(render_template("common/chrony.conf.j2", servers=servers) if servers else ""),
    )
    table = firewall or render_template("common/firewall.nft.j2")
    return MachineState(
        name=planned.hostname,
        address=planned.address,
        base=base,
        packages=desired_packages(platform.settings, wanted),
        firewall=Firewall(table, read_plain("common/firewall.service")),
        volume=volume,
    )


def proxy_variables(platform: Platform) -> dict[str, str]:
    """The environment variables, in both spellings: programs differ in which they read. Empty without a proxy."""
    proxy = platform.settings.proxy
    if not (proxy.http or proxy.https):
        return {}
    values = {"http_proxy": proxy.http, "https_proxy": proxy.https, "no_proxy": ",".join(no_proxy(platform))}
    pairs = [(name, value) for name, value in values.items() if value]
    return dict(pairs) | {name.upper(): value for name, value in pairs}


def apt_proxy(platform: Platform) -> str:
    """apt's own settings; hosts that are named in full are reached directly."""
    proxy = platform.settings.proxy
    if not (proxy.http or proxy.https):
        return ""
    direct = [host for host in no_proxy(platform) if "/" not in host and not host.startswith((".", "*"))]
    return render_template("common/apt-proxy.conf.j2", proxy=proxy, direct=direct)


def no_proxy(platform: Platform) -> tuple[str, ...]:
    """What never goes through a proxy: this machine, the platform's networks and VIPs, the cluster's own names."""
    network, plan = platform.settings.network, platform.plan
    ranges = (network.edge, network.private, network.pods, network.services)
    names = ("localhost", "127.0.0.1", "::1", "169.254.169.254", ".svc", f".{network.dns_domain}")
    vips = (plan.public_vip, plan.private_vip, plan.load_balancer)
    return (*names, *map(str, ranges), *filter(None, vips), *filter(None, platform.settings.proxy.extra_no_proxy))
