"""When a plan is looked at again: days after it became active, by policy."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated

from pydantic import Field

from shared.units import Code, Prose

type ReviewDays = Annotated[int, Field(ge=1, le=366)]


@dataclass(frozen=True)
class ReviewPolicy:
    """The first reviews by day since activation, then at an even interval."""

    id: Code
    version: Annotated[int, Field(ge=1)]
    source: Prose
    days_after_activation: tuple[ReviewDays, ...]
    then_every_days: ReviewDays


def next_review_on(policy: ReviewPolicy, active_from: date, after: date) -> date:
    """The first review date later than `after`."""
    for days in policy.days_after_activation:
        due = active_from + timedelta(days=days)
        if due > after:
            return due
    last = active_from + timedelta(days=max(policy.days_after_activation, default=0))
    intervals = max((after - last).days // policy.then_every_days + 1, 1)
    return last + timedelta(days=intervals * policy.then_every_days)
