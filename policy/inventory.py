"""What a platform is made of: tags, members of etcd, its version of Kubernetes."""

from collections.abc import Sequence
from datetime import date

from policy.record import INSTANCE, PLATFORM, Facts, Found, Problems, Record, Rule
from settings import names
from settings.versions import RELEASES, support_ends

#: Types of OpenStack that have tags; server groups, key pairs, rules, attachments and associations have none.
TAGGABLE = (
    INSTANCE,
    "openstack:loadbalancer/listener:Listener",
    "openstack:loadbalancer/loadBalancer:LoadBalancer",
    "openstack:networking/floatingIp:FloatingIp",
    "openstack:networking/network:Network",
    "openstack:networking/port:Port",
    "openstack:networking/router:Router",
    "openstack:networking/secGroup:SecGroup",
    "openstack:networking/subnet:Subnet",
)


def tags(record: Record, facts: Facts) -> Problems:
    """Resources without the tag by which the platform finds its own."""
    wanted = names.tag(facts.cluster)
    if wanted not in (record.props.get("tags") or ()):
        yield f"does not have the tag {wanted}", "pass tags to it in its component"


def quorum(records: Sequence[Record], _: Facts) -> Found:
    """An even number of etcd's members."""
    members = [record for record in records if record.type == INSTANCE and record.within(":EtcdCluster")]
    if members and len(members) % 2 == 0:
        lost, fix = (len(members) - 1) // 2, "set etcd.count to an odd number"
        problem = f"makes {len(members)} members of etcd, of which {lost} may fail, as with {len(members) - 1}"
        yield members[-1], problem, fix


def support(platform: Record, facts: Facts, today: date | None = None) -> Problems:
    """A minor version of Kubernetes out of support, soon to be, or unknown.

    It only warns: the passing of a day must not stop the repair of a platform that nobody has changed.
    """
    words = support_ends(facts.kubernetes, today or date.today()) if facts.kubernetes else ""
    if words:
        yield f"runs Kubernetes {facts.kubernetes}, {words}", f"set kubernetes.version to a newer one ({RELEASES})"


RULES = (
    Rule("tagged", "Everything that can have tags has that of its platform.", tags, TAGGABLE),
    Rule("odd-quorum", "etcd has an odd number of members.", check_plan=quorum),
    Rule("kubernetes-in-support", "Kubernetes gets security fixes.", support, (PLATFORM,), mandatory=False),
)
