"""Certificates: how long they are valid, when they are renewed, and which authorities issue them."""

from typing import Annotated

from pydantic import Field

from settings.model import Section, Whole, text
from settings.names import FIRST

#: The name of one of several keys that replace each other over time.
Generation = Annotated[
    str, text(r"^[a-z0-9]{1,10}$", "must be 1 to 10 lower-case letters and digits", 'count them: "1", "2", ...')
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
    """Generations of the certificate authorities: the cluster's, etcd's and the front proxy's together.

    A new generation takes over in three runs of `pulumi up` (docs/rotation.md).
    """

    issuing: Generation = FIRST
    """The generation that signs certificates. The previous `up` must have made it trusted."""
    trusted: tuple[Generation, ...] = (FIRST,)
    """The generations whose certificates are accepted."""


class CertificateSettings(Section):
    """Certificates of the machines, of Kubernetes' own components and of the administrator."""

    epoch: Epoch = ""
    """A new word here reissues every certificate, with new keys. The authorities stay."""
    leaf_validity_hours: Whole = Field(8760, ge=1, le=87600)
    """How long a new certificate is valid. The default is a year, as in kubeadm."""
    renewal_hours: Whole = Field(1440, ge=1, le=43800)
    """A certificate that expires within this many hours is renewed by the next `pulumi up`."""
    authorities: AuthoritySettings = AuthoritySettings()
    """Which authorities issue certificates, and which are trusted."""
