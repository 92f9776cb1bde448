"""Helm releases that a killed operation left behind, cleared by the Secrets in which Helm keeps its revisions.

Helm refuses an operation on a release whose last revision is pending ("another operation is in progress"), and the
installation of one that exists. Deleting that revision's record ends both and touches nothing of what it deployed: the
next operation takes over what exists by its labels, and what was deployed before is the last revision again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import yaml
from kubernetes import client

from ops.recover.notes import RecoverError, Release
from ops.shared.cluster import FAILURES, ClusterError, connect, message

PENDING: Final = ("pending-install", "pending-upgrade", "pending-rollback")
#: Seconds for a connection, and for an answer.
_LIMITS: Final = (5, 10)


@dataclass(frozen=True)
class Revision:
    """One revision of a release as Helm has it on record."""

    release: Release
    secret: str
    uid: str
    number: str
    status: str

    @property
    def what(self) -> str:
        """For people."""
        return f"revision {self.number} of Helm's release {self.release.namespace}/{self.release.name} ({self.status})"


class Helm:
    """Helm's records in one cluster."""

    def __init__(self, kubeconfig: str) -> None:
        self._secrets = client.CoreV1Api(connect(yaml.safe_load(kubeconfig)))

    def left_behind(self, releases: Sequence[Release]) -> list[Revision]:
        """Pending revisions of `releases`, and every revision of those that no state has. Raises ClusterError."""
        try:
            return [revision for release in releases for revision in self._revisions(release)]
        except FAILURES as error:
            raise ClusterError(message(error)) from error

    def _revisions(self, release: Release) -> Iterator[Revision]:
        pending = f",status in ({', '.join(PENDING)})" if release.recorded else ""
        found = self._secrets.list_namespaced_secret(
            release.namespace, label_selector=f"owner=helm,name={release.name}{pending}", _request_timeout=_LIMITS
        )
        for secret in found.items:
            labels: dict[str, str] = secret.metadata.labels
            number, status = labels.get("version", "?"), labels.get("status", "?")
            yield Revision(release, secret.metadata.name, secret.metadata.uid, number, status)

    def forget(self, revision: Revision) -> None:
        """Deletes that very record, and not one that has its name since. Raises RecoverError."""
        only = client.V1DeleteOptions(preconditions=client.V1Preconditions(uid=revision.uid))
        try:
            self._secrets.delete_namespaced_secret(
                revision.secret, revision.release.namespace, body=only, _request_timeout=_LIMITS
            )
        except FAILURES as error:
            # It is gone, or another one has its name.
            if getattr(error, "status", None) not in (404, 409):
                raise RecoverError(f"{revision.what} cannot be deleted: {message(error)}; run this again") from error
