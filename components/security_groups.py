"""Security groups and their rules, as settings.security's table has them."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
from pulumi import Alias, ResourceOptions
from pulumi_openstack import networking

from settings import names, security
from settings.platform import Platform


def security_groups(platform: Platform, tags: Sequence[str], parent: pulumi.Resource) -> dict[str, networking.SecGroup]:
    """The groups by name; a group's rules are its children."""
    rules = security.table(platform.settings, platform.addresses)
    groups = {
        group: networking.SecGroup(
            group,
            name=names.security_group(platform.cluster, group),
            description=f"{group} of {platform.cluster}",
            tags=tags,
            opts=ResourceOptions(parent=parent),
        )
        for group in dict.fromkeys(rule.group for rule in rules)
    }
    for rule in rules:
        source = {"remote_group_id": groups[rule.source].id} if rule.source else {"remote_ip_prefix": rule.cidr}
        ports = {"port_range_min": rule.first_port, "port_range_max": rule.last_port} if rule.first_port else {}
        former = security.former_name(rule, platform.numbered)
        networking.SecGroupRule(
            f"{rule.group}-{rule.name}",
            direction="ingress",
            ethertype="IPv4",
            protocol=rule.protocol,
            security_group_id=groups[rule.group].id,
            **source,
            **ports,
            opts=ResourceOptions(
                parent=groups[rule.group],
                aliases=[Alias(former)] if former else [],
                # A group takes its rules along; the provider would delete them one after another, 5 s each.
                deleted_with=groups[rule.group],
            ),
        )
    return {str(group): resource for group, resource in groups.items()}
