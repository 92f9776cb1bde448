"""No secret is where it does not belong, and only the documented ports are reachable."""

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
    """A line of a PEM's content that identifies it."""
    lines = [line for line in pem.splitlines() if line and not line.startswith("-----")]
    return lines[len(lines) // 2] if len(lines) > 1 else lines[0]


@pytest.fixture(scope="module")
def known_secrets(platform: Platform) -> dict[str, str]:
    """Known secret values: passwords, the store's key, the SSH key, the administrator's key and the cluster's keys."""
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
    """The names of the secrets that `text` contains, in plain text or in base64."""
    return [
        name
        for name, value in secrets.items()
        if value in text or base64.b64encode(value.encode()).decode().rstrip("=")[:-2] in text
    ]


def test_the_state_holds_no_secret_in_plain_text(known_secrets: dict[str, str]) -> None:
    files = [path for path in (places.STATE / "pulumi").rglob("*") if path.is_file()]
    assert files
    for path in files:
        assert not names_in(path.read_text(errors="replace"), known_secrets), path


def test_outputs_previews_and_event_logs_hold_no_secret(known_secrets: dict[str, str]) -> None:
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


def test_process_lists_and_journals_hold_no_secret(platform: Platform, known_secrets: dict[str, str]) -> None:
    for number in processes.numbers():
        try:
            command_line = Path(f"/proc/{number}/cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        assert not names_in(command_line, known_secrets), command_line[:80]
    for machine in platform.outputs.inventory:
        seen = platform.on(machine.name.removeprefix("lab-"), "journalctl --no-pager --output cat; ps -eo args", 120)
        assert not names_in(seen, known_secrets), machine.name


def test_user_data_holds_no_secret_except_the_machine_s_host_key(
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


def test_pods_cannot_reach_the_metadata_address(platform: Platform) -> None:
    ask = "timeout 4 bash -c ': </dev/tcp/169.254.169.254/80' && echo open || echo closed"
    answers = [
        platform.on("control-plane-0", f'{IN_CLUSTER} -n database exec mariadb-{i} -c mariadb -- bash -c "{ask}"')
        for i in range(2)
    ]
    assert [answer.strip().splitlines()[-1] for answer in answers] == ["closed", "closed"]


def test_only_the_documented_ports_answer_from_outside(platform: Platform) -> None:
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


def test_a_worker_cannot_reach_etcd(platform: Platform) -> None:
    seen = platform.on(
        "worker-general-0", "timeout 3 bash -c ': </dev/tcp/10.20.0.16/2379' && echo open || echo closed"
    )
    assert seen.strip() == "closed"


def test_the_program_s_user_is_not_an_administrator() -> None:
    connection = openstack.connect(cloud="lab")
    assert not {"admin"} & set(connection.session.auth.get_access(connection.session).role_names)


def test_the_tree_holds_no_private_key() -> None:
    listing = run("git", "grep", "-lE", "BEGIN (EC |OPENSSH |RSA )?PRIVATE KEY", "--", ":!tests", ":!dev/toolchain")
    assert not re.findall(r"^\S+\.(yaml|json|pem|key)$", listing.text, re.MULTILINE), f"{PROJECT}: {listing.text}"


NODE_PORT, DNS_PORT = 31234, 31253
#: A query (RFC 1035) for the address of kube-dns.kube-system. No label may have ten letters, because that length is a
#: newline, at which bash sends the packet.
QUESTION = (
    r"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
    r"\x08kube-dns\x0bkube-system\x03svc\x07cluster\x05local\x00\x00\x01\x00\x01"
)
#: 10.96.0.10 as it appears in the answer.
ANSWER = "0a60000a"


def asks(address: str) -> str:
    """A bash script that prints the page behind one node port and the DNS answer behind the other."""
    return (
        f"exec 3<>/dev/tcp/{address}/{NODE_PORT}; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; timeout 5 cat <&3; "
        f"exec 4<>/dev/udp/{address}/{DNS_PORT}; printf '{QUESTION}' >&4; "
        "timeout 5 dd bs=512 count=1 status=none <&4 | od -An -v -tx1 | tr -d ' \\n'"
    )


@pytest.fixture
def node_ports(platform: Platform) -> Iterator[None]:
    """A web server on one worker, a client pod on each of two workers, and NodePorts of the server and of DNS."""
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
        # From pods on the same and on another node, and from nodes, also at their own address.
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
