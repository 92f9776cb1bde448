"""The base of every section: camelCase keys as in stack files, no unknown key, values that do not change."""

from ipaddress import IPv4Network
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints
from pydantic.alias_generators import to_camel


class Section(BaseModel):
    """One section of the configuration."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


def _is_private_sized(network: IPv4Network) -> IPv4Network:
    if network.prefixlen > 28:
        raise ValueError("must hold at least 16 addresses (/28 or larger)")
    return network


#: An IPv4 network in CIDR form, host bits zero, at least a /28.
Cidr = Annotated[IPv4Network, AfterValidator(_is_private_sized)]

#: A label of a host name and part of an OpenStack name: RFC 1123, and short, so that whole node names stay below 63.
Name = Annotated[str, StringConstraints(pattern=r"^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$")]

#: A key of a machine inside its role or pool.
Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?$")]
