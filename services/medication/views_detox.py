"""Withdrawal managed here, as it is read: one course with what may be done now, and who at a site is due to be looked at."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, assert_never
from uuid import UUID

from services.medication import detox
from services.medication.detox_policies import Protocol, detox_policies
from services.medication.detox_state import DAY, Detox, Status, amount_now, calm_in_a_row, days_most, evolve
from shared.event import AnyRecorded
from shared.events.medication import (
    DetoxCompleted,
    DetoxDoseGiven,
    DetoxEnded,
    DetoxEvent,
    DetoxKind,
    DetoxReferredUp,
    DetoxStarted,
    PolicyUsed,
    ReferralAdvised,
    ReferralDeclined,
    WithdrawalScored,
    WithdrawalSign,
)
from shared.http import Page, QueryDoor
from shared.projector import Write


@dataclass(frozen=True)
class ScoreLine:
    """One look at the patient."""

    score: int
    signs: tuple[WithdrawalSign, ...]
    scored_at: datetime
    scored_by: str
    next_due_at: datetime


@dataclass(frozen=True)
class DetoxDoseLine:
    """One dose, in mg."""

    dose_id: UUID
    dose_mg: Decimal
    given_at: datetime
    observed_by: str
    score: int


@dataclass(frozen=True)
class DetoxSheet:
    """One course, always current. What the protocol has in mind for the next dose stands in `next_*`; a prescriber and a
    nurse decide. Amounts are in mg; `given_in_24_hours_mg` counts back from now.
    """

    detox_id: UUID
    patient_id: UUID
    version: int
    status: Status
    kind: DetoxKind
    protocol: PolicyUsed
    protocol_name: str
    source: str
    product_id: str
    started_at: datetime
    ends_at: datetime
    score_due_at: datetime
    next_dose_mg_min: Decimal | None
    next_dose_mg_max: Decimal | None
    next_dose_from: datetime | None
    next_dose_from_score: int | None
    given_in_24_hours_mg: Decimal
    day_mg_max: Decimal | None
    calm_in_a_row: int
    calm_needed: int
    triggers: tuple[str, ...]
    adjuncts: tuple[str, ...]
    scores: list[ScoreLine]
    doses: list[DetoxDoseLine]


async def sheet(door: QueryDoor, detox_id: UUID) -> DetoxSheet:
    """As of now. Raises DetoxNotStarted, also for what the caller may not see."""
    state, version = await door.state(detox.decider, detox_id)
    if state.started is None:
        raise detox.DetoxNotStarted
    started = state.started
    protocol = detox_policies().protocol(started.protocol.policy_id, started.protocol.policy_version)
    next_mg = next_dose(state, started, protocol)
    first_at = state.doses[0].given_at if state.doses else door.now
    return DetoxSheet(
        detox_id=detox_id,
        patient_id=started.patient_id,
        version=version,
        status=state.status,
        kind=started.kind,
        protocol=started.protocol,
        protocol_name=protocol.name,
        source=protocol.source,
        product_id=started.product_id,
        started_at=started.started_at,
        ends_at=started.started_at + timedelta(days=protocol.days_max),
        score_due_at=state.last.next_due_at if state.last else started.started_at,
        next_dose_mg_min=next_mg[0],
        next_dose_mg_max=next_mg[1],
        next_dose_from=next_mg[2],
        next_dose_from_score=protocol.later_from_score if state.doses else protocol.first_from_score,
        given_in_24_hours_mg=state.given_within(door.now - DAY, door.now + timedelta(microseconds=1)),
        day_mg_max=days_most(started, protocol, first_at, door.now),
        calm_in_a_row=calm_in_a_row(state.scores, protocol),
        calm_needed=protocol.stop.in_a_row,
        triggers=state.triggers,
        adjuncts=protocol.adjuncts,
        scores=[ScoreLine(one.score, one.signs, one.scored_at, one.scored_by, one.next_due_at) for one in state.scores],
        doses=[
            DetoxDoseLine(one.dose_id, one.dose_mg, one.given_at, one.observed_by, one.score) for one in state.doses
        ],
    )


def next_dose(
    state: Detox, started: DetoxStarted, protocol: Protocol
) -> tuple[Decimal | None, Decimal | None, datetime | None]:
    """From how much to how much, and not before when; nothing once the schedule has come to its end."""
    last = state.doses[-1].given_at if state.doses else None
    if not protocol.schedule:
        amount = amount_now(state, protocol)
        pause = timedelta(hours=float(protocol.hours_between))
        since = last + pause if last else started.first_dose_from
        return (amount.from_mg, amount.to_mg, since) if amount else (None, None, None)
    for one in protocol.schedule:
        at = started.started_at + timedelta(hours=float(one.hour))
        if last is None or at > last:
            return None, one.mg, at
    return None, None, None


@dataclass(frozen=True)
class DetoxLine:
    """One course at a site; `score_due_at` is when the patient has to be looked at, while it is under way."""

    detox_id: UUID
    patient_id: UUID
    kind: DetoxKind
    protocol: str
    medicine: str
    status: Status
    last_score: int | None
    scored_at: datetime | None
    score_due_at: datetime | None
    doses: int
    given_mg: Decimal
    started_at: datetime
    degraded_since: datetime | None


_LINE: Final = """detox_id, patient_id, kind, protocol, medicine, status, last_score, scored_at, score_due_at, doses, given_mg,
    started_at, projection.degraded_since(patient_id::text) as degraded_since"""


async def listed(door: QueryDoor, site_id: str, status: Status | None) -> Page[DetoxLine]:
    """The courses of a site, oldest first."""
    page = await door.page(
        f"select {_LINE} from view.detox where site_id = $1 and ($2::text is null or status = $2)",  # noqa: S608 - columns are ours
        site_id,
        status and status.value,
        key=("started_at", "detox_id"),
    )
    return Page(
        [DetoxLine(**row | {"kind": DetoxKind(row["kind"]), "status": Status(row["status"])}) for row in page.items],
        page.next,
    )


def writes(recorded: AnyRecorded) -> Sequence[Write]:
    """How an event changes the course's row."""
    event: DetoxEvent = recorded.data
    detox_id = UUID(recorded.subject_id)
    match event:
        case DetoxStarted():
            sql = """insert into view.detox (detox_id, site_id, patient_id, kind, protocol, medicine, status, score_due_at, started_at)
                     values ($1, $2, $3, $4, $5, $6, 'under_way', $7, $7)"""
            what = (event.kind.value, event.protocol.policy_id, event.medicine, event.started_at)
            return [Write(sql, (detox_id, event.home_site_id, event.patient_id, *what))]
        case WithdrawalScored():
            sql = "update view.detox set last_score = $2, scored_at = $3, score_due_at = $4 where detox_id = $1"
            return [Write(sql, (detox_id, event.score, event.scored_at, event.next_due_at))]
        case DetoxDoseGiven():
            sql = "update view.detox set doses = doses + 1, given_mg = given_mg + $2 where detox_id = $1"
            return [Write(sql, (detox_id, event.dose_mg))]
        case ReferralAdvised() | ReferralDeclined():
            status = Status.REFERRAL_ADVISED if isinstance(event, ReferralAdvised) else Status.UNDER_WAY
            return [Write("update view.detox set status = $2 where detox_id = $1", (detox_id, status.value))]
        case DetoxCompleted() | DetoxReferredUp() | DetoxEnded():
            over = evolve(Detox(), event).status.value
            return [
                Write("update view.detox set status = $2, score_due_at = null where detox_id = $1", (detox_id, over))
            ]
        case _:
            assert_never(event)
