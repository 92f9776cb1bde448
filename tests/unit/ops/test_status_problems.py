"""`ops status`: what counts as unhealthy, from what machines, API and database answer."""

import json
from dataclasses import replace

import pytest

from ops.status import output
from ops.status.problems import EXPIRY_DAYS
from ops.status.rows import parts
from tests.unit.ops import status_samples as samples
from tests.unit.ops.status_samples import DAY, NOW, judged, platform, raw, said

LOST = {
    "paas-gateway-0": "no SSH to 203.0.113.0: timed out",
    "paas-etcd-0": "no answer within 12 s",
    "paas-control-plane-0": "not reached through 203.0.113.9: No route to host",
    "paas-worker-0": "not reached through 203.0.113.9: No route to host",
}


def test_a_healthy_platform_has_no_problem() -> None:
    report, problems = judged(platform(), raw(platform()))
    assert said(problems) == []
    assert output.exit_status(report, problems) == 0


def test_half_a_platform_is_reported_as_it_is() -> None:
    outputs = platform()
    away = {"paas-etcd-1": "timed out", **LOST}
    nodes = [
        samples.node(machine, "Unknown" if machine.name in away else "True")
        for machine in outputs.role("control-plane", "worker")
    ]
    last = {
        "etcd-health": (1, "context deadline exceeded"),
        "etcd-status": samples.etcd_status(3, leader=0, errors=["etcdserver: no leader"]),
    }
    given = raw(
        outputs,
        away,
        {"nodes": json.dumps({"items": nodes})},
        {"pods": "503 Service Unavailable", "mariadb-0": "no answer within 9 s"},
        paas_etcd_2=last,
        paas_gateway_1={"addresses": "203.0.113.9/32"},
    )
    report, problems = judged(outputs, given)
    assert output.exit_status(report, problems) == 1
    printed = said(problems)
    for name, page in (("gateway-0", "gateway"), ("etcd-0", "etcd-member"), ("worker-0", "worker")):
        assert f"machines: paas-{name}: not reached: {away[f'paas-{name}']} ({page})" in printed
    assert "etcd: paas-etcd-2: unhealthy: context deadline exceeded (etcd-restore)" in printed
    assert "etcd: no member leads (etcd-restore)" in printed
    assert "nodes: paas-worker-0: not Ready: because of Ready (worker)" in printed
    assert "database: mariadb-0: no answer within 9 s (mariadb-primary)" in printed
    assert not [line for line in printed if "gateways" in line], "the other gateway has the addresses"
    assert not [line for line in printed if line.startswith("backups")], "they are where they were"
    of_api = [line for line in printed if line.startswith("API")]
    assert of_api == ["API: it does not list pods: 503 Service Unavailable (control-plane)"], "served by the others"


def test_a_platform_that_does_not_answer_at_all_is_status_two() -> None:
    outputs = platform()
    away = {machine.name: "no gateway leads to it" for machine in outputs.inventory}
    names = ("ready", "nodes", "pods", "backups", "schedule", "mariadb-0", "mariadb-1")
    report, problems = judged(outputs, raw(outputs, away, errors=dict.fromkeys(names, "timed out")))
    assert output.exit_status(report, problems) == 2
    assert len([line for line in said(problems) if line.startswith("machines: ")]) == len(outputs.inventory)


@pytest.mark.parametrize(
    ("servers", "page"),
    [
        ("200", "gateway"),
        ("[-]etcd failed: reason withheld\n500", "etcd-restore"),
        ((7, "000\ncurl: (7) Failed to connect"), "control-plane"),
    ],
)
def test_an_api_without_an_answer_names_the_page_of_its_cause(servers: str | tuple[int, str], page: str) -> None:
    outputs = platform()
    change = {"api-server": servers}
    given = raw(
        outputs,
        errors={"ready": "timed out"},
        paas_control_plane_0=change,
        paas_control_plane_1=change,
        paas_control_plane_2=change,
    )
    printed = said(judged(outputs, given)[1])
    assert printed[0] == f"API: https://203.0.113.9:6443 does not answer: timed out ({page})"
    assert len(printed) == (1 if servers == "200" else 4)


def test_answers_in_another_form_are_problems_and_no_errors() -> None:
    """As of machines and charts of an earlier release."""
    given = raw(
        platform(),
        api={"nodes": "<html>", "backups": json.dumps({"data": {"list": "20261121T110700Z 1 abc"}})},
        paas_etcd_0={"etcd-status": '{"version": "3.6.5"}', "backups": "{}", "services": "etcd.service"},
        paas_etcd_1={"etcd-health": "fast", "disks": "? /"},
    )
    printed = said(judged(platform(), given)[1])
    assert (
        "etcd: paas-etcd-0: it does not answer: its answer cannot be read: KeyError 'header' (etcd-restore)" in printed
    )
    assert "machines: paas-etcd-0: etcd.service is unknown (etcd-member)" in printed
    assert "backups: etcd: the members' listings cannot be read: KeyError 'interval' (failed-backup)" in printed
    assert "API: it does not list nodes: its answer cannot be read (control-plane)" in printed
    assert any(line.startswith("backups: database: the list of backups cannot be read: ValueError") for line in printed)


def test_two_gateways_with_the_addresses_are_a_partition() -> None:
    both = {"addresses": "203.0.113.9/32"}
    problems = judged(platform(), raw(platform(), paas_gateway_1=both))[1]
    assert said(problems) == [
        "gateways: paas-gateway-0 and paas-gateway-1 hold the virtual addresses (network-partition)"
    ]


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        ({"etcd-status": samples.etcd_status(2, isLearner=True)}, "a learner: it has no vote until it has caught up"),
        ({"etcd-status": samples.etcd_status(2, errors=["memberID:2 alarm:NOSPACE "])}, "alarm NOSPACE"),
        ({"etcd-status": samples.etcd_status(2, dbSize=2**31)}, "its database uses 100 % of its quota"),
        ({"etcd-status": (1, "connection refused")}, "it does not answer: connection refused"),
        ({"etcd-health": "1250.0"}, "slow: a read takes 1.2 s"),
    ],
)
def test_a_member_of_etcd(answers: dict[str, str | tuple[int, str]], problem: str) -> None:
    page = "full-disk" if "NOSPACE" in problem or "quota" in problem else "etcd-member"
    problems = judged(platform(), raw(platform(), paas_etcd_1=answers))[1]
    assert said(problems) == [f"etcd: paas-etcd-1: {problem} ({page})"]


def test_members_and_machines_that_do_not_match() -> None:
    outputs = platform()
    listed = [*samples.members(outputs)[1:], {"ID": 9, "name": "old", "peerURLs": ["https://10.9.9.9:2380"]}]
    text = json.dumps({"header": {"raft_term": 4}, "members": listed})
    assert said(judged(outputs, raw(outputs, paas_etcd_2={"etcd-members": text}))[1]) == [
        "etcd: old: a member that is not a machine of this stack (etcd-member)",
        "etcd: paas-etcd-0: not in the list of members (etcd-member)",
    ]


def test_nodes_that_are_missing_strange_old_or_full() -> None:
    outputs = platform()
    machines = outputs.role("control-plane", "worker")
    nodes = [samples.node(machine) for machine in machines[1:-1]]
    nodes += [samples.node(machines[-1], version="v1.33.0", DiskPressure="True")]
    nodes += [samples.node(outputs.role("gateway")[0])]
    assert said(judged(outputs, raw(outputs, api={"nodes": json.dumps({"items": nodes})}))[1]) == [
        "nodes: paas-control-plane-0: not a node of the cluster (control-plane)",
        "nodes: paas-gateway-0: a node that is not a machine of this stack (worker)",
        "nodes: paas-worker-1: DiskPressure (full-disk)",
        "rollout: Kubernetes 1.33.0 -> 1.34.2: 4 of 5 nodes: `pulumi up` continues it (failed-up)",
    ]


def test_services_and_disks() -> None:
    given = raw(
        platform(),
        paas_etcd_0={"services": "etcd.service active\nopenstack-paas-etcd-backup.timer inactive", "disks": "95 /"},
        paas_worker_1={"services": "containerd.service active\nkubelet.service failed"},
    )
    assert said(judged(platform(), given)[1]) == [
        "machines: paas-etcd-0: openstack-paas-etcd-backup.timer is inactive (failed-backup)",
        "machines: paas-etcd-0: / is 95 % full (full-disk)",
        "machines: paas-worker-1: kubelet.service is failed (worker)",
    ]


def test_clocks() -> None:
    outputs = platform()
    given = raw(
        outputs,
        paas_etcd_0={"clock": "812.0 812.0 ms off 10.9.9.9 (stratum 3, within 9.1 ms)"},
        paas_etcd_1={"clock": "- the host's (container: lxc)"},
        paas_etcd_2={"clock": (1, "chrony follows no server")},
    )
    report, problems = judged(outputs, given)
    assert said(problems) == [
        "clocks: paas-etcd-0: its clock is 812.0 ms off 10.9.9.9 (stratum 3, within 9.1 ms) (etcd-member)"
    ]
    rows = parts(report, problems)["Clocks"]
    assert [row.cells for row in rows] == [
        ("8 follow a time server", "812.0 ms off at most"),
        ("1 are their hosts'", "containers: the clock is not their own"),
        ("paas-etcd-0", "812.0 ms off 10.9.9.9 (stratum 3, within 9.1 ms)"),
        # Shown and no problem: a closed site may have no time server.
        ("paas-etcd-2", "chrony follows no server"),
    ]
    assert [row.bad for row in rows] == [False, False, True, True]


def test_certificates_that_end_soon_or_have_ended() -> None:
    outputs = platform()
    etcd, plane = outputs.machine("paas-etcd-1"), outputs.machine("paas-control-plane-1")
    soon = NOW + (EXPIRY_DAYS - 1) * DAY
    given = raw(
        outputs,
        paas_etcd_1={"certificates": samples.certificates(etcd, soon)},
        paas_control_plane_1={"certificates": samples.certificates(plane, NOW - DAY) + "# /etc/kubernetes/pki/x.crt\n"},
    )
    printed = said(judged(outputs, given)[1])
    page = "(certificates)"
    assert (
        f"certificates: etcd: paas-etcd-1: /etc/etcd/pki/server.crt expires on 2026-12-20, in 29 days {page}" in printed
    )
    assert (
        "certificates: API server: paas-control-plane-1: /etc/kubernetes/pki/apiserver.crt expired on 2026-11-20 "
        f"{page}" in printed
    )
    assert f"certificates: paas-control-plane-1: /etc/kubernetes/pki/x.crt contains no certificate {page}" in printed
    assert len(printed) == 6


def test_a_certificate_with_a_short_life_is_no_problem_while_it_is_young() -> None:
    """Of an hour the last fifth counts, not the last 30 days."""
    for left, count in ((1800, 0), (600, 1)):
        text = "# /var/lib/kubelet/pki/kubelet-client-current.pem\n" + samples.certificate("short", NOW + left, 3600)
        assert len(judged(platform(), raw(platform(), paas_worker_0={"certificates": text}))[1]) == count


def test_backups_that_failed_are_late_or_unverified() -> None:
    old = {"backups": samples.snapshots("paas-etcd", 3000, outcome="failed", step="copies")}
    given = raw(
        platform(),
        api={"backups": samples.backups_of_database(13 * 3600, "no space left")},
        paas_etcd_0=old,
        paas_etcd_1={"backups": samples.snapshots("paas-etcd-1", 3000, verified=False)},
        paas_etcd_2={"backups": samples.snapshots("paas-etcd-2", 3000)},
    )
    assert said(judged(platform(), given)[1]) == [
        "backups: etcd: the newest verified snapshot is 50 min old, more than 3 intervals of 15 min (failed-backup)",
        "backups: etcd: paas-etcd: the last run failed at step 'copies' (failed-backup)",
        "backups: etcd: paas-etcd-1: paas-etcd-1-new failed its proof (failed-backup)",
        "backups: database: the newest backup is 13 h 0 min old; one is due every 60 min (failed-backup)",
        "backups: database: the last attempt failed: no space left (failed-backup)",
    ]


def test_a_new_platform_has_no_backups_yet() -> None:
    """The first is due after an interval; later there must be one."""
    outputs = platform()
    empty = json.dumps({**json.loads(samples.snapshots("x")), "snapshots": [], "status": {}})
    for age, count in ((600, 0), (7200, 2)):
        pem = samples.certificate("new", NOW - age + 365 * DAY)
        member = {"backups": empty, "certificates": f"# /etc/etcd/pki/server.crt\n{pem}"}
        created = samples.datetime.fromtimestamp(NOW - age, samples.UTC).isoformat()
        cron = {"metadata": {"creationTimestamp": created}, "spec": {"schedule": "7 * * * *"}}
        given = raw(
            outputs,
            api={"backups": "", "schedule": json.dumps(cron)},
            paas_etcd_0=member,
            paas_etcd_1=member,
            paas_etcd_2=member,
        )
        assert len(judged(outputs, given)[1]) == count


def test_backups_of_a_database_without_any_are_off() -> None:
    report, problems = judged(platform(), raw(platform(), api={"backups": "", "schedule": ""}))
    assert not problems
    assert [backup.off for backup in report.backups] == [False, True]


def test_pods_count_when_they_are_stuck_or_late() -> None:
    waiting = {"name": "main", "state": {"waiting": {"reason": "ImagePullBackOff"}}}
    listed = [
        samples.pod("new", "Pending", "False", age=20),
        samples.pod("late", "Running", "False", age=400),
        samples.pod("stuck", "Pending", "False", age=20, containerStatuses=[waiting]),
        samples.pod("evicted", "Failed", "False", message="the node was low on memory"),
    ]
    of_job = samples.pod("try-1", "Failed", "False")
    of_job["metadata"]["ownerReferences"] = [{"kind": "Job"}]
    ending = samples.pod("ending", "Running", "False")
    ending["metadata"]["deletionTimestamp"] = "2026-11-21T11:00:00Z"
    report, problems = judged(
        platform(), raw(platform(), api={"pods": json.dumps({"items": [*listed, of_job, ending]})})
    )
    assert said(problems) == [
        "pods: default/evicted: Failed: the node was low on memory (pods)",
        "pods: default/late: not ready: unready: [main] (pods)",
        "pods: default/stuck: Pending: main: ImagePullBackOff (pods)",
    ]
    assert report.pods and report.pods.running == 0 and len(report.pods.others) == 6


def test_pods_of_a_lost_node_are_no_problems_of_their_own() -> None:
    outputs = platform()
    machines = outputs.role("control-plane", "worker")
    nodes = [samples.node(machine, "Unknown" if machine.name == "paas-worker-0" else "True") for machine in machines]
    pods = [samples.pod(f"web-{number}", "Running", "False") for number in range(20)]
    given = raw(outputs, api={"nodes": json.dumps({"items": nodes}), "pods": json.dumps({"items": pods})})
    report, problems = judged(outputs, given)
    assert said(problems) == ["nodes: paas-worker-0: not Ready: because of Ready (worker)"]
    shown = parts(report, problems)["Pods"]
    assert shown[-1].cells == ("and 5 more: `kubectl get pods --all-namespaces` has all",)


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        ({"mariadb-1": samples.replica("31")}, "mariadb-1: 31 s behind the primary"),
        (
            {"mariadb-1": samples.replica("NULL", "Connecting", error="no way")},
            "mariadb-1: replication is not running: receiving Connecting, applying Yes: no way",
        ),
        ({"mariadb-1": "self\t1\tOFF\t0"}, "mariadb-1: it does not replicate"),
        ({"mariadb-0": "self\t1\tON\t1"}, "mariadb-0: the primary takes no writes"),
    ],
)
def test_members_of_the_database(answers: dict[str, str], problem: str) -> None:
    given = raw(platform())
    given = replace(given, answers={**given.answers, **answers})
    assert said(judged(platform(), given)[1]) == [f"database: {problem} (mariadb-primary)"]
