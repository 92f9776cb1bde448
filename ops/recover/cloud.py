"""What begun creations may have left in OpenStack, and how to delete it."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from ops.recover import ownership
from ops.recover.notes import Begun, RecoverError


@dataclass(frozen=True)
class Found:
    """A thing that a killed operation may have made. With a `doubt` it is not deleted, and the doubt is reported."""

    what: str
    id: str
    delete: Callable[[], object] = lambda: None
    doubt: str = ""


class Cloud:
    """One project of OpenStack, by an openstacksdk connection."""

    def __init__(self, connection: Any, project: str) -> None:
        self._connection, self.project = connection, project

    def matching(self, begun: Begun, known: Collection[str]) -> Iterator[Found]:
        """Things that the creation `begun` may have made; `known` are the ids that the state knows."""
        if begun.type in ownership.KINDS and begun.name:
            yield from self._named(begun)
        elif begun.type == "openstack:blockstorage/volume:Volume" and begun.name:
            yield from self._volumes(begun)
        elif begun.type == "openstack:networking/floatingIp:FloatingIp":
            yield from self._addresses(begun)
        elif begun.type == "openstack:networking/secGroupRule:SecGroupRule":
            yield from self._rules(begun, known)
        elif begun.type == "openstack:networking/routerInterface:RouterInterface":
            yield from self._interfaces(begun, known)

    def _named(self, begun: Begun) -> Iterator[Found]:
        kind = ownership.KINDS[begun.type]
        # A cloud need not have every service: only the one that is asked is looked for.
        proxy = getattr(self._connection, kind.service)
        # Compute lists one project only, and knows no such filter.
        own = {} if kind.service == "compute" else {"project_id": self.project}
        remove: Callable[..., Any] = getattr(proxy, f"delete_{kind.word}")
        if kind.word == "server":
            remove = self._delete_server
        elif kind.word == "load_balancer":
            remove = partial(remove, cascade=True)
        # Not every listing can filter by name, and compute's name filter is a regular expression.
        for item in getattr(proxy, f"{kind.word}s")(**own):
            if item.name == begun.name and ownership.in_project(item, self.project, kind.tagging):
                what = f"{begun.type.rpartition(':')[2]} {item.name} ({item.id})"
                yield Found(what, item.id, partial(remove, item), ownership.doubt(item, begun))

    def _volumes(self, begun: Begun) -> Iterator[Found]:
        """Nobody can tell one from a volume that somebody has kept on purpose; and a second one does no harm."""
        for item in self._connection.block_storage.volumes(name=begun.name):
            if item.project_id in (None, self.project):
                yield Found(f"Volume {item.name} ({item.id})", item.id, doubt="it may hold data")

    def _addresses(self, begun: Begun) -> Iterator[Found]:
        """A floating IP has no name, and one that was kept on purpose looks the same."""
        for item in self._connection.network.ips(project_id=self.project):
            theirs = bool(set(item.tags or []) - set(begun.inputs.get("tags") or []))
            if item.project_id == self.project and not item.port_id and not theirs:
                what = f"FloatingIp {item.floating_ip_address} ({item.id})"
                doubt = "somebody may have kept it, for DNS names lead to such addresses"
                yield Found(what, item.id, doubt=doubt)

    def _rules(self, begun: Begun, known: Collection[str]) -> Iterator[Found]:
        inputs, network = begun.inputs, self._connection.network
        if inputs.get("securityGroupId") not in known:
            return  # A group that the state does not know is not ours.
        wanted = {
            "protocol": inputs.get("protocol"),
            "port_range_min": inputs.get("portRangeMin"),
            "port_range_max": inputs.get("portRangeMax"),
            "remote_ip_prefix": inputs.get("remoteIpPrefix"),
            "remote_group_id": inputs.get("remoteGroupId"),
        }
        for rule in network.security_group_rules(security_group_id=inputs["securityGroupId"], direction="ingress"):
            if all(getattr(rule, key) == value for key, value in wanted.items()):
                yield Found(f"SecGroupRule {rule.id}", rule.id, partial(network.delete_security_group_rule, rule))

    def _interfaces(self, begun: Begun, known: Collection[str]) -> Iterator[Found]:
        network, router, subnet = self._connection.network, begun.inputs.get("routerId"), begun.inputs.get("subnetId")
        if router not in known or subnet not in known:
            return  # A router or subnet that the state does not know is not ours.
        for port in network.ports(device_id=router, device_owner="network:router_interface"):
            if any(fixed["subnet_id"] == subnet for fixed in port.fixed_ips):
                # By its port: another interface that has replaced it meanwhile is another port.
                remove = partial(network.remove_interface_from_router, router, port_id=port.id)
                yield Found(f"RouterInterface {port.id}", port.id, remove)

    def _delete_server(self, server: Any) -> None:
        self._connection.compute.delete_server(server)
        self._connection.compute.wait_for_delete(server, interval=1, wait=120)


def connect(provider: dict[str, str], projects: Iterable[str]) -> Cloud:
    """The project that the stack's provider works in. Raises RecoverError when it cannot be asked, or is another one.

    `provider` is the stack's configuration of the provider, `projects` are where its things are by the state.
    """
    from openstack.connection import Connection

    from preflight.credentials import CloudUnreachable, find, log_in

    try:
        access = log_in(find(provider))
    except CloudUnreachable as error:
        raise RecoverError(f"OpenStack cannot be asked, so nothing was deleted: {error}") from error
    if set(projects) - {access.project_id}:
        raise RecoverError(
            f"the credentials are for the project {access.project_id}, and the stack's things are in "
            f"{', '.join(sorted(projects))}: nothing was deleted; set OS_CLOUD (or OS_PROJECT_NAME) as for `pulumi up`"
        )
    place = {"region_name": access.region} if access.region else {}
    return Cloud(Connection(session=access.session, interface=access.interface, **place), access.project_id)
