"""No secret where it does not belong, and no way in but the ones that the table names."""

from __future__ import annotations

import base64
import json
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import openstack
import pytest

from dev.lab import places, processes
from settings.versions import BUSYBOX
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


NODE_PORT, DNS_PORT = 31234, 31253
#: Asks for the address of kube-dns.kube-system: a question in the form of RFC 1035. (No name of ten letters: bash ends
#: a packet with each line.)
QUESTION = (
    r"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
    r"\x08kube-dns\x0bkube-system\x03svc\x07cluster\x05local\x00\x00\x01\x00\x01"
)
#: 10.96.0.10, as it stands in the answer.
ANSWER = "0a60000a"


def asks(address: str) -> str:
    """What prints the page behind one node's port, and its DNS' answer behind the other, with nothing but bash."""
    return (
        f"exec 3<>/dev/tcp/{address}/{NODE_PORT}; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; timeout 5 cat <&3; "
        f"exec 4<>/dev/udp/{address}/{DNS_PORT}; printf '{QUESTION}' >&4; "
        "timeout 5 dd bs=512 count=1 status=none <&4 | od -An -v -tx1 | tr -d ' \\n'"
    )


@pytest.fixture
def node_ports(platform: Platform) -> Iterator[None]:
    """A pod that serves on one worker, one that asks on each, and NodePorts of the first and of the cluster's DNS."""
    first, second = [machine.name for machine in platform.outputs.role("worker")][:2]
    database = f"{IN_CLUSTER} -n database get pod mariadb-0 -o jsonpath={{.spec.containers[0].image}}"
    bash = platform.on("control-plane-0", database).strip()
    serve = "mkdir /pages && echo served >/pages/index.html && exec httpd -f -p 8080 -h /pages"
    pods = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": "node-ports", "labels": {"app": name}},
            "spec": {
                "nodeName": worker,
                "terminationGracePeriodSeconds": 1,
                "containers": [{"name": name, "image": image, "command": command}],
            },
        }
        for name, worker, image, command in (
            ("web", first, f"docker.io/library/busybox:{BUSYBOX}", ["sh", "-c", serve]),
            ("near", first, bash, ["sleep", "3600"]),
            ("far", second, bash, ["sleep", "3600"]),
        )
    ]
    services = [
        ("web", "node-ports", {"app": "web"}, {"port": 80, "targetPort": 8080, "nodePort": NODE_PORT}),
        ("dns", "kube-system", {"k8s-app": "kube-dns"}, {"protocol": "UDP", "port": 53, "nodePort": DNS_PORT}),
    ]
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "node-ports"}}
    items = [namespace, *pods] + [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": f"node-port-{name}", "namespace": where},
            "spec": {"type": "NodePort", "selector": selector, "ports": [port]},
        }
        for name, where, selector, port in services
    ]
    document = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    remove = (
        f"{IN_CLUSTER} -n kube-system delete service node-port-dns --ignore-not-found && "
        f"{IN_CLUSTER} delete namespace node-ports --ignore-not-found"
    )
    platform.on("control-plane-0", remove, 120)
    try:
        platform.on("control-plane-0", f"{IN_CLUSTER} apply -f - <<'END'\n{document}\nEND", 60)
        ready = f"{IN_CLUSTER} -n node-ports wait pod --all --for condition=Ready --timeout 90s"
        platform.on("control-plane-0", ready, 100)
        yield
    finally:
        platform.on("control-plane-0", remove, 120)


def test_node_ports_are_reached_inside_and_not_from_outside(platform: Platform, node_ports: None) -> None:
    nodes = [machine.address for machine in platform.outputs.role("control-plane", "worker")]
    assert len(nodes) == 5
    for address in nodes:
        # From pods on another node and on the same one, and from nodes, at their own address too.
        for pod in ("near", "far"):
            inside = f"{IN_CLUSTER} -n node-ports exec -i {pod} -- bash <<'END'\n{asks(address)}\nEND"
            seen = platform.on("control-plane-0", inside)
            assert "served" in seen and ANSWER in seen, (pod, address, seen)
        for node in ("control-plane-0", "worker-general-1"):
            seen = platform.on(node, asks(address))
            assert "served" in seen and ANSWER in seen, (node, address, seen)
    for gateway in platform.outputs.role("gateway"):
        with pytest.raises(OSError):
            socket.create_connection((gateway.public_address, NODE_PORT), timeout=3)
