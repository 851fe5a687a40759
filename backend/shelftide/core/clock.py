"""What time it is. Business time comes from here; leases use the database's own clock."""

from datetime import UTC, datetime, timedelta


class SystemClock:
    """The machine's clock, shifted by `offset` (the simulator's days in demo mode)."""

    def __init__(self, offset: timedelta = timedelta(0)) -> None:
        self.offset = offset

    def now(self) -> datetime:
        """The present, aware UTC."""
        return datetime.now(UTC) + self.offset


class FakeClock:
    """A clock that stands still until told otherwise."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        """The set moment."""
        return self.at

    def advance(self, by: timedelta) -> None:
        """Move on."""
        self.at += by
