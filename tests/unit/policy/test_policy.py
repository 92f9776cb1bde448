"""Every rule of policy/, both ways; where records come from; what an exemption does."""

import base64
import json
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from machines.common.agent_command import AgentCommand
from policy import check, inventory, keys, rules
from policy.reading import PolicyError, plain, records_of
from policy.record import (
    FLOATING_IP,
    INSTANCE,
    PLATFORM,
    PORT,
    RELEASE,
    RULE,
    UNKNOWN,
    VOLUME,
    Facts,
    Record,
    facts_of,
)
from policy.rules import RULES, exemptions

PRODUCTION = Facts("prod", "prod", "production", "1.35.0")
DEV = replace(PRODUCTION, stack="dev", preset="dev")
TAGS = {"tags": ["openstack-paas:prod"]}
BY_NAME = {rule.name: rule for rule in RULES}


def record(
    kind: str, name: str, within: str = "openstack-paas:index:Platform", protect: bool = False, **props: Any
) -> Record:
    """A resource inside the components `within` (their types, with $ between)."""
    return Record(f"urn:pulumi:prod::openstack-paas::{within}${kind}::{name}", kind, name, props, protect)


def ingress(first: int | None = 22, last: int | None = 22, **props: Any) -> Record:
    """An ingress rule for TCP from anywhere, unless `props` say something else."""
    return record(
        RULE,
        "rule",
        **{"direction": "ingress", "protocol": "tcp", "remoteIpPrefix": "0.0.0.0/0"} | props,
        portRangeMin=first,
        portRangeMax=last,
    )


def members(count: int, **extra: Any) -> list[Record]:
    """Machines of etcd."""
    return [record(INSTANCE, f"etcd-{i}", "openstack-paas:etcd:EtcdCluster", **extra) for i in range(count)]


def rsa(bits: int) -> str:
    """A public key of that many bits, in the form of OpenSSH."""
    parts = [b"ssh-rsa", b"\x01\x00\x01", b"\x00" + (1 << (bits - 1)).to_bytes(bits // 8, "big")]
    return "ssh-rsa " + base64.b64encode(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).decode()


@dataclass(frozen=True)
class State:
    """A desired state, of which a part may be secret."""

    name: str
    key: str = field(repr=False)


SECRET = "never in the open"


def command(key: str) -> AgentCommand:
    """What a machine gets for this state."""
    return AgentCommand("etcd", State("etcd-0", key))


ETCD, POOL, MARIADB = "openstack-paas:etcd:EtcdCluster", "openstack-paas:kubernetes:WorkerPool", "p:addons:MariaDb"
GATEWAYS = "openstack-paas:gateway:Gateways"
KEY = "tls:index/privateKey:PrivateKey"
LEAF, AUTHORITY = "tls:index/locallySignedCert:LocallySignedCert", "tls:index/selfSignedCert:SelfSignedCert"
COMMAND = "command:remote:Command"
KEYPAIR = "openstack:compute/keypair:Keypair"

BAD: list[tuple[str, list[Record], Facts, str]] = [
    ("no-public-ssh", [ingress()], PRODUCTION, "set access.sshCidrs"),
    ("no-public-ssh", [ingress(remoteIpPrefix="::/0")], PRODUCTION, "anyone"),
    ("no-public-ssh", [ingress(remoteIpPrefix="128.0.0.0/1")], PRODUCTION, "anyone"),
    ("no-public-ssh", [ingress(1, 1000)], PRODUCTION, "anyone"),
    ("no-public-ssh", [ingress(None, None, protocol=None)], PRODUCTION, "anyone"),
    ("no-public-ssh", [ingress(remoteIpPrefix="")], PRODUCTION, "anyone"),
    ("no-public-ssh", [ingress()], Facts(), "anyone"),
    ("no-public-api", [ingress(6443, 6443)], PRODUCTION, "set access.apiCidrs"),
    (
        "single-address-pairs",
        [record(PORT, "p", allowedAddressPairs=[{"ipAddress": "10.0.0.0/24"}])],
        DEV,
        "10.0.0.0/24",
    ),
    ("vip-ports-unbound", [record(PORT, "public-vip", deviceId="7c82")], DEV, "bound to a device"),
    ("vip-ports-unbound", [record(PORT, "public-vip", binding={"hostId": "h"})], DEV, "bound to a device"),
    ("ports-guarded", [record(PORT, "worker-0", portSecurityEnabled=False)], DEV, "no port security"),
    ("ports-guarded", [record(PORT, "worker-0", noSecurityGroups=True)], DEV, "no security group"),
    ("ports-guarded", [record(PORT, "gateway-0-edge", GATEWAYS, noSecurityGroups=True)], DEV, "no security group"),
    ("etcd-protected", members(1), PRODUCTION, "set protection.etcd"),
    ("etcd-protected", [*members(1), record(VOLUME, "etcd-0-data", ETCD)], PRODUCTION, "Volume etcd-0-data"),
    ("database-protected", [record(RELEASE, "mariadb", MARIADB)], PRODUCTION, "set protection.database"),
    ("database-protected", [record(VOLUME, "worker-0-data", POOL)], PRODUCTION, "set protection.database"),
    ("vips-protected", [record(PORT, "private-vip")], PRODUCTION, "set protection.vips"),
    ("vips-protected", [record(FLOATING_IP, "api")], PRODUCTION, "set protection.vips"),
    ("vips-protected", [record(FLOATING_IP, "api-load-balancer")], PRODUCTION, "set protection.vips"),
    ("vips-protected", [record("openstack:loadbalancer/loadBalancer:LoadBalancer", "api")], PRODUCTION, "protected"),
    ("backups-on", [record(PLATFORM, "prod")], PRODUCTION, "set backups.etcd.enabled"),
    ("backups-on", [record(PLATFORM, "prod", backups={"etcd": False})], PRODUCTION, "no snapshots of etcd"),
    (
        "backups-on",
        [record(PLATFORM, "prod", backups={"etcd": True, "database": False})],
        PRODUCTION,
        "set backups.database.enabled",
    ),
    ("tagged", [record(INSTANCE, "worker-0", tags=["openstack-paas:other"])], PRODUCTION, "openstack-paas:prod"),
    ("tagged", [record(PORT, "worker-0")], DEV, "does not have the tag"),
    ("odd-quorum", members(4), DEV, "4 members of etcd, of which 1 may fail, as with 3"),
    ("no-plain-secrets", [record(KEY, "k", data={"password": "hunter2"})], DEV, "in data.password"),
    ("no-plain-secrets", [record(COMMAND, "c", create="-----BEGIN PRIVATE KEY-----")], DEV, "in create"),
    ("no-plain-secrets", [record(COMMAND, "c", stdin="H4sI", create="# step\n# a.key secret\n")], DEV, "in stdin"),
    ("no-plain-secrets", [record(COMMAND, "c", stdin="H4sI", create=command(SECRET).script())], DEV, "in stdin"),
    ("no-plain-secrets", [record(COMMAND, "c", stdin="H4sI", delete=command(SECRET).script())], DEV, "in stdin"),
    ("strong-keys", [record(KEY, "k", algorithm="RSA")], DEV, "2048 bits"),
    ("strong-keys", [record(KEY, "k", algorithm="ECDSA")], DEV, "P224"),
    ("strong-keys", [record(KEYPAIR, "k", publicKey=rsa(2048))], DEV, "2048 bits"),
    ("certificate-validity", [record(LEAF, "c", validityPeriodHours=9000, earlyRenewalHours=1)], DEV, "9000 hours"),
    ("certificate-validity", [record(LEAF, "c", validityPeriodHours=8760)], DEV, "not renewed"),
    ("certificate-validity", [record(AUTHORITY, "c", validityPeriodHours=99999, isCaCertificate=True)], DEV, "99999"),
]

GOOD: list[tuple[str, list[Record], Facts]] = [
    ("no-public-ssh", [ingress()], DEV),
    ("no-public-ssh", [ingress(remoteIpPrefix="192.0.2.0/24")], PRODUCTION),
    ("no-public-ssh", [ingress(443, 443)], PRODUCTION),
    ("no-public-ssh", [ingress(protocol="udp")], PRODUCTION),
    ("no-public-ssh", [ingress(direction="egress")], PRODUCTION),
    ("no-public-ssh", [ingress(remoteIpPrefix=None, remoteGroupId="5e")], PRODUCTION),
    ("no-public-api", [ingress(6443, 6443, remoteIpPrefix="192.0.2.0/24")], PRODUCTION),
    ("single-address-pairs", [record(PORT, "p", allowedAddressPairs=[{"ipAddress": "10.0.0.5"}])], DEV),
    ("single-address-pairs", [record(PORT, "p", allowedAddressPairs=[{"ipAddress": "10.0.0.5/32"}])], DEV),
    ("vip-ports-unbound", [record(PORT, "public-vip"), record(PORT, "worker-0", deviceId="7c82")], DEV),
    ("ports-guarded", [record(PORT, "gateway-0", GATEWAYS, portSecurityEnabled=False, noSecurityGroups=True)], DEV),
    ("ports-guarded", [record(PORT, "private-vip", noSecurityGroups=True), record(PORT, "p")], DEV),
    ("etcd-protected", members(3, protect=True), PRODUCTION),
    ("etcd-protected", members(1), DEV),
    ("etcd-protected", [*members(1), record(VOLUME, "etcd-0-data", ETCD, protect=True)], PRODUCTION),
    ("database-protected", [record(RELEASE, "mariadb", MARIADB, protect=True)], PRODUCTION),
    ("database-protected", [record(RELEASE, "calico", "p:addons:Calico")], PRODUCTION),
    ("vips-protected", [record(PORT, "private-vip", protect=True), record(FLOATING_IP, "gateway-0")], PRODUCTION),
    ("backups-on", [record(PLATFORM, "prod", backups={"etcd": True, "database": True})], PRODUCTION),
    ("backups-on", [record(PLATFORM, "prod", backups={"etcd": True})], PRODUCTION),
    ("backups-on", [record(PLATFORM, "dev", backups={"etcd": False, "database": False})], DEV),
    ("tagged", [record(INSTANCE, "worker-0", **TAGS), record(KEYPAIR, "ssh")], PRODUCTION),
    ("odd-quorum", members(3), DEV),
    ("no-plain-secrets", [record(KEY, "k", password="[secret]", existingSecret="name", stdin="")], DEV),
    ("no-plain-secrets", [record(COMMAND, "c", stdin="H4sI", create="# step\n# ca.crt 0a2a5ea7\n")], DEV),
    ("no-plain-secrets", [record(COMMAND, "c", stdin="H4sI", create=command("").script())], DEV),
    ("no-plain-secrets", [record(COMMAND, "c", stdin="[secret]", create=command(SECRET).script())], DEV),
    ("strong-keys", [record(KEY, "k", algorithm="ED25519"), record(KEYPAIR, "k", publicKey=rsa(3072))], DEV),
    ("strong-keys", [record(KEY, "k", algorithm="ECDSA", ecdsaCurve="P256"), record(KEYPAIR, "e", publicKey="x")], DEV),
    ("certificate-validity", [record(LEAF, "c", validityPeriodHours=8760, earlyRenewalHours=1440)], DEV),
    ("certificate-validity", [record(AUTHORITY, "c", validityPeriodHours=87600, isCaCertificate=True)], DEV),
]


@pytest.mark.parametrize(("name", "records", "facts", "words"), BAD)
def test_what_a_rule_forbids(name: str, records: list[Record], facts: Facts, words: str) -> None:
    found = BY_NAME[name].violations(records, facts)
    assert len(found) == 1
    assert words in str(found[0])
    assert found[0].urn in {record.urn for record in records}


@pytest.mark.parametrize(("name", "records", "facts"), GOOD)
def test_what_a_rule_allows(name: str, records: list[Record], facts: Facts) -> None:
    assert BY_NAME[name].violations(records, facts) == []


def test_every_rule_is_tried_both_ways() -> None:
    own = {"kubernetes-in-support"}
    assert {case[0] for case in BAD} | own == BY_NAME.keys() == {case[0] for case in GOOD} | own


@pytest.mark.parametrize(
    ("today", "version", "words"),
    [
        (date(2026, 12, 29), "1.35.0", None),
        (date(2026, 12, 30), "1.35.0", "in support only until 2027-02-28"),
        (date(2027, 2, 28), "1.35.0", "in support only until 2027-02-28"),
        (date(2027, 3, 1), "1.35.4", "out of support since 2027-02-28"),
        (date(2027, 3, 1), "1.99.0", "not in the table"),
        (date(2027, 3, 1), "", None),
    ],
)
def test_kubernetes_in_support(today: date, version: str, words: str | None) -> None:
    found = list(inventory.support(record(PLATFORM, "prod"), replace(DEV, kubernetes=version), today))
    assert [words in problem for problem, _ in found if words] == ([True] if words else [])
    assert bool(found) == bool(words)


def test_facts_come_from_the_platform() -> None:
    platform = record(PLATFORM, "x", cluster="c", preset="dev", kubernetes="1.35.0")
    assert facts_of([record(PORT, "p"), platform]) == Facts("prod", "c", "dev", "1.35.0")
    assert facts_of([record(PLATFORM, "x")]).production, "a platform that does not say is taken for production"


def test_an_exemption_is_shown_and_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    records = [record(PLATFORM, "prod", cluster="prod", preset="production", backups={"etcd": True}), ingress()]
    assert rules.stops(rules.violations(records, facts_of(records)))
    monkeypatch.setattr(rules, "exemptions", lambda: {"prod": {"no-public-ssh": "a bastion's address range"}})
    found = rules.violations(records, facts_of(records))
    assert [(item.rule, item.exempt) for item in found] == [("no-public-ssh", "a bastion's address range")]
    assert not rules.stops(found)


def test_exemptions_name_rules_and_give_reasons() -> None:
    for stack, reasons in exemptions().items():
        assert reasons.keys() <= BY_NAME.keys(), stack
        assert all(len(reason) > 10 for reason in reasons.values())


def state(kind: str, name: str, **extra: Any) -> dict[str, Any]:
    """A resource as the engine's files have it."""
    return {
        "urn": f"urn:pulumi:prod::openstack-paas::openstack-paas:index:Platform${kind}::{name}",
        "type": kind,
        **extra,
    }


def test_records_of_a_preview_and_of_an_export_are_the_same() -> None:
    platform = state(PLATFORM, "prod", inputs={"preset": "dev", "cluster": "prod", "kubernetes": "1.35.0"})
    port = state(PORT, "p", inputs={"name": "p", "networkId": UNKNOWN, "__defaults": []}, protect=True)
    gone = state(PORT, "gone")
    preview = {
        "steps": [
            {"op": "same", "newState": platform},
            {"op": "create", "newState": port},
            {"op": "delete", "urn": gone["urn"], "oldState": gone},
        ],
        "changeSummary": {"same": 1, "create": 1, "delete": 1},
    }
    export = {"deployment": {"resources": [platform, port, {**gone, "delete": True}]}}
    assert records_of(preview) == records_of(export)
    records, facts = records_of(preview)
    assert [(item.name, item.protect, dict(item.props)) for item in records[1:]] == [("p", True, {"name": "p"})]
    assert facts.preset == "dev"


def test_a_resource_counts_once_however_many_steps_it_has() -> None:
    """Previews with --refresh have a step of the refresh, too; a replacement has three; what was lost comes again."""
    lost, kept, replaced, gone = (state(PORT, name) for name in ("lost", "kept", "replaced", "gone"))
    steps = [
        {"op": "refresh", "urn": kept["urn"], "newState": kept},
        {"op": "delete", "urn": lost["urn"], "oldState": lost},
        {"op": "same", "urn": kept["urn"], "newState": kept},
        {"op": "create", "urn": lost["urn"], "newState": lost},
        {"op": "create-replacement", "urn": replaced["urn"], "newState": replaced},
        {"op": "delete-replaced", "urn": replaced["urn"], "oldState": replaced},
        {"op": "same", "urn": gone["urn"], "newState": gone},
        {"op": "delete", "urn": gone["urn"], "oldState": gone},
    ]
    records, _ = records_of({"steps": steps, "changeSummary": {}})
    assert sorted(item.name for item in records) == ["kept", "lost", "replaced"]


def test_secrets_of_a_state_are_not_plain() -> None:
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:x"}
    assert plain({"password": secret, "list": [secret, UNKNOWN]}) == {"password": "[secret]", "list": ["[secret]"]}


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({}, "neither"),
        ({"steps": [], "changeSummary": {"same": 5}}, "--show-sames"),
    ],
)
def test_files_that_cannot_be_judged(document: dict[str, Any], words: str) -> None:
    with pytest.raises(PolicyError, match=words):
        records_of(document)


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "export.json"
    facts = {"preset": "production", "cluster": "prod", "kubernetes": "1.37.0", "backups": {"etcd": True}}
    platform = state(PLATFORM, "prod", inputs=facts)
    vip = state(PORT, "public-vip", inputs=TAGS, protect=True)
    file.write_text(json.dumps({"deployment": {"resources": [platform, vip]}}))
    assert check.main([str(file)]) == 0
    file.write_text(json.dumps({"deployment": {"resources": [platform, {**vip, "protect": False}]}}))
    assert check.main([str(file)]) == 1
    assert "mandatory: vips-protected: Port public-vip: holds an address" in capsys.readouterr().out
    assert check.main([str(file), "--json"]) == 1
    assert [item["rule"] for item in json.loads(capsys.readouterr().out)] == ["vips-protected"]
    file.write_text("{")
    assert check.main([str(file)]) == 2


def test_a_key_that_is_none_has_no_bits() -> None:
    assert keys.rsa_bits("ssh-rsa not-base64") is None
    assert keys.rsa_bits("ssh-ed25519 AAAA") is None
