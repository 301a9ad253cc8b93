"""What is known about one withdrawal that is managed here."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import assert_never

from services.medication.detox_policies import Amount, Protocol
from shared.events.medication import (
    DetoxCompleted,
    DetoxDoseGiven,
    DetoxEnded,
    DetoxEvent,
    DetoxReferredUp,
    DetoxStarted,
    ReferralAdvised,
    ReferralDeclined,
    WithdrawalScored,
)

DAY = timedelta(hours=24)


class Status(StrEnum):
    """How far it has come."""

    ABSENT = "absent"
    UNDER_WAY = "under_way"
    REFERRAL_ADVISED = "referral_advised"
    COMPLETED = "completed"
    REFERRED_UP = "referred_up"
    ENDED = "ended"


@dataclass(frozen=True)
class Detox:
    """What the next decision needs; doses and scores in the order of their own time."""

    status: Status = Status.ABSENT
    started: DetoxStarted | None = None
    scores: tuple[WithdrawalScored, ...] = ()
    doses: tuple[DetoxDoseGiven, ...] = ()
    triggers: tuple[str, ...] = ()

    @property
    def last(self) -> WithdrawalScored | None:
        """The newest score."""
        return self.scores[-1] if self.scores else None

    def score_before(self, at: datetime) -> WithdrawalScored | None:
        """The newest score at that moment."""
        return next((one for one in reversed(self.scores) if one.scored_at <= at), None)

    def given_within(self, since: datetime, until: datetime) -> Decimal:
        """In mg, from `since` on and before `until`."""
        return sum((one.dose_mg for one in self.doses if since <= one.given_at < until), Decimal(0))


_ENDS = {
    DetoxCompleted: Status.COMPLETED,
    DetoxReferredUp: Status.REFERRED_UP,
    DetoxEnded: Status.ENDED,
}


def evolve(detox: Detox, event: DetoxEvent) -> Detox:
    """The state after the event."""
    match event:
        case DetoxStarted():
            return replace(detox, status=Status.UNDER_WAY, started=event)
        case WithdrawalScored():
            return replace(detox, scores=(*detox.scores, event))
        case DetoxDoseGiven():
            return replace(detox, doses=tuple(sorted((*detox.doses, event), key=lambda one: one.given_at)))
        case ReferralAdvised():
            return replace(detox, status=Status.REFERRAL_ADVISED, triggers=event.triggers)
        case ReferralDeclined():
            return replace(detox, status=Status.UNDER_WAY, triggers=())
        case DetoxCompleted() | DetoxReferredUp() | DetoxEnded():
            return replace(detox, status=_ENDS[type(event)])
        case _:
            assert_never(event)


def days_most(started: DetoxStarted, protocol: Protocol, first_at: datetime, at: datetime) -> Decimal | None:
    """The most in the 24 hours, counted from the first dose, in which `at` lies; None where a schedule says what is given."""
    if started.day_mg_max is not None:
        return started.day_mg_max
    if not protocol.day_mg_max:
        return None
    day = max(0, (at - first_at) // DAY)
    return protocol.day_mg_max[min(day, len(protocol.day_mg_max) - 1)]


def amount_now(detox: Detox, protocol: Protocol) -> Amount | None:
    """What a single dose may be by the score; None where a schedule says so."""
    return protocol.later if detox.doses else protocol.first


def calm_in_a_row(scores: Sequence[WithdrawalScored], protocol: Protocol) -> int:
    """How many of the newest scores lie below the stop rule's, without a sign."""
    count = 0
    for one in reversed(scores):
        if one.score >= protocol.stop.score_below or one.signs:
            break
        count += 1
    return count
