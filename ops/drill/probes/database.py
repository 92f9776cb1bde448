"""Writes to MariaDB's primary: numbers by a connection through SSH to its Service, reopened when it breaks."""

import hashlib
import secrets
from typing import Any, cast

import pymysql

from ops.drill.probes.probe import WriteProbe
from ops.drill.target import Target
from ops.shared.cluster import REQUEST_SECONDS, Cluster
from ops.shared.outputs import Database
from ops.shared.ssh import Ssh

#: Database and user of the drill's own; both are removed with it.
NAME = "openstack_paas_drill"


class NumbersTable:
    """A table on the primary for numbers, with a user who may only write there. Every method raises ClusterError."""

    def __init__(self, cluster: Cluster, database: Database, name: str) -> None:
        """`name` is that of the table's database and of the user."""
        self.cluster, self.database, self.name = cluster, database, name
        self._drop = f"DROP DATABASE IF EXISTS {name}; DROP USER IF EXISTS {name}@'%'"

    def create(self) -> str:
        """Table and user, also in place of those that a killed drill left; returns the user's password."""
        password = secrets.token_urlsafe(24)
        # Only the password's hash appears in the statement.
        digest = hashlib.sha1(hashlib.sha1(password.encode()).digest()).hexdigest().upper()
        name = self.name
        self.query(
            f"{self._drop}; CREATE DATABASE {name}; CREATE TABLE {name}.writes (number BIGINT PRIMARY KEY); "
            f"CREATE USER {name}@'%' IDENTIFIED BY PASSWORD '*{digest}'; GRANT INSERT ON {name}.writes TO {name}@'%'"
        )
        return password

    def numbers(self) -> set[int]:
        """What the table holds."""
        return {int(line) for line in self.query(f"SELECT number FROM {self.name}.writes").split()}

    def drop(self) -> None:
        """Remove database and user."""
        self.query(self._drop)

    def query(self, statement: str) -> str:
        """Root's answer from the primary."""
        return self.cluster.query(self.database.namespace, self.database.primary, statement)


class DatabaseWrite(WriteProbe):
    """A number counts as acknowledged when its commit has been answered."""

    name = "database write"
    timeout = 3.0

    def __init__(self, target: Target, database: Database) -> None:
        super().__init__()
        self.target, self.database = target, database
        self.table = NumbersTable(target.cluster, database, NAME)
        self.address, self.password = "", ""
        self.connection: pymysql.Connection[Any] | None = None
        self.ssh: Ssh | None = None

    def prepare(self) -> None:
        """The table, a user who may write only there, and the address of the primary's Service."""
        service, namespace = self.database.service.partition(".")[0], self.database.namespace
        found = self.target.core.read_namespaced_service(service, namespace, _request_timeout=REQUEST_SECONDS)
        self.address = found.spec.cluster_ip
        self.password = self.table.create()

    def remove(self) -> None:
        """Database and user are gone afterwards."""
        self.table.drop()

    def _connect(self) -> "pymysql.Connection[Any]":
        channel, self.ssh = self.target.tunnel(self.address, self.database.port, self.timeout)
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

    def write(self, number: int) -> None:
        """Insert the number."""
        try:
            if self.connection is None:
                self.connection = self._connect()
            with self.connection.cursor() as cursor:
                cursor.execute("INSERT INTO writes VALUES (%s)", (number,))
        except Exception:
            self.close()
            raise

    def close(self) -> None:
        """Drop the connection and the SSH below it, without a word to the other side."""
        connection, self.connection = self.connection, None
        ssh, self.ssh = self.ssh, None
        if connection is not None:
            connection._force_close()  # type: ignore[attr-defined]
        if ssh is not None:
            ssh.close()

    def kept(self) -> set[int]:
        """What the table holds on the primary."""
        return self.table.numbers()
