"""When the demonstration happens: the weeks behind us, so that everything recorded has already been."""

from datetime import date, datetime, time, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

RUNS: Final = UUID("9d9c0f4e-0f4c-5b36-8a0e-6f6f1f2f7c01")


class Weeks:
    """Three full weeks, the last of which has just ended; day 0 is a Monday."""

    def __init__(self, today: date) -> None:
        """`today` is the earliest date of all sites."""
        self.first = today - timedelta(days=today.weekday() + 21)

    def day(self, number: int) -> date:
        """The date of day `number`."""
        return self.first + timedelta(days=number)

    def on(self, number: int) -> str:
        """The date as it is written."""
        return self.day(number).isoformat()

    def at(self, number: int, zone: str, hour: int, minute: int = 0) -> str:
        """An instant of that day, on the clock of the zone."""
        return datetime.combine(self.day(number), time(hour, minute), ZoneInfo(zone)).isoformat()
