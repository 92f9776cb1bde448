"""When Kubernetes' minor versions get their last fixes."""

from datetime import date
from typing import Final

#: Where the dates are from: each minor's page there names its "End Of Life Date" (read on 2026-11-21).
SOURCE: Final = "https://kubernetes.io/releases/"

#: End of life by minor version.
END_OF_LIFE: Final[dict[str, date]] = {
    "1.31": date(2025, 11, 11),
    "1.32": date(2026, 2, 28),
    "1.33": date(2026, 6, 28),
    "1.34": date(2026, 10, 27),
    "1.35": date(2027, 2, 28),
    "1.36": date(2027, 6, 28),
    "1.37": date(2027, 10, 28),
}

#: A warning comes that many days before the end: the time of one or two upgrades with their tests.
WARNING_DAYS: Final = 60
