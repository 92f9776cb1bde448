"""Time, and the only place that sleeps."""

import time
from datetime import datetime, timezone


class Clock:
    """The machine's clock. Tests have one that they move themselves."""

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""
        return time.monotonic()

    def now(self) -> datetime:
        """The time of day, in UTC."""
        return datetime.now(timezone.utc)

    def sleep(self, seconds: float) -> None:
        """Waits so many seconds."""
        time.sleep(seconds)
