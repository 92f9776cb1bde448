"""MariaDB: which member takes writes, and how far the others are behind."""

from collections.abc import Mapping
from dataclasses import dataclass

from ops.shared.outputs import Database

#: A replica further behind is taken out of its Service (charts/mariadb, replication.maximumLagSeconds).
MOST_LAG = 30
_VALUE = "(SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = '{}')"
#: One line about the member itself, then the columns of SHOW SLAVE STATUS where it is a replica.
QUESTION = (
    f"SELECT 'self', @@global.read_only, IFNULL({_VALUE.format('RPL_SEMI_SYNC_MASTER_STATUS')}, 'OFF'), "
    f"IFNULL({_VALUE.format('RPL_SEMI_SYNC_MASTER_CLIENTS')}, '0'); SHOW SLAVE STATUS"
)
#: Columns of SHOW SLAVE STATUS, counted from 0 (https://mariadb.com/kb/en/show-replica-status/).
_RECEIVING, _APPLYING, _LAG, _RECEIVE_ERROR, _APPLY_ERROR = 10, 11, 32, 35, 37


@dataclass(frozen=True)
class Member:
    """One pod. `lag` in seconds, None for the primary and when it is not known."""

    name: str
    role: str
    writes: bool = False
    acknowledging: int | None = None
    """How many replicas acknowledge each commit of a primary; None where the primary alone does."""
    lag: int | None = None
    error: str = ""
    """Why a replica does not follow."""
    problem: str = ""
    """Why it could not be asked."""

    @property
    def state(self) -> str:
        """In words."""
        if self.problem or self.error:
            return self.problem or self.error
        if self.role != "primary":
            return f"{self.lag} s behind"
        word = "takes writes" if self.writes else "takes no writes"
        return word if self.acknowledging is None else f"{word}, acknowledged by {self.acknowledging} more"


def read(database: Database, answers: Mapping[str, str], errors: Mapping[str, str]) -> tuple[Member, ...]:
    """From each pod's answer to QUESTION, or from the reason why there is none."""
    roles = {database.primary: "primary", **dict.fromkeys(database.replicas, "replica")}
    return tuple(
        _member(name, role, answers[name]) if name in answers else Member(name, role, problem=errors[name])
        for name, role in roles.items()
    )


def _member(name: str, role: str, text: str) -> Member:
    own, *others = [line.split("\t") for line in text.splitlines()] or [[]]
    if len(own) != 4 or own[0] != "self":
        return Member(name, role, problem=f"its answer cannot be read: {text.strip()[:80]}")
    writes = own[1] == "0"
    if role == "primary":
        return Member(name, role, writes, int(own[3]) if own[2] == "ON" else None)
    if not others or len(others[0]) <= _APPLY_ERROR:
        return Member(name, role, writes, error="it does not replicate")
    columns = others[0]
    receiving, applying, lag = columns[_RECEIVING], columns[_APPLYING], columns[_LAG]
    if (receiving, applying) != ("Yes", "Yes"):
        why = columns[_RECEIVE_ERROR] or columns[_APPLY_ERROR]
        error = f"replication is not running: receiving {receiving}, applying {applying}: {why}".removesuffix(": ")
        return Member(name, role, writes, error=error)
    if not lag.isdigit():
        return Member(name, role, writes, error="its lag is not known")
    return Member(name, role, writes, lag=int(lag))
