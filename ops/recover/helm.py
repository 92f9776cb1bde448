"""Helm releases that a killed operation left behind, cleared by the Secrets in which Helm keeps its revisions.

Helm refuses an operation on a release whose last revision is pending ("another operation is in progress"), and the
installation of one that exists. Deleting that revision's record ends both and touches nothing of what it deployed: the
next operation takes over what exists by its labels, and what was deployed before is the last revision again.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Final

import yaml
from kubernetes import client

from ops.recover.cloud import Found
from ops.recover.notes import RecoverError, Release
from ops.shared.cluster import FAILURES, ClusterError, connect, message

PENDING: Final = ("pending-install", "pending-upgrade", "pending-rollback")
#: Seconds for a connection, and for an answer.
_LIMITS: Final = {"_request_timeout": (5, 10)}


def left_behind(kubeconfig: str, releases: Sequence[Release]) -> list[Found]:
    """Pending revisions of `releases`, and every revision of those that no state has. Raises ClusterError."""
    secrets = client.CoreV1Api(connect(yaml.safe_load(kubeconfig)))
    try:
        return [found for release in releases for found in _revisions(secrets, release)]
    except FAILURES as error:
        raise ClusterError(message(error)) from error


def _revisions(secrets: Any, release: Release) -> Iterator[Found]:
    pending = f",status in ({', '.join(PENDING)})" if release.recorded else ""
    selector = f"owner=helm,name={release.name}{pending}"
    for secret in secrets.list_namespaced_secret(release.namespace, label_selector=selector, **_LIMITS).items:
        labels: dict[str, str] = secret.metadata.labels
        number, status = labels.get("version", "?"), labels.get("status", "?")
        what = f"revision {number} of Helm's release {release.namespace}/{release.name} ({status})"
        yield Found(what, secret.metadata.uid, partial(_forget, secrets, release.namespace, secret.metadata, what))


def _forget(secrets: Any, namespace: str, record: Any, what: str) -> None:
    """Deletes that very record, and not one that has its name since. Raises RecoverError."""
    only = client.V1DeleteOptions(preconditions=client.V1Preconditions(uid=record.uid))
    try:
        secrets.delete_namespaced_secret(record.name, namespace, body=only, **_LIMITS)
    except FAILURES as error:
        # 404 and 409: it is gone, or another record has its name.
        if getattr(error, "status", None) not in (404, 409):
            raise RecoverError(f"{what} cannot be deleted: {message(error)}; run this again") from error
