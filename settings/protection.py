"""What `pulumi destroy` and replacements must not remove until it is allowed here."""

from settings.model import Section


class ProtectionSettings(Section):
    """Protection from removal and replacement. The preset `production` turns all three on.

    To remove something protected, set its key to false, run `pulumi up`, then make the change.
    """

    etcd: bool = False
    """The members of etcd with their data volumes."""
    database: bool = False
    """The database's release, namespace and passwords, and the volumes of worker pools."""
    vips: bool = False
    """The VIP ports and the API's floating IP: clients and DNS know that address."""
