"""What the cloud must already have, by id: external network, flavors, images. The preflight finds it (preflight/)."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Catalog:
    """Ids by name of what the settings name. Everything is empty in a preview whose cloud could not be asked."""

    external_network_id: str = ""
    flavors: dict[str, str] = field(default_factory=dict)
    images: dict[str, str] = field(default_factory=dict)
    external_subnet_id: str = ""
    """The subnet of the external network that the gateways are on; only with `publicVip: provider-network`."""
