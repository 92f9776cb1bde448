"""The machines of one role: server groups, a step each to its desired state, and the order in which they change."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import pulumi
import pulumi_tls as tls
from pulumi import ResourceOptions
from pulumi_command import remote
from pulumi_openstack import compute

from components.fleet import Access, Fleet
from components.machine import Machine
from components.pki import Pki
from machines.common.agent_archive import archive_file, archive_name
from machines.common.agent_command import UPLOADS, AgentCommand
from settings import names
from settings.machines import MachineSettings
from settings.plan import PlannedMachine
from settings.platform import Platform
from settings.running import SPREADS, spread_of
from settings.server_groups import server_groups


def joining(pki: Pki, machine: Machine) -> dict[str, pulumi.Input[str]]:
    """What the certificate depends on with which a machine joins the cluster, beside the cluster's authority."""
    created: pulumi.Output[str] = machine.instance.created.apply(lambda moment: moment or "")
    return {"joining": pki.joining.private_key_pem, "instance": machine.instance.id, "created": created}


class Role(pulumi.ComponentResource):
    """What the components of all roles have in common. A worker pool is a role of its own."""

    machines: dict[str, Machine]
    """By their names in the stack."""
    steps: list[remote.Command]

    def __init__(
        self,
        token: str,
        name: str,
        fleet: Fleet,
        role: str,
        settings: MachineSettings,
        planned: Sequence[PlannedMachine],
        opts: ResourceOptions | None,
        *,
        window: int = 1,
        after: Sequence[pulumi.Resource] = (),
    ) -> None:
        """`role` ends the names of the server groups, which spread the `planned` machines over hosts.

        At most `window` running machines are changed at a time. All machines, new ones too, wait for `after`: the last
        steps of the role that is changed first.
        """
        super().__init__(token, name, None, opts)
        self._fleet, self._settings = fleet, settings
        self._planned_groups = server_groups(fleet.platform, role, settings, planned)
        self._groups = {
            group: compute.ServerGroup(
                group,
                name=names.server_group(fleet.platform.cluster, group),
                policies=SPREADS[spread],
                opts=ResourceOptions(parent=self, ignore_changes=["policies"]),
            )
            for group, spread in self._planned_groups.spreads.items()
        }
        self._window, self._after = window, list(after)
        self._chain: list[pulumi.Resource] = []
        self.machines, self.steps = {}, []

    @property
    def spreads(self) -> dict[str, pulumi.Output[str]]:
        """The spread of each server group, for the output `forms`."""
        return {name: group.policies.apply(spread_of) for name, group in self._groups.items()}

    def order(self, planned: PlannedMachine) -> list[pulumi.Resource]:
        """What the step of `planned` has to wait for, so that the engine never changes two running machines at once.

        The steps of running machines are a chain. It is nothing but dependencies, so it changes no resource. When a
        step fails the engine begins none of those that wait for it: the rollout stops there. A new machine waits for no
        other machine of its role.
        """
        if planned.hostname not in self._fleet.platform.working or len(self._chain) < self._window:
            return self._after
        # This one waited for `after` itself, or for one that did.
        return [self._chain[-self._window]]

    @property
    def last(self) -> list[pulumi.Resource]:
        """After these, every running machine has been changed. Without one, these are the steps before this role."""
        return self._chain[-self._window :] or self._after

    def add_machine(
        self,
        planned: PlannedMachine,
        *,
        host_key: tls.PrivateKey | None = None,
        after: Iterable[Machine] = (),
        first: Iterable[pulumi.Resource] = (),
    ) -> Machine:
        """A machine of this role.

        Nova's anti-affinity sees only machines that have a host already: two made at the same moment may share one.
        So machines of a small role are made one `after` another, while the roles go side by side. What is in `first` is
        over before the instance is touched.
        """
        group = self._planned_groups.of(planned)
        depends_on = [*(machine.instance for machine in after), *first]
        machine = Machine(
            self._fleet, planned, self._settings, self._groups[group], group, self, host_key, depends_on=depends_on
        )
        self.machines[planned.name] = machine
        return machine

    def add_step(
        self,
        machine: Machine,
        access: Access,
        render: Callable[[Platform, PlannedMachine, Mapping[str, str]], AgentCommand],
        inputs: Mapping[str, pulumi.Input[str]],
        depends_on: Iterable[pulumi.Resource],
        reachable: Iterable[pulumi.Resource],
        address: pulumi.Input[str] = "",
    ) -> None:
        """The machine's step: its desired state goes in on stdin, the agent runs, Pulumi shows its progress.

        `render` makes the command from the resolved `inputs`, the keys that log in and the id of the machine's volume.
        The machine is reached by `address`, or by its planned one, once what is `reachable` exists; the step waits for
        `depends_on` too. No custom timeout: the plugin ignores them, so the limit is on the machine.

        A changed desired state is an update. A replaced machine replaces the step, and nothing else does: the
        instance's id is the only trigger. Secrets travel on stdin alone. The agent travels before, as a file: a state
        has its digest and not its content.
        """
        planned = machine.planned
        # Known once it is attached.
        volume = {"volume": machine.volume.volume_id} if machine.volume else {}
        resolved = pulumi.Output.all(**inputs, **volume, login_keys=self._fleet.login_keys)
        command = resolved.apply(lambda values: render(self._fleet.platform, planned, values))
        standard_input: pulumi.Output[str] = pulumi.Output.secret(command.apply(lambda c: c.standard_input()))
        connection = access.connection(address or planned.address, machine.host_key.public_key_openssh)
        way = list(reachable)
        agent = remote.CopyToRemote(
            f"{planned.name}-agent",
            connection=connection,
            source=pulumi.FileAsset(str(archive_file())),
            remote_path=f"{UPLOADS}/{archive_name()}",
            triggers=[machine.instance.id],
            opts=machine.options(depends_on=way, deleted_with=machine.instance),
        )
        step = remote.Command(
            planned.name,
            connection=connection,
            # The script has only digests, of what is not secret; what it was computed from is secret all the same.
            create=pulumi.Output.unsecret(command.apply(lambda c: c.script())),
            stdin=standard_input,
            triggers=[machine.instance.id],
            add_previous_output_in_env=False,
            opts=machine.options(depends_on=[agent, *way, *depends_on], deleted_with=machine.instance),
        )
        self.steps.append(step)
        if planned.hostname in self._fleet.platform.working:
            self._chain.append(step)
