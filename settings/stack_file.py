"""Pulumi's view of a stack file, turned back into what the file says: objects and lists instead of their JSON."""

import json
from collections.abc import Mapping
from typing import Any, Final

from settings.platform_settings import PlatformSettings
from settings.problem import Problem

#: Secrets for the places that backups go to.
BACKUP_SECRETS: Final[Mapping[str, str]] = {
    "backupS3AccessKey": "Access key of the bucket in backups.copyTo.s3.",
    "backupS3SecretKey": "Secret key of the bucket in backups.copyTo.s3.",
    "backupSftpKey": "Private SSH key for the server in backups.copyTo.sftp, in OpenSSH's format.",
}
#: Keys of the stack file that hold secrets, and what they are. Only Pulumi reads them, as secrets; settings never do.
SECRETS: Final[Mapping[str, str]] = {
    "databaseRootPassword": "Password of MariaDB's root user; generated when it is not set.",
    "databaseReplicationPassword": "Password of MariaDB's replication user; generated when it is not set.",
    **BACKUP_SECRETS,
}

#: The defaults of the top-level keys: texts and sections.
_DEFAULTS: Final[Mapping[str, Any]] = {
    field.alias or name: field.default for name, field in PlatformSettings.model_fields.items()
}

#: Stands for the text of an encrypted secret: it is set, but never read into settings.
ENCRYPTED: Final = "[encrypted]"


def read(values: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """The keys that are set, except secrets, and the problems of reading them. A secret must be ENCRYPTED.

    Empty means the default: Pulumi.yaml sets it for keys that the stack file leaves out.
    """
    read: dict[str, Any] = {}
    problems: list[Problem] = []
    for key, value in values.items():
        if key in SECRETS:
            # The engine writes an encrypted value as {secure: ...} into the file.
            is_encrypted = value == ENCRYPTED or (isinstance(value, Mapping) and set(value) == {"secure"})
            if value not in (None, "") and not is_encrypted:
                problems.append(_plain_secret(key))
        elif key in _DEFAULTS and value in (None, "", {}, "{}"):
            continue
        elif isinstance(value, str) and not isinstance(_DEFAULTS.get(key, ""), str):
            try:
                read[key] = json.loads(value)
            except json.JSONDecodeError as error:
                if value.lstrip()[:1] in ("{", "["):
                    problems.append(_unreadable(key, error))
                else:
                    read[key] = value
        else:
            read[key] = value
    return read, problems


def _plain_secret(key: str) -> Problem:
    """The engine itself accepts such a key (settings.reference.project_file says why)."""
    rule = "is a secret, and is in the stack file in plain text"
    command = f"`pulumi config set --secret openstack-paas:{key}`"
    return Problem(key, "", rule, f"{command}, with a new value on standard input if others have seen this one")


def _unreadable(key: str, error: json.JSONDecodeError) -> Problem:
    """JSON with a mistake. It is not shown, because it may contain a secret."""
    rule = f"is JSON with a mistake at character {error.pos + 1} ({error.msg})"
    command = f"`pulumi config set --path '{key}.KEY' VALUE`"
    return Problem(key, "", rule, f"write its keys under {key} in the stack file, or set one with {command}")
