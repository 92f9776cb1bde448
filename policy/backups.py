"""Production has backups: without them what is deleted by mistake is lost, however many machines hold it."""

from __future__ import annotations

from collections.abc import Sequence

from policy.record import PLATFORM, Facts, Found, Record, Rule


def switched_on(records: Sequence[Record], facts: Facts) -> Found:
    """What the platform says of its backups; one that says nothing of etcd's, as of earlier releases, has none."""
    for record in records if facts.production else ():
        if record.type != PLATFORM:
            continue
        kinds = record.props.get("backups") or {}
        if not kinds.get("etcd"):
            yield record, "takes no snapshots of etcd", "set backups.etcd.enabled to true"
        # Not said of a platform without a database.
        if not kinds.get("database", True):
            yield record, "takes no backups of the database", "set backups.database.enabled to true"


RULES = (Rule("backups-on", "In production etcd and the database have backups.", switched_on),)
