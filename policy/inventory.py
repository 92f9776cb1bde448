"""What a platform is made of: tags, members of etcd, its version of Kubernetes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from policy.record import INSTANCE, PLATFORM, Facts, Found, Record, Rule
from settings import names
from settings.versions import RELEASES, support_ends

#: Types of OpenStack that have tags; server groups, key pairs, rules, attachments and associations have none.
TAGGABLE = frozenset(
    {
        INSTANCE,
        "openstack:loadbalancer/listener:Listener",
        "openstack:loadbalancer/loadBalancer:LoadBalancer",
        "openstack:networking/floatingIp:FloatingIp",
        "openstack:networking/network:Network",
        "openstack:networking/port:Port",
        "openstack:networking/router:Router",
        "openstack:networking/secGroup:SecGroup",
        "openstack:networking/subnet:Subnet",
    }
)


def tags(records: Sequence[Record], facts: Facts) -> Found:
    """Resources without the tag by which the platform finds its own."""
    wanted = names.tag(facts.cluster)
    for record in records:
        if record.type in TAGGABLE and wanted not in (record.props.get("tags") or ()):
            yield record, f"has not the tag {wanted}", "pass tags to it in its component"


def quorum(records: Sequence[Record], _: Facts) -> Found:
    """An even number of etcd's members."""
    members = [record for record in records if record.type == INSTANCE and record.within(":EtcdCluster")]
    if members and len(members) % 2 == 0:
        lost = (len(members) - 1) // 2
        yield (
            members[-1],
            f"makes {len(members)} members of etcd, of which {lost} may fail, as of {len(members) - 1}",
            "set etcd.count to an odd number",
        )


def support(today: Callable[[], date]) -> Callable[[Sequence[Record], Facts], Found]:
    """The rule of Kubernetes' end of life on the day that `today` gives.

    It only warns: the passing of a day must not stop the repair of a platform that nobody has changed.
    """

    def check(records: Sequence[Record], facts: Facts) -> Found:
        """A minor version out of support, soon to be, or unknown."""
        words = support_ends(facts.kubernetes, today()) if facts.kubernetes else ""
        for record in records:
            if record.type == PLATFORM and words:
                fix = f"set kubernetes.version to a newer one ({RELEASES})"
                yield record, f"runs Kubernetes {facts.kubernetes}, {words}", fix

    return check


RULES = (
    Rule("tagged", "Everything that can have tags has that of its platform.", tags),
    Rule("odd-quorum", "etcd has an odd number of members.", quorum, each=False),
    Rule("kubernetes-in-support", "Kubernetes gets security fixes.", support(date.today), mandatory=False),
)
