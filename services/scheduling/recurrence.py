"""The dates on which a group meets, by an RFC 5545 rule that repeats weekly."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated, Final

from dateutil.rrule import rrulestr
from pydantic import Field

from shared.failures import Invalid

DAYS_AT_ONCE_MAX: Final = 400
"""How long a stretch of dates may be asked for at once."""

EARLIEST: Final = date(2000, 1, 1)
LATEST: Final = date(2100, 1, 1)

type Rule = Annotated[
    str, Field(min_length=11, max_length=120, pattern=r"^[A-Z0-9=;,]+$", examples=["FREQ=WEEKLY;BYDAY=MO,WE,FR"])
]
"""An RFC 5545 recurrence rule: `FREQ=WEEKLY`, and if wanted `INTERVAL`, `BYDAY`, `COUNT` or `UNTIL` (a date), `WKST`."""

_DAY: Final = "(?:MO|TU|WE|TH|FR|SA|SU)"
_PARTS: Final[Mapping[str, re.Pattern[str]]] = {
    "FREQ": re.compile("WEEKLY"),
    "INTERVAL": re.compile("[1-9]|[1-4][0-9]|5[0-2]"),
    "BYDAY": re.compile(f"{_DAY}(?:,{_DAY}){{0,6}}"),
    "COUNT": re.compile("[1-9][0-9]{0,2}"),
    "UNTIL": re.compile("20[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"),
    "WKST": re.compile(_DAY),
}


class RecurrenceNotUnderstood(Invalid):
    """The rule is not a weekly RFC 5545 rule that can be followed."""


class StretchTooLong(Invalid):
    """The stretch of dates is too long, or ends before it begins."""


def check_rule(rule: str) -> None:
    """Raises RecurrenceNotUnderstood, which names the part."""
    parts = [part.partition("=") for part in rule.split(";")]
    names = [name for name, _, _ in parts]
    if "FREQ" not in names or len(set(names)) != len(names) or {"COUNT", "UNTIL"} <= set(names):
        raise RecurrenceNotUnderstood(field="recurrence")
    for name, _, value in parts:
        pattern = _PARTS.get(name)
        if pattern is None or not pattern.fullmatch(value):
            raise RecurrenceNotUnderstood(field="recurrence", part=name)
    try:
        # The pattern lets 31 February through; the library does not.
        rrulestr(rule, dtstart=datetime(2020, 1, 1))  # noqa: DTZ001 - dates without a zone
    except ValueError as error:
        raise RecurrenceNotUnderstood(field="recurrence") from error


def check_stretch(from_on: date, until_on: date) -> None:
    """Raises StretchTooLong."""
    short = timedelta(0) <= until_on - from_on < timedelta(DAYS_AT_ONCE_MAX)
    if not short or from_on < EARLIEST or until_on > LATEST:
        raise StretchTooLong(field="until_on", days_max=DAYS_AT_ONCE_MAX)


def dates(rule: str, first_on: date, from_on: date, until_on: date) -> Sequence[date]:
    """The rule's dates in a stretch, both ends included, counted from `first_on`. Raises StretchTooLong."""
    check_stretch(from_on, until_on)
    followed = rrulestr(rule, dtstart=_midnight(first_on))
    return [one.date() for one in followed.between(_midnight(from_on), _midnight(until_on), inc=True)]


def _midnight(on: date) -> datetime:
    # Dates are followed without a zone; each meeting is put on the site's clock afterwards, so no date can shift.
    return datetime.combine(on, time())
