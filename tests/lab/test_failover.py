"""The API through the VIP while haproxy of its holder is stopped. The drill `gateway` tests the loss of the machine."""

import base64
import json
import ssl
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from ops.drill.probes.http import ApiRead
from ops.drill.probes.probe import Answers
from settings import ports
from tests.lab.platform import Platform, run, until
from tests.lab.report import record

RUNS = 3


@pytest.fixture(scope="module")
def certificate_authority(platform: Platform) -> str:
    """The cluster's CA in PEM."""
    cluster = json.loads(platform.document["kubeconfig"])["clusters"][0]["cluster"]
    return base64.b64decode(cluster["certificate-authority-data"]).decode()


@contextmanager
def probing(host: str, certificate_authority: str) -> Iterator[Answers]:
    """Ask the API at `host` while the block runs. `certificate_authority` is PEM."""
    probe = ApiRead(host, ports.API, ssl.create_default_context(cadata=certificate_authority))
    probe.start()
    try:
        yield probe.answers
    finally:
        probe.stop()


def steady(answers: Answers, moment: float) -> None:
    """Wait until the API answers steadily."""
    until(lambda: answers.answered_since(moment, 10), "the API answers through the VIP", 60, 0.1)


def ready_backup(platform: Platform, name: str) -> None:
    """Wait until the gateway `name` can take over: haproxy and keepalived are running."""
    until(
        lambda: "active active" in platform.on(name, "systemctl is-active haproxy keepalived | paste -sd' ' || true"),
        f"{name} is ready to take over",
        90,
        1,
    )


def test_stopping_haproxy_of_the_holder_moves_the_vip(platform: Platform, certificate_authority: str) -> None:
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
        # keepalived needs two successful checks before this gateway can take over again.
        until(partial(_no_fault, platform, holder), f"keepalived of {holder} has left the state FAULT", 30, 1)
    record(f"haproxy stopped: API outage, {RUNS} runs", _figures(gaps))
    assert max(gaps) < 8


def _no_fault(platform: Platform, name: str) -> bool:
    states = platform.on(
        name, "journalctl -u keepalived --no-pager --output cat | grep -oE '(BACKUP|MASTER|FAULT) STATE' | tail -1"
    )
    return "BACKUP" in states or "MASTER" in states


def _figures(gaps: list[float]) -> str:
    return f"median {statistics.median(gaps):.1f} s, longest {max(gaps):.1f} s ({', '.join(f'{g:.1f}' for g in gaps)})"


def test_the_proof_passes_after_failovers(platform: Platform) -> None:
    done = run("python", "-m", "ops", "proof", "--json")
    assert done.status == 0, done.text


def test_nothing_has_changed_for_pulumi(platform: Platform) -> None:
    done = run("pulumi", "preview", "--expect-no-changes", "--non-interactive")
    assert done.status == 0, done.text
