"""Collects everything that the checks need from the cloud, in parallel, with GETs only."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from preflight import parsers
from preflight.cloud import Cloud, Existing, Kind, Quota, Unknown
from preflight.credentials import CONNECTIONS, Access
from preflight.query import Query, query
from preflight.reader import NoAnswer, Reader
from settings.platform import Platform

#: Seconds for all questions together.
ANSWER_SECONDS: Final = 30.0
#: What is read where only names and owners count; a large platform has thousands of ports.
_WHOSE: Final = [("fields", name) for name in ("id", "name", "tags", "project_id")]
_NETWORK_FIELDS: Final = [*_WHOSE, *(("fields", name) for name in ("router:external", "shared", "mtu"))]


def collect(access: Access, about: Platform | Query | None = None, seconds: float = ANSWER_SECONDS) -> Cloud:
    """The cloud's facts, about a platform or, with None, what it offers to anyone.

    What a service does not say is in `unknown`. Nothing is raised for it.
    """
    what = query(about) if isinstance(about, Platform) else about or Query()
    return _Inquiry(access, what, seconds).run()


class _Inquiry:
    """One round of questions; each method is a question whose answer is the fields of `Cloud` that it fills."""

    def __init__(self, access: Access, about: Query, seconds: float) -> None:
        self._access, self._about = access, about
        self._reader = Reader(access, seconds)
        self._own = [("project_id", access.project_id)]

    def run(self) -> Cloud:
        """All questions, and what is made of their answers."""
        questions = self._questions()
        with ThreadPoolExecutor(min(CONNECTIONS, len(questions)), "preflight") as pool:
            pending = {what: pool.submit(question) for what, question in questions.items()}
            facts: dict[str, Any] = {"project_id": self._access.project_id, "services": self._access.services}
            quotas: dict[str, Quota] = {}
            existing: list[Existing] = []
            unknown: list[Unknown] = []
            for what, future in pending.items():
                try:
                    answer = dict(future.result())
                except NoAnswer as error:
                    unknown.append(Unknown(what, str(error)))
                    continue
                quotas |= {quota.name: quota for quota in answer.pop("quotas", ())}
                existing += answer.pop("existing", ())
                facts |= answer
        cloud = Cloud(**facts, quotas=quotas, existing=tuple(existing), unknown=tuple(unknown))
        return self._with_image_names(self._with_server_groups(cloud))

    def _questions(self) -> dict[str, Callable[[], Mapping[str, Any]]]:
        """Every question that makes sense, by what people call it."""
        questions: dict[str, Callable[[], Mapping[str, Any]]] = {
            "flavors": self._flavors,
            "images": self._images,
            "networks": self._networks,
            "subnets": self._subnets,
            "floating IPs": self._floating_ips,
            "availability zones": self._zones,
            "quota of compute": self._compute_quotas,
            "quota of network": self._network_quotas,
            "extensions of network": self._extensions,
        }
        if self._about.cluster:
            questions |= {
                "servers": self._servers,
                "ports": self._ports,
                "ports of the VIPs": self._vip_ports,
                "routers": lambda: self._named("router", "/routers", "routers"),
                "security groups": lambda: self._named("security group", "/security-groups", "security_groups"),
            }
        services = self._access.services
        if services & {"block-storage", "volumev3", "block-store"} and (self._about.volumes or not self._about.cluster):
            questions |= {
                "volume types": self._volume_types,
                "volume zones": self._volume_zones,
                "quota of volumes": self._volume_quotas,
                "volumes": self._volumes,
            }
        if "load-balancer" in services and (self._about.octavia or not self._about.cluster):
            questions |= {"load balancers": self._load_balancers, "load balancer providers": self._providers}
        return questions

    # Nova

    def _flavors(self) -> Mapping[str, Any]:
        return {"flavors": tuple(map(parsers.flavor, self._reader.pages("compute", "/flavors/detail", "flavors")))}

    def _zones(self) -> Mapping[str, Any]:
        zones = self._reader.get("compute", "/os-availability-zone")["availabilityZoneInfo"]
        return {"zones": tuple(zone["zoneName"] for zone in zones if zone["zoneState"]["available"])}

    def _compute_quotas(self) -> Mapping[str, Any]:
        pairs = [entry["keypair"] for entry in self._reader.get("compute", "/os-keypairs")["keypairs"]]
        limits = self._reader.get("compute", "/limits")["limits"]["absolute"]
        wanted = self._about.names.get("key pair", frozenset())
        ours = [parsers.existing("key pair", pair) for pair in pairs if pair["name"] in wanted]
        return {"quotas": parsers.compute_quotas(limits, len(pairs)), "existing": ours}

    def _servers(self) -> Mapping[str, Any]:
        """Names and tags by two short listings: nova takes ten times as long for the details."""
        tagged = {entry["id"] for entry in self._servers_with("tags", self._about.tag)}
        named = self._servers_with("name", f"^{self._about.cluster}-")
        tags = {True: [self._about.tag], False: []}
        return {"existing": [parsers.existing("server", {**e, "tags": tags[e["id"] in tagged]}) for e in named]}

    def _servers_with(self, key: str, value: str) -> Iterator[dict[str, Any]]:
        return self._reader.pages("compute", "/servers", "servers", [(key, value)])

    def _with_server_groups(self, cloud: Cloud) -> Cloud:
        """With the server groups of our names where the quota is tight: nova looks every member up to list them."""
        wanted, quota = self._about.names.get("server group", frozenset()), cloud.quotas.get("server_groups")
        if quota is None or quota.free is None or quota.free >= len(wanted):
            return cloud
        try:
            groups = self._reader.get("compute", "/os-server-groups")["server_groups"]
        except NoAnswer as error:
            return dataclasses.replace(cloud, unknown=(*cloud.unknown, Unknown("server groups", str(error))))
        ours = self._by_name("server group", groups)
        return dataclasses.replace(cloud, existing=(*cloud.existing, *ours))

    # Glance

    def _images(self) -> Mapping[str, Any]:
        names = ",".join(f'"{name}"' for name in sorted(self._about.images))
        parameters = [("name", f"in:{names}")] if names else []
        found = self._reader.pages("image", "/images", "images", parameters)
        return {"images": tuple(map(parsers.image, found))}

    def _with_image_names(self, cloud: Cloud) -> Cloud:
        """With the names of other images when one is missing: a second question, and only then."""
        if cloud.images is None or self._about.images <= {image.name for image in cloud.images}:
            return cloud
        try:
            page = self._reader.get("image", "/images", [("limit", "200"), ("status", "active")])["images"]
        except NoAnswer:
            return cloud
        return dataclasses.replace(cloud, image_names=tuple(sorted({entry["name"] for entry in page if entry["name"]})))

    # Neutron

    def _networks(self) -> Mapping[str, Any]:
        """External ones, the project's own and those shared with it: neutron shows no other."""
        entries = list(self._reader.pages("network", "/networks", "networks", _NETWORK_FIELDS))
        ours = self._by_name("network", [entry for entry in entries if self._mine(entry)])
        return {"networks": tuple(map(parsers.network, entries)), "existing": ours}

    def _subnets(self) -> Mapping[str, Any]:
        entries = list(self._reader.pages("network", "/subnets", "subnets", [("ip_version", "4")]))
        ours = self._by_name("subnet", [entry for entry in entries if self._mine(entry)])
        return {"subnets": tuple(map(parsers.subnet, entries)), "existing": ours}

    def _floating_ips(self) -> Mapping[str, Any]:
        entries = self._reader.pages("network", "/floatingips", "floatingips", self._own)
        found = tuple(map(parsers.floating_ip, entries))
        return {
            "floating_ips": found,
            "existing": [
                Existing("floating ip", ip.address, ip.id, ip.tags) for ip in found if self._about.tag in ip.tags
            ],
        }

    def _ports(self) -> Mapping[str, Any]:
        """Those with the platform's tag."""
        parameters = [("tags", self._about.tag), *self._own, *_WHOSE]
        found = [
            parsers.existing("port", entry) for entry in self._reader.pages("network", "/ports", "ports", parameters)
        ]
        return {"existing": [port for port in found if self._about.tag in port.tags]}

    def _vip_ports(self) -> Mapping[str, Any]:
        """Those on the addresses of the VIPs, in whatever network that the project may see."""
        addresses = [("fixed_ips", f"ip_address={address}") for address in self._about.vip_addresses]
        return {"ports": tuple(map(parsers.port, self._reader.pages("network", "/ports", "ports", addresses)))}

    def _named(self, kind: Kind, path: str, collection: str) -> Mapping[str, Any]:
        """Those of the platform's names: a project may have many others, and neutron takes its time for each."""
        wanted = [("name", name) for name in sorted(self._about.names[kind])]
        if not wanted:
            return {}
        parameters = [*wanted, *self._own, *_WHOSE]
        return {"existing": self._by_name(kind, self._reader.pages("network", path, collection, parameters))}

    def _network_quotas(self) -> Mapping[str, Any]:
        project = self._access.project_id
        return {
            "quotas": parsers.network_quotas(self._reader.get("network", f"/quotas/{project}/details.json")["quota"])
        }

    def _extensions(self) -> Mapping[str, Any]:
        entries = self._reader.get("network", "/extensions", [("fields", "alias")])["extensions"]
        return {"extensions": frozenset(entry["alias"] for entry in entries)}

    # Cinder and octavia

    def _volume_types(self) -> Mapping[str, Any]:
        return {"volume_types": tuple(entry["name"] for entry in self._reader.get("volume", "/types")["volume_types"])}

    def _volume_zones(self) -> Mapping[str, Any]:
        zones = self._reader.get("volume", "/os-availability-zone")["availabilityZoneInfo"]
        return {"volume_zones": tuple(zone["zoneName"] for zone in zones if zone["zoneState"]["available"])}

    def _volume_quotas(self) -> Mapping[str, Any]:
        path = f"/os-quota-sets/{self._access.project_id}"
        return {"quotas": parsers.volume_quotas(self._reader.get("volume", path, [("usage", "true")])["quota_set"])}

    def _volumes(self) -> Mapping[str, Any]:
        """Cinder has no tags; metadata of the same key and value stands for them."""
        found = []
        for entry in self._reader.pages("volume", "/volumes/detail", "volumes"):
            tags = [":".join(item) for item in (entry.get("metadata") or {}).items()]
            found.append({**entry, "tags": tags})
        return {"existing": self._by_name("volume", found)}

    def _load_balancers(self) -> Mapping[str, Any]:
        found = list(self._reader.pages("load-balancer", "/lbaas/loadbalancers", "loadbalancers", self._own))
        limit = self._reader.get("load-balancer", f"/lbaas/quotas/{self._access.project_id}")["quota"]["load_balancer"]
        return {
            "existing": self._by_name("load balancer", found),
            "quotas": [Quota("load_balancer", -1 if limit is None else int(limit), len(found))],
        }

    def _providers(self) -> Mapping[str, Any]:
        entries = self._reader.get("load-balancer", "/lbaas/providers")["providers"]
        return {"load_balancer_providers": tuple(entry["name"] for entry in entries)}

    def _mine(self, entry: Mapping[str, Any]) -> bool:
        """Whether the project owns it; an administrator is shown everyone's."""
        return self._access.project_id in (entry.get("project_id"), entry.get("tenant_id"))

    def _by_name(self, kind: Kind, entries: Any) -> Sequence[Existing]:
        """Those with the platform's name in front, or with its tag."""
        if not self._about.cluster:
            return []
        found = [parsers.existing(kind, entry) for entry in entries]
        return [e for e in found if e.name.startswith(f"{self._about.cluster}-") or self._about.tag in e.tags]
