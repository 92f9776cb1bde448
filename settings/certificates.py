"""Certificates: how long they live, when they are renewed, and which authorities issue and are trusted."""

from typing import Annotated

from pydantic import Field

from settings.model import Section, Whole, text
from settings.names import FIRST

#: The name of one of several keys that do the same work one after another.
Generation = Annotated[
    str,
    text(
        r"^[a-z0-9]{1,10}$",
        "must be 1 to 10 lower-case letters and digits",
        'count them: "1", "2", ...',
    ),
]
Epoch = Annotated[
    str,
    text(
        r"^([a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?)?$",
        "must be empty or 1 to 20 lower-case letters, digits and dashes, no dash first or last",
        "write it as 2027-01",
    ),
]


class AuthoritySettings(Section):
    """Generations of the certificate authorities, by name: of the cluster, of etcd and of the front proxy together.

    Others take their place in three `pulumi up` (docs/rotation.md).
    """

    issuing: Generation = FIRST
    """The generation that signs certificates. It must be trusted since the `up` before."""
    trusted: tuple[Generation, ...] = (FIRST,)
    """The generations whose certificates are accepted."""


class CertificateSettings(Section):
    """Certificates of the machines, of Kubernetes' own components and of the administrator."""

    epoch: Epoch = ""
    """Another word here issues every certificate anew, with new keys; the authorities stay."""
    leaf_validity_hours: Whole = Field(8760, ge=1, le=87600)
    """How long a new certificate is valid; a year, as kubeadm has it."""
    renewal_hours: Whole = Field(1440, ge=1, le=43800)
    """A certificate that ends within so many hours is renewed by the next `pulumi up`."""
    authorities: AuthoritySettings = AuthoritySettings()
    """Which authorities issue, and which are trusted."""
