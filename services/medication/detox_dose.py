"""One dose of a withdrawal protocol: after a score that is not too old, as much and as often as the protocol allows."""

from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from services.medication.detox_policies import Protocol
from services.medication.detox_state import DAY, Detox, Status, amount_now, days_most
from services.medication.product import Product
from shared.decider import command
from shared.events.medication import DetoxDoseGiven, DetoxStarted, WithdrawalScored, WithdrawalSign
from shared.failures import Invalid, Refused


@command
class GiveDose:
    """The patient took a dose under observation."""

    protocol: Protocol
    product: Product
    dose_id: UUID
    dose_mg: Decimal
    given_at: datetime
    observed_by: str
    site_id: str


class ReferralDecisionNeeded(Refused):
    """The protocol advises to refer the patient up; a prescriber decides before anything more is given."""


class ScoreDue(Refused):
    """The patient has to be looked at before the dose."""


class Oversedated(Refused):
    """The patient was oversedated when last looked at."""


class ScoreTooLow(Refused):
    """By the score no dose is needed now."""


class TooSoon(Refused):
    """It is too early for this dose."""


class ProtocolOverdue(Refused):
    """The protocol has lasted its longest."""


class DoseOutsideProtocol(Invalid):
    """The protocol does not have this dose now."""


class DayMaximumReached(Refused):
    """It would be more in 24 hours than the protocol allows."""


def give(detox: Detox, started: DetoxStarted, command: GiveDose) -> DetoxDoseGiven:
    """Every refusal names the protocol, its source and who may override."""
    protocol, at = command.protocol, command.given_at
    if detox.status is Status.REFERRAL_ADVISED:
        raise ReferralDecisionNeeded(triggers=list(detox.triggers), **protocol.named)
    if at >= started.started_at + timedelta(days=protocol.days_max):
        raise ProtocolOverdue(days_max=protocol.days_max, **protocol.named)
    scored = looked_at(detox, command)
    if not command.product.dispensable(command.dose_mg):
        raise DoseOutsideProtocol("The dose cannot be made up from the product's strengths", field="dose_mg")
    if protocol.schedule:
        check_schedule(detox, started, command)
    else:
        check_by_score(detox, started, command, scored)
    return DetoxDoseGiven(
        patient_id=started.patient_id,
        home_site_id=started.home_site_id,
        site_id=command.site_id,
        dose_id=command.dose_id,
        product_id=started.product_id,
        medicine=started.medicine,
        dose_mg=command.dose_mg,
        given_at=at,
        observed_by=command.observed_by,
        score=scored.score,
    )


def looked_at(detox: Detox, command: GiveDose) -> WithdrawalScored:
    """The score that the dose follows. Raises ScoreDue, Oversedated."""
    scored = detox.score_before(command.given_at)
    if scored is None or scored.next_due_at < command.given_at:
        due = scored.next_due_at.isoformat() if scored else None
        raise ScoreDue(due_at=due, **command.protocol.named)
    if WithdrawalSign.OVERSEDATED in scored.signs:
        raise Oversedated(scored_at=scored.scored_at.isoformat(), **command.protocol.named)
    return scored


def check_schedule(detox: Detox, started: DetoxStarted, command: GiveDose) -> None:
    """The next dose of the schedule, not before its hour and not more than it says; one that was left out is not made up for."""
    schedule = command.protocol.schedule
    if len(detox.doses) >= len(schedule):
        raise DoseOutsideProtocol("The schedule has come to its end", field="dose_mg", **command.protocol.named)
    if detox.doses and command.given_at <= detox.doses[-1].given_at:
        raise TooSoon(field="given_at", **command.protocol.named)
    hours = [started.started_at + timedelta(hours=float(one.hour)) for one in schedule]
    due = [number for number, at in enumerate(hours) if at <= command.given_at]
    taken = [number for one in detox.doses for number in [max(n for n, at in enumerate(hours) if at <= one.given_at)]]
    if not due or due[-1] in taken:
        coming = hours[due[-1] + 1].isoformat() if due and due[-1] + 1 < len(hours) else hours[0].isoformat()
        raise TooSoon(field="given_at", not_before=coming, **command.protocol.named)
    most = schedule[due[-1]].mg
    if command.dose_mg > most:
        raise DoseOutsideProtocol(field="dose_mg", dose_mg_max=str(most), **command.protocol.named)


def check_by_score(detox: Detox, started: DetoxStarted, command: GiveDose, scored: WithdrawalScored) -> None:
    """High enough a score, long enough after the last dose, within the amount and within the day's most."""
    protocol, at = command.protocol, command.given_at
    needed = protocol.later_from_score if detox.doses else protocol.first_from_score
    if needed is not None and scored.score < needed:
        raise ScoreTooLow(score=scored.score, score_from=needed, **protocol.named)
    pause = timedelta(hours=float(protocol.hours_between))
    near = [one.given_at for one in detox.doses if abs(one.given_at - at) < pause or one.given_at == at]
    earliest = max([started.first_dose_from, *(one + pause for one in near)])
    if near or at < started.first_dose_from:
        raise TooSoon(field="given_at", not_before=earliest.isoformat(), **protocol.named)
    amount = amount_now(detox, protocol)
    if amount is None or not amount.from_mg <= command.dose_mg <= amount.to_mg:
        allowed = {"dose_mg_min": str(amount.from_mg), "dose_mg_max": str(amount.to_mg)} if amount else {}
        raise DoseOutsideProtocol(field="dose_mg", **allowed, **protocol.named)
    check_day(detox, started, command)


def check_day(detox: Detox, started: DetoxStarted, command: GiveDose) -> None:
    """No 24 hours hold more than the most of the later of its days; those before and after the moment are looked at."""
    at = command.given_at
    first_at = min([at, *(one.given_at for one in detox.doses)])
    most = days_most(started, command.protocol, first_at, at)
    if most is None:
        return
    ends = [at, *(one.given_at for one in detox.doses if at < one.given_at < at + DAY)]
    moment = timedelta(microseconds=1)
    fullest = max(detox.given_within(end - DAY + moment, end + moment) for end in ends)
    if fullest + command.dose_mg > most:
        given = {"given_mg": str(fullest), "day_mg_max": str(most)}
        raise DayMaximumReached(field="dose_mg", **given, **command.protocol.named)
