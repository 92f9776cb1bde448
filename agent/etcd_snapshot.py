"""Snapshots of etcd by its gateway: the database as a stream, with the SHA-256 of it at its end."""

import base64
import binascii
import hashlib
import os
import tempfile
from pathlib import Path
from typing import Final

from agent.etcd_http import EtcdHttp, NoAnswer
from agent.system.files import sync_folder

#: Seconds for a whole snapshot; the quota of a database is some GiB.
SNAPSHOT_SECONDS: Final = 900.0
_DIGEST_BYTES: Final = hashlib.sha256().digest_size


def save(etcd: EtcdHttp, file: Path) -> None:
    """Writes a snapshot as `etcdctl snapshot save` does, for root only: whole, on the disk, or not at all.

    Raises EtcdError, NoAnswer also when what came is not whole, and OSError when the disk is full.
    """
    descriptor, name = tempfile.mkstemp(prefix=".new.", dir=file.parent)
    new = Path(name)
    try:
        digest, tail, size = hashlib.sha256(), b"", 0
        with os.fdopen(descriptor, "wb") as target:
            for message in etcd.stream("/v3/maintenance/snapshot", {}, SNAPSHOT_SECONDS):
                try:
                    part = base64.b64decode(message.get("blob", ""), validate=True)
                except binascii.Error as error:
                    raise NoAnswer("the snapshot is not what etcd sent: a part of it is not base64") from error
                target.write(part)
                size += len(part)
                # The digest at the end is not part of what it is about.
                tail += part
                digest.update(tail[:-_DIGEST_BYTES])
                tail = tail[-_DIGEST_BYTES:]
            if digest.digest() != tail:
                raise NoAnswer(f"the snapshot is not whole: its {size} bytes do not match the digest at their end")
            target.flush()
            os.fsync(descriptor)
        new.replace(file)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    sync_folder(file.parent)
