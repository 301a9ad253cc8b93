"""Withdrawal managed here: scored by the clock, dosed by the protocol, referred up when it says so; a prescriber decides."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final, assert_never
from uuid import UUID

from services.medication import detox_dose
from services.medication.detox_dose import GiveDose
from services.medication.detox_policies import Equivalence, LastUse, Protocol
from services.medication.detox_state import Detox, Status, calm_in_a_row, evolve
from services.medication.product import Product
from shared.decider import Decider, command
from shared.events.medication import (
    DetoxCompleted,
    DetoxEnded,
    DetoxEvent,
    DetoxKind,
    DetoxReferredUp,
    DetoxStarted,
    ReferralAdvised,
    ReferralDeclined,
    WithdrawalRisk,
    WithdrawalScored,
    WithdrawalSign,
)
from shared.failures import Invalid, NotFound, Refused
from shared.units import Name, Prose


@dataclass(frozen=True)
class Converted:
    """What a patient took a day of another benzodiazepine, and the table that a prescriber chose."""

    medicine: str
    day_mg: Decimal
    table: Equivalence


@dataclass(frozen=True)
class Used:
    """What an opioid patient used last, and when."""

    kind: LastUse
    at: datetime


@command
class StartDetox:
    """Begin at `started_at`, with one product."""

    patient_id: UUID
    home_site_id: str
    zone: str
    protocol: Protocol
    product: Product
    started_at: datetime
    started_by: str
    risks: tuple[WithdrawalRisk, ...]
    converted: Converted | None
    last_use: Used | None


@command
class ScoreWithdrawal:
    """The patient was looked at."""

    protocol: Protocol
    score: int
    signs: tuple[WithdrawalSign, ...]
    scored_at: datetime
    scored_by: str
    note: Prose | None


@command
class DeclineReferral:
    """Go on here although the protocol advises against it."""

    decided_by: str
    reason: Prose


@command
class ReferUp:
    """Hand the patient over."""

    on: date
    destination: Name
    decided_by: str


@command
class CompleteDetox:
    """Withdrawal is over: by the stop rule, or for a reason."""

    protocol: Protocol
    on: date
    decided_by: str
    rationale: Prose | None


@command
class EndDetox:
    """Leave the protocol before its end."""

    on: date
    decided_by: str
    reason: Prose


type Command = StartDetox | ScoreWithdrawal | GiveDose | DeclineReferral | ReferUp | CompleteDetox | EndDetox


class DetoxNotStarted(NotFound):
    """There is no withdrawal management under this id."""


class DetoxAlreadyStarted(Refused):
    """There is one under this id already."""


class DetoxOver(Refused):
    """It came to its end already."""


class NotInProtocol(Invalid):
    """The protocol is not written for this medicine."""


class ConversionNeeded(Invalid):
    """The most in a day comes from a conversion: which medicine, how much a day, by which table?"""


class LastUseNeeded(Invalid):
    """The first dose waits for the last use to wear off: what was used last, and when?"""


class ScoreOutOfRange(Invalid):
    """The instrument has no such score."""


class ScoredOutOfOrder(Invalid):
    """Scores are entered in the order in which they were taken, from the start on."""


class ReferralNotAdvised(Refused):
    """The protocol does not advise to refer this patient."""


class StopRuleNotMet(Refused):
    """By the protocol withdrawal is not over; a prescriber who sees it otherwise gives the reason."""


def decide(detox: Detox, command: Command) -> Sequence[DetoxEvent]:
    """What happens on the command."""
    if isinstance(command, StartDetox):
        return start(detox, command)
    if detox.started is None:
        raise DetoxNotStarted
    if detox.status not in {Status.UNDER_WAY, Status.REFERRAL_ADVISED}:
        raise DetoxOver(status=detox.status.value)
    if isinstance(command, ScoreWithdrawal):
        return score(detox, detox.started, command)
    if isinstance(command, GiveDose):
        return [detox_dose.give(detox, detox.started, command)]
    return [leave(detox, detox.started, command)]


def start(detox: Detox, command: StartDetox) -> Sequence[DetoxEvent]:
    """A risk at the start advises a referral at once."""
    if detox.started is not None:
        raise DetoxAlreadyStarted
    protocol = command.protocol
    if command.product.medicine not in protocol.medicines:
        raise NotInProtocol(field="product_id", medicines=list(protocol.medicines))
    if protocol.converts and command.converted is None:
        raise ConversionNeeded(field="converted", **protocol.named)
    started = DetoxStarted(
        patient_id=command.patient_id,
        home_site_id=command.home_site_id,
        zone=command.zone,
        kind=protocol.kind,
        protocol=protocol.used,
        product_id=command.product.id,
        product_version=command.product.version,
        medicine=command.product.medicine,
        started_at=command.started_at,
        first_dose_from=first_dose_from(command),
        started_by=command.started_by,
        risks=command.risks,
        equivalence=command.converted.table.used if command.converted and protocol.converts else None,
        day_mg_max=converted_mg(command.converted) if command.converted and protocol.converts else None,
    )
    triggers = [one.value for one in command.risks if one in protocol.refer_up.risks]
    return [started, *advised(started, triggers)]


def first_dose_from(command: StartDetox) -> datetime:
    """The start, or when the last use is far enough back. Raises LastUseNeeded."""
    waits = command.protocol.last_use_hours
    if not waits:
        return command.started_at
    if command.last_use is None:
        raise LastUseNeeded(field="last_use", **command.protocol.named)
    wait = timedelta(hours=float(waits[command.last_use.kind]))
    return max(command.started_at, command.last_use.at + wait)


def converted_mg(converted: Converted) -> Decimal:
    """The most in a day, in mg of diazepam. Raises NotInTable."""
    return converted.table.diazepam_mg(converted.medicine, converted.day_mg)


def advised(started: DetoxStarted, triggers: Sequence[str]) -> Sequence[ReferralAdvised]:
    """The advice, if anything speaks for it."""
    if not triggers:
        return []
    return [ReferralAdvised(started.patient_id, started.home_site_id, tuple(triggers), started.protocol)]


def score(detox: Detox, started: DetoxStarted, command: ScoreWithdrawal) -> Sequence[DetoxEvent]:
    """The score, when the next one is due, and whether the patient belongs elsewhere."""
    protocol = command.protocol
    if command.score > protocol.score_max:
        raise ScoreOutOfRange(field="score", score_max=protocol.score_max, instrument=protocol.instrument.value)
    earliest = detox.last.scored_at if detox.last else started.started_at
    if command.scored_at < earliest:
        raise ScoredOutOfOrder(field="scored_at", earliest=earliest.isoformat())
    scored = WithdrawalScored(
        patient_id=started.patient_id,
        home_site_id=started.home_site_id,
        instrument=protocol.instrument.value,
        score=command.score,
        signs=command.signs,
        scored_at=command.scored_at,
        scored_by=command.scored_by,
        next_due_at=command.scored_at + timedelta(minutes=protocol.look_again_minutes(command.score)),
        note=command.note,
    )
    from_score = protocol.refer_up.score_from
    triggers = [one.value for one in command.signs if one in protocol.refer_up.signs]
    if from_score is not None and command.score >= from_score:
        triggers.insert(0, f"{protocol.instrument.value}-{command.score}")
    return [
        scored,
        *advised(
            started, [*detox.triggers, *(one for one in triggers if one not in detox.triggers)] if triggers else []
        ),
    ]


type Leaving = DeclineReferral | ReferUp | CompleteDetox | EndDetox
type Left = ReferralDeclined | DetoxReferredUp | DetoxCompleted | DetoxEnded


def leave(detox: Detox, started: DetoxStarted, command: Leaving) -> Left:
    """What a prescriber decides."""
    patient_id, home, kind = started.patient_id, started.home_site_id, DetoxKind(started.kind)
    match command:
        case DeclineReferral():
            if detox.status is not Status.REFERRAL_ADVISED:
                raise ReferralNotAdvised
            return ReferralDeclined(patient_id, home, detox.triggers, command.decided_by, command.reason)
        case ReferUp():
            return DetoxReferredUp(patient_id, home, kind, command.on, command.destination, command.decided_by)
        case CompleteDetox():
            calm, stop = calm_in_a_row(detox.scores, command.protocol), command.protocol.stop
            if command.rationale is None and calm < stop.in_a_row:
                raise StopRuleNotMet(
                    field="rationale",
                    in_a_row=calm,
                    needed=stop.in_a_row,
                    score_below=stop.score_below,
                    **command.protocol.named,
                )
            return DetoxCompleted(patient_id, home, kind, command.on, command.decided_by, command.rationale)
        case EndDetox():
            return DetoxEnded(patient_id, home, kind, command.on, command.decided_by, command.reason)
        case _:
            assert_never(command)


decider: Final[Decider[Detox]] = Decider("detox", Detox(), decide, evolve)
