"""When something may happen in a taper: while it is going, and not before what happened last."""

from datetime import date, timedelta

from services.medication.taper_course import BACKDATED_DAYS_MAX, Status, Taper
from shared.failures import Invalid, Refused


class TaperOnHold(Refused):
    """The taper is held."""


class TaperEnded(Refused):
    """The taper was completed or stopped."""


class DateNotYetReached(Invalid):
    """The date lies in the future."""


class DateBeforeStep(Invalid):
    """The date lies before what happened last in the taper, or too long ago."""


def check_going(taper: Taper) -> None:
    """Raises TaperOnHold or TaperEnded."""
    if taper.status is Status.HELD:
        raise TaperOnHold
    if taper.status is not Status.ACTIVE:
        raise TaperEnded


def check_date(taper: Taper, on: date, today: date, where: str) -> None:
    """Not in the future, and not before the step that has begun or the latest hold or resumption."""
    if on > today:
        raise DateNotYetReached(field=where)
    begun = taper.begun(today)
    known = (taper.steps[begun - 1].effective_on if begun else None, taper.quiet_since)
    earliest = today - timedelta(days=BACKDATED_DAYS_MAX)
    not_before = max((one for one in known if one is not None), default=earliest)
    if on < not_before:
        raise DateBeforeStep(field=where, not_before=not_before.isoformat())
