"""No secret where it does not belong, and no way in but the ones that the table names."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from pathlib import Path

import openstack
import pytest

from lab import places, processes
from tests.lab.platform import PROJECT, Platform, run

IN_CLUSTER = "kubectl --kubeconfig /etc/kubernetes/admin.conf"


def key_body(pem: str) -> str:
    """A stretch of a PEM's own content that identifies it."""
    lines = [line for line in pem.splitlines() if line and not line.startswith("-----")]
    return lines[len(lines) // 2] if len(lines) > 1 else lines[0]


@pytest.fixture(scope="module")
def known_secrets(platform: Platform) -> dict[str, str]:
    """Values known to be secret: passwords, the store's key, the SSH key, the administrator's, and the cluster's."""
    listed = f"{IN_CLUSTER} -n database get secrets mariadb-passwords mariadb-backup-s3 -o json"
    passwords, store = (secret["data"] for secret in json.loads(platform.on("control-plane-0", listed))["items"])
    administrator = json.loads(platform.document["kubeconfig"])["users"][0]["user"]["client-key-data"]
    found = {name: base64.b64decode(value).decode() for name, value in passwords.items()}
    found["store's secret key"] = base64.b64decode(store["secret-key"]).decode()
    found["ssh key"] = key_body(platform.document["sshPrivateKey"])
    found["administrator's key"] = key_body(base64.b64decode(administrator).decode())
    for name in ("ca.key", "sa.key", "front-proxy-ca.key"):
        found[name] = key_body(platform.on("control-plane-0", f"cat /etc/kubernetes/pki/{name}"))
    found["etcd member's key"] = key_body(platform.on("etcd-0", "cat /etc/etcd/pki/server.key"))
    assert all(len(value) >= 16 for value in found.values())
    return found


def names_in(text: str, secrets: dict[str, str]) -> list[str]:
    """The names of the secrets that `text` holds, in clear or in base 64."""
    return [
        name
        for name, value in secrets.items()
        if value in text or base64.b64encode(value.encode()).decode().rstrip("=")[:-2] in text
    ]


def test_the_state_holds_no_secret_in_clear(known_secrets: dict[str, str]) -> None:
    files = [path for path in (places.STATE / "pulumi").rglob("*") if path.is_file()]
    assert files
    for path in files:
        assert not names_in(path.read_text(errors="replace"), known_secrets), path


def test_outputs_previews_and_event_logs_hold_none(known_secrets: dict[str, str]) -> None:
    for command in (
        ("pulumi", "stack", "output"),
        ("pulumi", "preview", "--diff", "--non-interactive"),
        ("pulumi", "preview", "--json"),
        ("pulumi", "stack", "export"),
    ):
        text = run(*command).text
        assert text.strip()
        assert not names_in(text, known_secrets), command
    log = Path(places.CACHE) / "events-lab.jsonl"
    assert not names_in(log.read_text(), known_secrets)


def test_process_lists_and_journals_hold_none(platform: Platform, known_secrets: dict[str, str]) -> None:
    for number in processes.numbers():
        try:
            command_line = Path(f"/proc/{number}/cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        assert not names_in(command_line, known_secrets), command_line[:80]
    for machine in platform.outputs.inventory:
        seen = platform.on(machine.name.removeprefix("lab-"), "journalctl --no-pager --output cat; ps -eo args", 120)
        assert not names_in(seen, known_secrets), machine.name


def test_user_data_holds_the_machines_own_host_key_and_no_other_secret(
    platform: Platform, known_secrets: dict[str, str]
) -> None:
    for name in ("gateway-0", "etcd-0", "control-plane-0", "worker-general-0"):
        user_data = platform.on(name, "curl -s --max-time 10 http://169.254.169.254/openstack/latest/user_data")
        assert user_data.count("BEGIN OPENSSH PRIVATE KEY") == 1, name
        assert not names_in(user_data, known_secrets), name


def test_the_metadata_address_is_closed_to_unprivileged_users(platform: Platform) -> None:
    answer = platform.on(
        "worker-general-0",
        "setpriv --reuid nobody --regid nogroup --clear-groups "
        "curl -s --max-time 4 http://169.254.169.254/openstack/latest/user_data || echo closed",
    )
    assert answer.strip() == "closed"


def test_a_pod_that_asks_the_metadata_address_gets_nothing(platform: Platform) -> None:
    ask = "timeout 4 bash -c ': </dev/tcp/169.254.169.254/80' && echo open || echo closed"
    answers = [
        platform.on("control-plane-0", f'{IN_CLUSTER} -n database exec mariadb-{i} -c mariadb -- bash -c "{ask}"')
        for i in range(2)
    ]
    assert [answer.strip().splitlines()[-1] for answer in answers] == ["closed", "closed"]


def test_from_outside_only_the_tables_ports_answer(platform: Platform) -> None:
    host = platform.outputs.api_host
    ports = (22, 80, 111, 443, 2379, 2380, 6443, 8404, 10250, 10256, 30080)
    open_ports = []
    for port in ports:
        check = subprocess.run(
            ["timeout", "1", "bash", "-c", f": </dev/tcp/{host}/{port}"], capture_output=True, check=False, timeout=5
        )
        if check.returncode == 0:
            open_ports.append(port)
    assert set(open_ports) <= {22, 80, 443, 6443}
    assert {22, 6443} <= set(open_ports)


def test_a_worker_does_not_reach_etcd(platform: Platform) -> None:
    seen = platform.on(
        "worker-general-0", "timeout 3 bash -c ': </dev/tcp/10.20.0.16/2379' && echo open || echo closed"
    )
    assert seen.strip() == "closed"


def test_the_programs_user_is_no_administrator() -> None:
    connection = openstack.connect(cloud="lab")
    assert not {"admin"} & set(connection.session.auth.get_access(connection.session).role_names)


def test_no_secret_in_the_tree() -> None:
    listing = run("git", "grep", "-lE", "BEGIN (EC |OPENSSH |RSA )?PRIVATE KEY", "--", ":!tests", ":!toolchain")
    assert not re.findall(r"^\S+\.(yaml|json|pem|key)$", listing.text, re.MULTILINE), f"{PROJECT}: {listing.text}"
