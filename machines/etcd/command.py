"""The command of the agent on a member of etcd: its desired state."""

from collections.abc import Mapping

from agent.etcd.configuration import MemberFiles
from agent.etcd.converge import EtcdSettings
from agent.etcd.membership import MemberSettings, Place
from agent.etcd.rolling_restart import Versions
from agent.roles.etcd import State
from machines.common.agent_command import AgentCommand
from machines.common.machine import machine_state
from machines.common.packages import role_packages
from machines.common.templates import read_plain, render_template
from machines.common.volume import desired_volume
from machines.etcd.backups import backup_packages, desired_backups
from settings import ports
from settings.model import size_of
from settings.plan import PlannedMachine
from settings.platform import Platform
from settings.running import may_begin


def etcd_command(platform: Platform, planned: PlannedMachine, secrets: Mapping[str, str]) -> AgentCommand:
    """One member: TLS with certificates on both sides for clients and peers. The machine decides how it starts.

    `secrets` has certificates and keys in PEM: `ca`, `member`, `client`; the ids of the instance and of the volume, the
    keys that log in, and what backups need.
    """
    settings, plan = platform.settings, platform.plan
    begins = may_begin(platform.running, plan.etcd, planned, secrets["instance"])
    member = MemberSettings(
        name=planned.hostname,
        members=tuple(Place(one.hostname, one.address) for one in plan.etcd),
        token=platform.cluster,
        control_planes=plan.control_plane_places,
        had_cluster=not begins,
        start_empty=settings.etcd.start_empty,
    )
    environment = render_template(
        "etcd/etcd.env.j2",
        planned=planned,
        cluster=platform.cluster,
        etcd=settings.etcd,
        quota_bytes=size_of(settings.etcd.quota),
    )
    files = MemberFiles(
        unit=read_plain("etcd/etcd.service"),
        environment=environment,
        etcdctl_environment=render_template("etcd/etcdctl.env.j2", endpoints=endpoints(platform)),
        ca=secrets["ca"],
        certificate=secrets["member"],
        key=secrets["member_key"],
        client_certificate=secrets["client"],
        client_key=secrets["client_key"],
    )
    state = State(
        machine=machine_state(
            platform,
            planned,
            role_packages(settings, etcd=True) + backup_packages(settings.backups),
            secrets["login_keys"],
            # Where etcd keeps its data (etcd.env.j2, agent/etcd/membership.py).
            volume=desired_volume(settings.etcd.volume, secrets, "/var/lib/etcd", "etcd.service", "etcd"),
        ),
        etcd=EtcdSettings(
            member=member,
            versions=Versions(settings.etcd_version, settings.kubernetes.version),
            generation=settings.certificates.authorities.issuing,
            files=files,
        ),
        backups=desired_backups(platform, planned, secrets),
    )
    # Longer than its waits one after another: cloud-init, the peers' machines, others that join before, its own data.
    return AgentCommand("etcd", state, limit_seconds=1500)


def endpoints(platform: Platform) -> tuple[str, ...]:
    """Where clients reach etcd."""
    return tuple(f"https://{member.address}:{ports.ETCD_CLIENTS}" for member in platform.plan.etcd)
