"""The Debian packages that the lab runs on. They are installed once, and the installation starts no service."""

from pathlib import Path

from dev.errors import DevError
from dev.lab.command import run
from dev.lab.progress import Progress

PACKAGES = (
    # the base of everything else
    *("supervisor", "mariadb-server", "rabbitmq-server", "memcached"),
    # OpenStack
    *("keystone", "uwsgi-core", "uwsgi-plugin-python3", "glance-api", "placement-api"),
    *("nova-api", "nova-conductor", "nova-scheduler", "nova-compute"),
    *("neutron-server", "neutron-linuxbridge-agent", "neutron-l3-agent", "neutron-dhcp-agent"),
    *("neutron-metadata-agent", "python3-pymysql", "python3-openstackclient", "python3-jinja2", "python3-yaml"),
    # machines and their networks
    *("lxc", "lxcfs", "bridge-utils", "iproute2", "iptables", "ipset", "ebtables", "conntrack", "dnsmasq-base"),
    *("dnsmasq-utils", "haproxy", "iputils-arping", "iputils-ping", "procps", "util-linux"),
    # images and the mirror
    *("mmdebstrap", "apt-utils", "docker-registry", "apt-cacher-ng", "openssh-client", "curl", "tar", "zstd"),
    *("dpkg", "gcc", "libc6-dev", "debian-archive-keyring"),
)
POLICY = Path("/usr/sbin/policy-rc.d")
SAVED_POLICY = Path("/usr/sbin/policy-rc.d.before-openstack-paas-lab")
NOTHING_STARTS = "#!/bin/sh\n# openstack-paas lab: no service is started while packages are installed\nexit 101\n"


def missing() -> list[str]:
    """The packages that are not installed."""
    try:
        listing = run("dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\\n", *PACKAGES, check=False)
    except DevError:
        return list(PACKAGES)
    installed = {line.split()[0] for line in listing.splitlines() if line.endswith(" installed")}
    return [package for package in PACKAGES if package not in installed]


def forbid_starts() -> None:
    """From now on invoke-rc.d starts no service. An existing policy is kept aside."""
    if POLICY.exists() and POLICY.read_text(errors="replace") != NOTHING_STARTS:
        POLICY.rename(SAVED_POLICY)
    POLICY.write_text(NOTHING_STARTS)
    POLICY.chmod(0o755)


def restore_policy() -> None:
    """Restore the previous policy, also after an installation that was killed."""
    if POLICY.exists() and POLICY.read_text(errors="replace") == NOTHING_STARTS:
        POLICY.unlink()
    if SAVED_POLICY.exists():
        SAVED_POLICY.rename(POLICY)


def install(progress: Progress, log: Path) -> None:
    """Install what is missing, within 30 minutes."""
    restore_policy()
    wanted = missing()
    if not wanted:
        return
    progress(f"installing {len(wanted)} Debian packages and their dependencies; apt's log: {log}")
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = {"DEBIAN_FRONTEND": "noninteractive", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    command = "apt-get -y -q -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confdef"
    apt_get = (*command.split(), "-o", "Dpkg::Options::=--force-unsafe-io")
    forbid_starts()
    try:
        run("dpkg", "--configure", "-a", "--force-confdef", log=log, environment=environment, timeout=600)
        run(*apt_get, "update", log=log, environment=environment, timeout=600)
        run(*apt_get, "--fix-broken", "install", log=log, environment=environment, timeout=600)
        packages = ("install", "--no-install-recommends", *wanted)
        run(*apt_get, *packages, log=log, environment=environment, timeout=1800)
    finally:
        restore_policy()
    still = missing()
    if still:
        raise DevError(f"apt-get succeeded but these packages are not installed: {', '.join(still)}; see {log}")
