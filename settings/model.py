"""The base of every section: camelCase keys as in stack files, no unknown key, values that do not change."""

from ipaddress import IPv4Network
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints
from pydantic.alias_generators import to_camel


class Section(BaseModel):
    """One section of the configuration. Its docstring and those of its fields are the reference in docs/settings.md."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
    )


#: An IPv4 network in CIDR form with its host bits zero. How large it must be is a check's business.
Cidr = IPv4Network

#: A label of a host name and part of an OpenStack name: RFC 1123, and short, so that whole node names stay below 63.
Name = Annotated[str, StringConstraints(pattern=r"^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$")]

#: A key of a machine inside its pool.
Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?$")]

#: A quantity of bytes as Kubernetes writes them, with a binary unit.
Quantity = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]*(Ki|Mi|Gi|Ti)$")]

#: An absolute path on a machine.
AbsolutePath = Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9._/-]+$")]
