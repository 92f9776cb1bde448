"""What the stack already runs, from its outputs or its state: changes must fit it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from settings import names
from settings.names import FIRST

#: Value of the output `securityRules`: rules are named by the range that they let in.
BY_RANGE: Final = "by-range"
_INSTANCE: Final = "openstack:compute/instance:Instance"
#: Nova's policy for each `spread`.
SPREADS: Final[Mapping[str, str]] = {"preferred": "soft-anti-affinity", "required": "anti-affinity"}


def spread_of(policies: str) -> str:
    """The `spread` that a server group's policy stands for."""
    return next((spread for spread, policy in SPREADS.items() if policy == policies), "")


@dataclass(frozen=True)
class Generations:
    """The generation of a key that is in use, and all that are accepted. Earlier releases had only the first."""

    used: str = FIRST
    accepted: tuple[str, ...] = (FIRST,)


@dataclass(frozen=True)
class Form:
    """The form of a running machine. Empty: not known, or the cloud's default."""

    flavor: str = ""
    """The flavor's name."""
    flavor_id: str = ""
    zone: str = ""
    group: str = ""
    """Its server group, by its name in the stack."""
    volume: bool = False
    volume_type: str = ""
    volume_gib: int = 0


@dataclass(frozen=True)
class Running:
    """The platform after its last `up`. `fixed` are settings by key that stay while the cluster exists."""

    kubernetes: str = ""
    fixed: Mapping[str, str] = field(default_factory=dict)
    instances: Mapping[str, str] = field(default_factory=dict)
    """Instance id by machine's host name: the machines that are changed one after another."""
    addresses: Mapping[str, str] = field(default_factory=dict)
    """Address in the private network by machine's host name."""
    edge_addresses: Mapping[str, str] = field(default_factory=dict)
    """Address in the edge or provider's network by gateway's host name. Empty for earlier releases."""
    etcd: str = ""
    """Version of etcd, if it is known."""
    authorities: Generations = field(default_factory=Generations)
    ssh_keys: Generations = field(default_factory=Generations)
    rules: str = ""
    """How the resources of security group rules are named. Empty for earlier releases, which numbered them."""
    forms: Mapping[str, Form] = field(default_factory=dict)
    """Forms by machine's host name, as far as they are known."""
    spreads: Mapping[str, str] = field(default_factory=dict)
    """The `spread` of each server group, by its name in the stack."""
    cluster_founders: tuple[str, ...] | None = None
    """Instance ids of the control planes that may initialise the cluster. None when no `up` has ever finished."""
    kubeconfig: str = field(default="", repr=False)
    finished: bool = True
    """Whether an `up` has ever finished. Otherwise only the machines that are ready are known, and what they are."""


def from_outputs(outputs: Mapping[str, Any]) -> Running | None:
    """From the stack's outputs. None when no `up` has ever finished."""
    versions = outputs.get("versions")
    if not versions:
        return None
    inventory, forms = outputs.get("inventory") or [], outputs.get("forms") or {}
    return Running(
        kubernetes=str(versions.get("kubernetes", "")),
        fixed={str(key): str(value) for key, value in (outputs.get("fixedSettings") or {}).items()},
        instances={entry["name"]: entry["instanceId"] for entry in inventory},
        addresses={entry["name"]: str(entry["address"]) for entry in inventory if entry.get("address")},
        edge_addresses={entry["name"]: str(entry["edgeAddress"]) for entry in inventory if entry.get("edgeAddress")},
        etcd=str(versions.get("etcd", "")),
        authorities=_generations(outputs.get("certificates"), "issuing", "trusted"),
        ssh_keys=_generations(outputs.get("sshKeys"), "login", "accepted"),
        rules=str(outputs.get("securityRules", "")),
        forms={name: _form(form) for name, form in (forms.get("machines") or {}).items()},
        spreads=dict(forms.get("spreads") or {}),
        cluster_founders=tuple(map(str, outputs.get("clusterFounders") or ())),
        kubeconfig=str(outputs.get("kubeconfig") or ""),
    )


def founds_cluster(running: Running, control_planes: Collection[str], instance: str) -> bool:
    """Whether the control plane with that instance id may initialise the cluster: the stack had none when it was made.

    `control_planes` are the host names of all. After the first `up` it is the same in every run.
    """
    if running.cluster_founders is not None:
        return instance in running.cluster_founders
    # No `up` has finished. A control plane whose step has ended well has seen the cluster.
    return instance in running.instances.values() or not any(name in running.instances for name in control_planes)


def _generations(output: Mapping[str, Any] | None, used: str, accepted: str) -> Generations:
    """From an output about generations."""
    return Generations(str(output[used]), tuple(map(str, output[accepted]))) if output else Generations()


def _form(form: Mapping[str, Any]) -> Form:
    """From a machine's entry in the output `forms`."""
    volume = form.get("volume") or {}
    return Form(
        flavor=str(form.get("flavor") or ""),
        flavor_id=str(form.get("flavorId") or ""),
        zone=str(form.get("zone") or ""),
        group=str(form.get("group") or ""),
        volume=bool(volume),
        volume_type=str(volume.get("type") or ""),
        volume_gib=int(volume.get("sizeGib") or 0),
    )


def from_resources(resources: Mapping[str, Any]) -> Running | None:
    """What an `up` has created that never finished and so left no outputs. None where no machine is ready.

    A machine counts once its step has run: etcd or the control plane may depend on it from then on.
    """
    steps = {
        name: [str(trigger) for trigger in step.get("triggers") or []]
        for name, step in _outputs(resources, "command:remote:Command").items()
    }
    instances = {
        str(instance["name"]): str(instance["id"])
        for name, instance in _outputs(resources, _INSTANCE).items()
        if str(instance.get("id")) in steps.get(name, ())
    }
    if not instances:
        return None
    output = forms_of_resources(resources)
    forms = {name: _form(form) for name, form in output["machines"].items() if name in instances}
    return Running(finished=False, instances=instances, forms=forms, spreads=output["spreads"])


def _outputs(resources: Mapping[str, Any], kind: str) -> dict[str, Mapping[str, Any]]:
    """The outputs of the resources of one type, by name. `resources` are by URN, as the engine hands them over."""
    return {
        urn.rpartition("::")[2]: resource.get("outputs") or {}
        for urn, resource in resources.items()
        if resource.get("type") == kind
    }


def numbered_rules(resources: Mapping[str, Any]) -> dict[str, str]:
    """The ranges that security group rules let in, by the rules' names. `resources` are all resources by URN."""
    rules = _outputs(resources, "openstack:networking/secGroupRule:SecGroupRule")
    return {name: cidr for name, rule in rules.items() if (cidr := rule.get("remoteIpPrefix"))}


def forms_of_resources(resources: Mapping[str, Any]) -> dict[str, Any]:
    """The output `forms` for a stack of an earlier release, from its resources by URN."""
    groups = _outputs(resources, "openstack:compute/serverGroup:ServerGroup")
    by_id = {str(group.get("id")): name for name, group in groups.items()}
    volumes = {
        name: {"type": volume.get("volumeType"), "sizeGib": volume.get("size")}
        for name, volume in _outputs(resources, "openstack:blockstorage/volume:Volume").items()
    }
    return {
        "machines": {
            str(instance["name"]): {
                "flavor": instance.get("flavorName"),
                "flavorId": instance.get("flavorId"),
                "zone": instance.get("availabilityZone"),
                "group": by_id.get(next((hint.get("group") for hint in instance.get("schedulerHints") or []), "")),
                "volume": volumes.get(names.data_volume(name)),
            }
            for name, instance in _outputs(resources, _INSTANCE).items()
            if instance.get("name")
        },
        "spreads": {name: spread_of(str(group.get("policies"))) for name, group in groups.items()},
    }
