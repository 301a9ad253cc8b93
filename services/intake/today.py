"""Which date it may already be at a site; intake bounds what is entered by it, so that no zone is refused its own today."""

from datetime import date, datetime, timedelta
from typing import Final

EARLIEST_ZONE: Final = timedelta(hours=14)
"""UTC+14 is the first zone in which a date begins."""


def latest_date(now: datetime) -> date:
    """The newest date anywhere on Earth at `now`, an instant in UTC."""
    return (now + EARLIEST_ZONE).date()
