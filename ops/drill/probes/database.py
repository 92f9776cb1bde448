"""Writes to MariaDB's primary: numbers by a connection through SSH to its Service, reopened when it breaks."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from typing import Any, cast

import paramiko
import pymysql

from ops.drill.probes.probe import Probe
from ops.shared.cluster import Cluster
from ops.shared.outputs import Database

#: Database and user of the drill's own; both are removed with it.
NAME = "openstack_paas_drill"
DROP = f"DROP DATABASE IF EXISTS {NAME}; DROP USER IF EXISTS {NAME}@'%'"


class DatabaseWrite(Probe):
    """One number after the other; a number counts as acknowledged when its commit has been answered."""

    name = "database write"
    interval = 0.25
    timeout = 3.0

    def __init__(
        self, cluster: Cluster, database: Database, tunnel: Callable[[float], tuple[paramiko.Channel, Any]]
    ) -> None:
        """`tunnel(seconds)` opens a channel to the primary's Service and returns it with what must be closed later."""
        super().__init__()
        self.cluster, self.database, self.tunnel = cluster, database, tunnel
        self.password = secrets.token_urlsafe(24)
        self.number = 0
        self.numbers: set[int] = set()
        self.connection: pymysql.Connection[Any] | None = None
        self.way: Any = None

    def prepare(self) -> None:
        """The table and a user who may write only there; only the password's hash appears in the statement."""
        digest = hashlib.sha1(hashlib.sha1(self.password.encode()).digest()).hexdigest().upper()
        self._root(
            f"{DROP}; CREATE DATABASE {NAME}; CREATE TABLE {NAME}.writes (number BIGINT PRIMARY KEY); "
            f"CREATE USER {NAME}@'%' IDENTIFIED BY PASSWORD '*{digest}'; GRANT INSERT ON {NAME}.writes TO {NAME}@'%'"
        )

    def remove(self) -> None:
        """Database and user are gone afterwards."""
        self._root(DROP)

    def _root(self, statement: str) -> str:
        return self.cluster.query(self.database.namespace, self.database.primary, statement)

    def _connect(self) -> pymysql.Connection[Any]:
        channel, self.way = self.tunnel(self.timeout)
        # The library's own time limits go to a socket that it opened itself; this one brings its own.
        channel.settimeout(self.timeout)
        connection = pymysql.connect(
            user=NAME,
            password=self.password,
            database=NAME,
            autocommit=True,
            defer_connect=True,
            read_timeout=self.timeout,
            write_timeout=self.timeout,
        )
        # A channel is used as a socket is; only its type is another one.
        connection.connect(sock=cast(Any, channel))
        return connection

    def ask(self) -> None:
        """Write the next number."""
        self.number += 1
        try:
            if self.connection is None:
                self.connection = self._connect()
            with self.connection.cursor() as cursor:
                cursor.execute("INSERT INTO writes VALUES (%s)", (self.number,))
        except Exception:
            self.close()
            raise
        self.numbers.add(self.number)

    def close(self) -> None:
        """Drop the connection and the way to it, without a word to the other side."""
        connection, self.connection = self.connection, None
        way, self.way = self.way, None
        if connection is not None:
            connection._force_close()  # type: ignore[attr-defined]
        if way is not None:
            way.close()

    def acknowledged(self) -> set[int]:
        """What the database has acknowledged."""
        return set(self.numbers)

    def kept(self) -> set[int]:
        """What the table holds on the primary."""
        return {int(line) for line in self._root(f"SELECT number FROM {NAME}.writes").split()}
