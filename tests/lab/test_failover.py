"""The API through the VIP while the haproxy of its holder is stopped; that the machine dies is the drill `gateway`."""

from __future__ import annotations

import base64
import json
import statistics
import time
from functools import partial

import pytest

from ops.drill.probes.api import probing
from ops.drill.probes.probe import Answers
from tests.lab.platform import Platform, run, until
from tests.lab.report import record

RUNS = 3


@pytest.fixture(scope="module")
def certificate_authority(platform: Platform) -> str:
    """The cluster's CA in PEM."""
    cluster = json.loads(platform.document["kubeconfig"])["clusters"][0]["cluster"]
    return base64.b64decode(cluster["certificate-authority-data"]).decode()


def steady(answers: Answers, moment: float) -> None:
    """Wait until the API answers again and again."""
    until(lambda: answers.answered_since(moment, 10), "the API answers through the VIP", 60, 0.1)


def ready_backup(platform: Platform, name: str) -> None:
    """Wait until the gateway `name` could take over: haproxy serves, keepalived runs."""
    until(
        lambda: "active active" in platform.on(name, "systemctl is-active haproxy keepalived | paste -sd' ' || true"),
        f"{name} is ready to take over",
        90,
        1,
    )


def test_haproxy_of_the_holder_is_stopped(platform: Platform, certificate_authority: str) -> None:
    gaps = []
    for _ in range(RUNS):
        holder = platform.vip_holder()
        with probing(platform.outputs.api_host, certificate_authority) as answers:
            steady(answers, time.monotonic())
            stopped = time.monotonic()
            platform.on(holder, "systemctl stop haproxy")
            steady(answers, stopped + 1)
        gaps.append(answers.longest_gap())
        platform.on(holder, "systemctl start haproxy")
        ready_backup(platform, holder)
        # keepalived needs two good checks before this gateway counts again.
        until(partial(_no_fault, platform, holder), f"{holder} counts again", 30, 1)
    record(f"haproxy stopped: API outage, {RUNS} runs", _figures(gaps))
    assert max(gaps) < 8


def _no_fault(platform: Platform, name: str) -> bool:
    states = platform.on(
        name, "journalctl -u keepalived --no-pager --output cat | grep -oE '(BACKUP|MASTER|FAULT) STATE' | tail -1"
    )
    return "BACKUP" in states or "MASTER" in states


def _figures(gaps: list[float]) -> str:
    return f"median {statistics.median(gaps):.1f} s, longest {max(gaps):.1f} s ({', '.join(f'{g:.1f}' for g in gaps)})"


def test_database_connections_come_back(platform: Platform) -> None:
    done = run("python", "-m", "ops", "proof", "--json")
    assert done.status == 0, done.text


def test_nothing_has_changed_for_pulumi(platform: Platform) -> None:
    done = run("pulumi", "preview", "--expect-no-changes", "--non-interactive")
    assert done.status == 0, done.text
