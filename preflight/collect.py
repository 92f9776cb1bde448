"""Collects everything that the checks need from the cloud, in parallel, with GETs only."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from preflight import parsers, planned
from preflight.cloud import Cloud, Existing, Kind, Quota, Unknown
from preflight.credentials import CONNECTIONS, Access
from preflight.parsers import Entry
from preflight.reader import NoAnswer, Parameters, Reader
from settings import names
from settings.platform import Platform

#: Seconds for all questions together.
ANSWER_SECONDS: Final = 30.0
#: What is read where only names and owners count; a large platform has thousands of ports.
_OWNERS: Final = [("fields", name) for name in ("id", "name", "tags", "project_id")]
_NETWORKS: Final = [*_OWNERS, *(("fields", name) for name in ("router:external", "shared", "mtu"))]

#: A question. Its answer is fields of `Cloud`.
Question = Callable[[], Mapping[str, Any]]


def collect(access: Access, platform: Platform | None = None, seconds: float = ANSWER_SECONDS) -> Cloud:
    """The cloud's facts, about a platform or, with None, what it offers to anyone.

    What a service does not say is in `unknown`. Nothing is raised for it.
    """
    return _Collector(access, platform, seconds).run()


class _Collector:
    """One round of questions."""

    def __init__(self, access: Access, platform: Platform | None, seconds: float) -> None:
        self._access, self._platform, self._reader = access, platform, Reader(access, seconds)
        self._own = [("project_id", access.project_id)]
        self._names = planned.names_by_kind(platform) if platform else {}
        self._tag = names.tag(platform.cluster) if platform else ""

    def run(self) -> Cloud:
        """All questions, and what is made of their answers."""
        facts: dict[str, Any] = {"project_id": self._access.project_id, "services": self._access.services}
        quotas: dict[str, Quota] = {}
        existing: list[Existing] = []
        unknown: list[Unknown] = []
        questions = self._questions()
        with ThreadPoolExecutor(min(CONNECTIONS, len(questions)), "preflight") as pool:
            pending = {what: pool.submit(question) for what, question in questions.items()}
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

    def _questions(self) -> dict[str, Question]:
        """Every question that makes sense, by what people call it."""
        listing, own = self._listing, self._own
        services, project = self._access.services, self._access.project_id
        images = ",".join(f'"{name}"' for name in sorted(self._images()))
        questions: dict[str, Question] = {
            "flavors": lambda: listing("compute", "/flavors/detail", flavors=parsers.flavor),
            "images": lambda: listing(
                "image", "/images", [("name", f"in:{images}")] if images else [], images=parsers.image
            ),
            "networks": lambda: listing("network", "/networks", _NETWORKS, "network", networks=parsers.network),
            "subnets": lambda: listing("network", "/subnets", [("ip_version", "4")], "subnet", subnets=parsers.subnet),
            "floating IPs": lambda: listing(
                "network", "/floatingips", own, "floating ip", floating_ips=parsers.floating_ip
            ),
            "availability zones": lambda: {"zones": self._zones("compute")},
            "quota of compute": self._compute_quotas,
            "quota of network": lambda: self._quotas("network", f"/quotas/{project}/details.json", "quota"),
            "extensions of network": self._extensions,
        }
        if self._platform:
            plan = self._platform.plan
            addresses = (plan.public_vip, plan.private_vip, *(gateway.edge_address for gateway in plan.gateways))
            on_addresses = [("fixed_ips", f"ip_address={address}") for address in addresses if address]
            tagged = [("tags", self._tag), *own, *_OWNERS]
            questions |= {
                "servers": self._servers,
                "ports": lambda: listing("network", "/ports", tagged, "port"),
                "ports of the VIPs": lambda: listing("network", "/ports", on_addresses, ports=parsers.port),
                "routers": lambda: self._named("/routers", "router"),
                "security groups": lambda: self._named("/security-groups", "security group"),
            }
        if services & {"block-storage", "volumev3", "block-store"} and self._wants("volume"):
            questions |= {
                "volume types": lambda: {"volume_types": self._each_name("volume", "/types", "volume_types")},
                "volume zones": lambda: {"volume_zones": self._zones("volume")},
                "quota of volumes": lambda: self._quotas(
                    "volume", f"/os-quota-sets/{project}", "quota_set", [("usage", "true")]
                ),
                "volumes": lambda: listing("volume", "/volumes/detail", kind="volume"),
            }
        if "load-balancer" in services and self._wants("load balancer"):
            questions |= {
                "load balancers": self._load_balancers,
                "load balancer providers": lambda: {
                    "load_balancer_providers": self._each_name("load-balancer", "/lbaas/providers", "providers")
                },
            }
        return questions

    def _wants(self, kind: Kind) -> bool:
        """Whether the platform has such a thing; without a platform everything is of interest."""
        return self._platform is None or bool(self._names[kind])

    def _images(self) -> frozenset[str]:
        """Names of the images in use; without a platform none, and all images are read."""
        settings = self._platform.settings.roles if self._platform else {}
        return frozenset(machines.image for machines in settings.values())

    # What several services answer in the same way

    def _listing(
        self,
        service: str,
        path: str,
        parameters: Parameters = (),
        kind: Kind | None = None,
        **parse: Callable[[Entry], object],
    ) -> Mapping[str, Any]:
        """A listing as the fields that `parse` names; if it is of a `kind`, also what in it is the platform's."""
        entries = list(self._reader.pages(service, path, parameters))
        facts: dict[str, Any] = {field: tuple(map(read, entries)) for field, read in parse.items()}
        return facts | ({"existing": self._existing(kind, entries)} if kind else {})

    def _named(self, path: str, kind: Kind) -> Mapping[str, Any]:
        """Those of the platform's names: a project may have many others, and neutron takes its time for each."""
        wanted = [("name", name) for name in sorted(self._names[kind])]
        return self._listing("network", path, [*wanted, *self._own, *_OWNERS], kind) if wanted else {}

    def _existing(self, kind: Kind, entries: Iterable[Entry]) -> list[Existing]:
        """Those with a name or the tag of the platform. An administrator is shown other projects' things, too."""
        mine = (entry for entry in entries if parsers.owner(entry) in ("", self._access.project_id))
        found = [parsers.existing(kind, entry) for entry in mine]
        return [one for one in found if one.name in self._names.get(kind, ()) or self._tag in one.tags]

    def _zones(self, service: str) -> tuple[str, ...]:
        zones = self._reader.get(service, "/os-availability-zone")["availabilityZoneInfo"]
        return tuple(zone["zoneName"] for zone in zones if zone["zoneState"]["available"])

    def _each_name(self, service: str, path: str, collection: str) -> tuple[str, ...]:
        return tuple(entry["name"] for entry in self._reader.get(service, path)[collection])

    def _quotas(self, service: str, path: str, collection: str, parameters: Parameters = ()) -> Mapping[str, Any]:
        return {"quotas": parsers.quotas_with_usage(self._reader.get(service, path, parameters)[collection])}

    # Nova

    def _compute_quotas(self) -> Mapping[str, Any]:
        pairs = [entry["keypair"] for entry in self._reader.get("compute", "/os-keypairs")["keypairs"]]
        limits = self._reader.get("compute", "/limits")["limits"]["absolute"]
        return {
            "quotas": parsers.compute_quotas(limits, len(pairs)),
            "existing": self._existing("key pair", pairs),
        }

    def _servers(self) -> Mapping[str, Any]:
        """Names and tags by two short listings: nova takes ten times as long for the details."""
        assert self._platform
        tagged = {entry["id"] for entry in self._reader.pages("compute", "/servers", [("tags", self._tag)])}
        named = self._reader.pages("compute", "/servers", [("name", f"^{self._platform.cluster}-")])
        tags = {True: [self._tag], False: []}
        return {"existing": self._existing("server", ({**e, "tags": tags[e["id"] in tagged]} for e in named))}

    def _with_server_groups(self, cloud: Cloud) -> Cloud:
        """With the server groups of our names where the quota is tight: nova looks every member up to list them."""
        quota = cloud.quotas.get("server_groups")
        if quota is None or quota.free is None or quota.free >= len(self._names.get("server group", ())):
            return cloud
        try:
            groups = self._reader.get("compute", "/os-server-groups")["server_groups"]
        except NoAnswer as error:
            return dataclasses.replace(cloud, unknown=(*cloud.unknown, Unknown("server groups", str(error))))
        return dataclasses.replace(cloud, existing=(*cloud.existing, *self._existing("server group", groups)))

    # Glance

    def _with_image_names(self, cloud: Cloud) -> Cloud:
        """With the names of other images when one is missing: a second question, and only then."""
        if cloud.images is None or self._images() <= {image.name for image in cloud.images}:
            return cloud
        try:
            page = self._reader.get("image", "/images", [("limit", "200"), ("status", "active")])["images"]
        except NoAnswer:
            return cloud
        return dataclasses.replace(cloud, image_names=tuple(sorted({entry["name"] for entry in page if entry["name"]})))

    # Neutron

    def _extensions(self) -> Mapping[str, Any]:
        entries = self._reader.get("network", "/extensions", [("fields", "alias")])["extensions"]
        return {"extensions": frozenset(entry["alias"] for entry in entries)}

    # Octavia

    def _load_balancers(self) -> Mapping[str, Any]:
        found = list(self._reader.pages("load-balancer", "/lbaas/loadbalancers", self._own))
        limit = self._reader.get("load-balancer", f"/lbaas/quotas/{self._access.project_id}")["quota"]["load_balancer"]
        return {
            "existing": self._existing("load balancer", found),
            "quotas": [Quota("load_balancer", -1 if limit is None else int(limit), len(found))],
        }
