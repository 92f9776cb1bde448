"""Before a restored cluster begins: no other member may be part of a majority of the old one."""

from agent.etcd.backup_settings import BackupSettings
from agent.etcd.local import PEER_PORT, Access
from agent.etcd.restore_plan import RestorePlan
from agent.etcd_api import EtcdError, PortState
from agent.machine import Failed, Machine


def refuse_majority(machine: Machine, settings: BackupSettings, access: Access, plan: RestorePlan) -> None:
    """Raises Failed where other members serve with a majority, or could.

    It is asked whenever data is about to be put in place, for a restore that was interrupted may go on days later. A
    member is known to be stopped when its machine refuses connections, and to be gone when the user says so and it is
    silent. One that is neither may run or come back.
    """
    feared, healthy = [], []
    for other in settings.members:
        if other.name == settings.name:
            continue
        state = access.port_state(other.address, PEER_PORT)
        if state is PortState.REFUSED or (state is PortState.SILENT and other.name in plan.gone):
            continue
        feared.append(other.name)
        if state is PortState.OPEN and _is_healthy(machine, access, other.address):
            healthy.append(other.name)
    if healthy:
        raise Failed(
            f"{' and '.join(healthy)} serve{'s' if len(healthy) == 1 else ''} with a majority of the old cluster: with "
            "this member's data in place there would be two clusters. Stop etcd there by `paas etcd restore`, which "
            "stops all members that it reaches"
        )
    if len(feared) > len(settings.members) // 2:
        raise Failed(
            f"{', '.join(feared)} are not known to be stopped, and together they would be a majority of the old "
            "cluster: two clusters could run. Bring them back, or confirm that they are gone for good with --gone NAME"
        )


def _is_healthy(machine: Machine, access: Access, address: str) -> bool:
    try:
        access.member(machine, address).check_health()
    except EtcdError:
        return False
    return True
