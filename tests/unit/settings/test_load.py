"""Settings that are right: presets, overrides, what Pulumi hands over, and who may reach what."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from settings.load import parse
from settings.presets import PRESETS
from settings.reference import project_file
from settings.running import numbered_rules
from settings.security import Rule, former_name, table
from settings.stack_file import ENCRYPTED, SECRETS

PROJECT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_a_whole_platform_without_a_warning(preset: str) -> None:
    platform = parse({"preset": preset}, "test")
    assert platform.plan.machines
    assert len({machine.address for machine in platform.plan.machines}) == len(platform.plan.machines)
    assert platform.warnings == ()


def test_an_empty_stack_file_is_the_preset_dev() -> None:
    assert parse({}, "mine") == parse({"preset": "dev"}, "mine")


def test_a_key_of_the_stack_overrides_its_preset() -> None:
    platform = parse({"preset": "production", "etcd": {"count": 5}}, "prod")
    assert len(platform.plan.etcd) == 5
    assert platform.settings.control_planes.count == 3


def test_a_named_pool_replaces_the_preset_s_pool() -> None:
    assert list(parse({"workers": {"mine": {"count": 3}}}, "dev").settings.workers) == ["mine"]


def test_objects_come_as_json_and_empty_values_are_defaults() -> None:
    written = {"network": {"mtu": 1400, "pods": "10.64.0.0/16"}, "workers": {"a": {"count": 2, "labels": {"x": "y"}}}}
    handed = {key: json.dumps(value, sort_keys=True) for key, value in written.items()}
    assert parse({**handed, "clusterName": "", "etcd": "{}"}, "dev") == parse(written, "dev")


def test_what_pulumi_fills_in_is_left_to_the_preset() -> None:
    filled_in = {key: known["default"] for key, known in project_file.config().items()}
    for preset in PRESETS:
        assert parse({**filled_in, "preset": preset}, "dev") == parse({"preset": preset}, "dev")


def test_secrets_have_no_type_or_the_engine_wants_their_empty_default_encrypted() -> None:
    config = yaml.safe_load((PROJECT / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]
    for key in SECRETS:
        assert {name: config[key].get(name) for name in ("secret", "default", "type")} == {
            "secret": True,
            "default": "",
            "type": None,
        }


def test_an_empty_section_is_left_to_the_preset() -> None:
    assert parse({"workers": "{}", "network": {}}, "dev") == parse({}, "dev")


def test_settings_import_nothing_heavy() -> None:
    """They are read before the cloud is asked and before Pulumi's SDKs are loaded: every run waits for it."""
    command = "import sys, settings.load; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", command], cwd=PROJECT, text=True, capture_output=True, check=True)
    roots = {name.split(".")[0] for name in loaded.stdout.split()}
    assert "settings" in roots
    assert not roots & {"pulumi", "yaml", "jinja2", "openstack", "difflib", "asyncio", "grpc", "requests"}


def test_secret_keys_are_never_read() -> None:
    assert ENCRYPTED not in repr(parse({"databaseRootPassword": ENCRYPTED}, "dev"))


def test_the_cluster_is_called_as_the_stack_unless_it_is_named() -> None:
    assert parse({}, "dev").cluster == "dev"
    assert parse({"clusterName": "mine"}, "My_Stack").cluster == "mine"


@pytest.mark.parametrize("name", ["dev", "prod", "lab"])
def test_committed_stacks_are_right(name: str) -> None:
    document = yaml.safe_load((PROJECT / f"Pulumi.{name}.yaml").read_text(encoding="utf-8"))["config"]
    parse({key.removeprefix("openstack-paas:"): value for key, value in document.items()}, name)


def test_security_table_lets_only_gateways_and_members_in() -> None:
    platform = parse({"preset": "production"}, "prod")
    rules = table(platform.settings, platform.plan)
    etcd = {(rule.name, rule.first_port, rule.source or rule.cidr) for rule in rules if rule.group == "etcd"}
    assert etcd == {
        ("ssh", 22, "10.20.0.12/30"),
        ("icmp", 0, "10.20.0.0/22"),
        ("peers", 2379, "etcd"),
        ("clients", 2379, "control-plane"),
    }
    open_to_all = {(rule.group, rule.first_port) for rule in rules if rule.cidr == "0.0.0.0/0"}
    assert open_to_all == {("gateway", 22), ("gateway", 6443), ("ingress", 80), ("ingress", 443), ("ingress", 0)}


def test_node_ports_are_for_the_private_network_alone() -> None:
    platform = parse({"preset": "production"}, "prod")
    rules = [rule for rule in table(platform.settings, platform.plan) if rule.group == "node"]
    ports = [(rule.protocol, rule.cidr) for rule in rules if (rule.first_port, rule.last_port) == (30000, 32767)]
    assert ports == [("tcp", "10.20.0.0/22"), ("udp", "10.20.0.0/22")]


def rules_of(*cidrs: str) -> list[Rule]:
    """Those of lists, with this list for SSH and for ingress."""
    access = {"sshCidrs": list(cidrs), "ingressCidrs": list(cidrs)}
    platform = parse({"access": access}, "dev")
    return [rule for rule in table(platform.settings, platform.plan) if rule.listed]


def test_a_rule_of_a_list_is_named_by_its_range() -> None:
    def names(*cidrs: str) -> set[str]:
        return {f"{rule.group}-{rule.name}" for rule in rules_of(*cidrs) if rule.first_port == 22}

    assert names("192.0.2.0/24", "198.51.100.7/32") == {"gateway-ssh-192.0.2.0-24", "gateway-ssh-198.51.100.7-32"}
    assert names("198.51.100.7/32") == {"gateway-ssh-198.51.100.7-32"}


def test_a_numbered_rule_is_found_by_its_range() -> None:
    """The list of then was in another order, and had a range more."""
    numbered = {
        "gateway-ssh-0": "203.0.113.0/24",
        "gateway-ssh-1": "192.0.2.0/24",
        "ingress-http-0": "192.0.2.0/24",
        "ingress-https-0": "192.0.2.0/24",
        # Of other rules with the same range, and of this release.
        "gateway-api-0": "198.51.100.7/32",
        "node-ssh": "192.0.2.0/24",
        "gateway-ssh-198.51.100.7-32": "198.51.100.7/32",
    }
    former = {
        f"{rule.group}-{rule.name}": former_name(rule, numbered) for rule in rules_of("198.51.100.7/32", "192.0.2.0/24")
    }
    assert former == {
        "gateway-ssh-198.51.100.7-32": "",
        "gateway-ssh-192.0.2.0-24": "gateway-ssh-1",
        "gateway-api-0.0.0.0-0": "",
        "ingress-http-198.51.100.7-32": "",
        "ingress-http-192.0.2.0-24": "ingress-http-0",
        "ingress-https-198.51.100.7-32": "",
        "ingress-https-192.0.2.0-24": "ingress-https-0",
    }


def test_ranges_of_rules_come_out_of_the_state() -> None:
    urn = "urn:pulumi:dev::openstack-paas::openstack:networking/secGroup:SecGroup$"
    kind = "openstack:networking/secGroupRule:SecGroupRule"
    resources = {
        f"{urn}{kind}::gateway-ssh-0": {"type": kind, "outputs": {"remoteIpPrefix": "192.0.2.0/24"}},
        f"{urn}{kind}::etcd-peers": {"type": kind, "outputs": {"remoteIpPrefix": "", "remoteGroupId": "g"}},
        f"{urn}::gateway": {"type": "openstack:networking/secGroup:SecGroup", "outputs": {}},
    }
    assert numbered_rules(resources) == {"gateway-ssh-0": "192.0.2.0/24"}
