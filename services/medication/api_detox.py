"""Routes: withdrawal that is managed here, from the start to its end or to a higher level of care."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID, uuid5

from fastapi import APIRouter, Body
from pydantic import Field

from services.medication import detox, detox_dose, examples_detox, history, stock, story, views_detox
from services.medication.api_order import DoseMg
from services.medication.detox_policies import LastUse, Protocol, detox_policies
from services.medication.detox_state import Status
from services.medication.formulary import formulary
from services.medication.history import CountDose, Taken, history_id
from services.medication.paths import AtSite, DetoxId
from services.medication.resumption import Course
from services.medication.site_time import local_date, zone_here
from services.medication.stock import pour_id
from services.medication.stock_state import stock_id
from services.medication.story import Story
from services.medication.views_detox import DetoxLine, DetoxSheet
from services.medication.window_policies import window_policies
from shared.decider import command
from shared.events.medication import DetoxStarted, WithdrawalRisk, WithdrawalSign
from shared.failures import Invalid
from shared.http import Accepted, Commands, Page, Queries
from shared.log import Act, Subject
from shared.units import Code, Instant, Name, Prose

router = APIRouter(tags=["detox"])


class MomentNotYetReached(Invalid):
    """It lies in the future."""


@command
class ConvertedFrom:
    """How much of which benzodiazepine was taken a day, and by which table it is converted."""

    medicine: Code
    day_mg: DoseMg
    table: Code


@command
class LastUsed:
    """Which kind of opioid was used last, and when."""

    kind: LastUse
    at: Instant


@command
class DetoxBeginning:
    """By which protocol, with which product; from now on, unless dated back."""

    patient_id: UUID
    protocol: Code
    product_id: Code
    started_at: Instant | None = None
    risks: tuple[WithdrawalRisk, ...] = ()
    converted: ConvertedFrom | None = None
    last_use: LastUsed | None = None


@command
class WithdrawalScore:
    """The instrument's total and what was seen; now, unless dated back."""

    score: Annotated[int, Field(ge=0, le=200, examples=[12])]
    signs: tuple[WithdrawalSign, ...] = ()
    scored_at: Instant | None = None
    note: Prose | None = None


@command
class DetoxDose:
    """How much was taken; now and seen by the caller, unless said otherwise."""

    dose_mg: DoseMg
    given_at: Instant | None = None
    observed_by: Code | None = None


@command
class ReferralReason:
    """Why the patient stays."""

    reason: Prose


@command
class HigherCare:
    """Where the patient is handed over to."""

    destination: Name
    referred_on: date | None = None


@command
class DetoxCompletion:
    """A rationale is needed where the stop rule is not met."""

    completed_on: date | None = None
    rationale: Prose | None = None


@command
class DetoxEnding:
    """Why the protocol is left before its end."""

    reason: Prose
    ended_on: date | None = None


@router.put("/detox/{detox_id}", status_code=201)
async def start_detox(
    detox_id: DetoxId, body: Annotated[DetoxBeginning, Body(openapi_examples=examples_detox.BEGINNING)], door: Commands
) -> Accepted:
    """Begin a withdrawal protocol under an id of your choice. A risk that it names advises a referral at once."""
    policies, taken, used = detox_policies(), body.converted, body.last_use
    start = detox.StartDetox(
        patient_id=body.patient_id,
        home_site_id=door.site_id,
        zone=await zone_here(door),
        protocol=policies.protocol(body.protocol),
        product=formulary().product(body.product_id),
        started_at=moment(door, body.started_at, "started_at"),
        started_by=door.caller.subject,
        risks=body.risks,
        converted=detox.Converted(taken.medicine, taken.day_mg, policies.equivalence(taken.table)) if taken else None,
        last_use=detox.Used(used.kind, used.at) if used else None,
    )
    act = Act(detox.decider, detox_id, start, Subject(body.patient_id), effective_at=body.started_at)
    return await door.handle(act)


@router.post("/detox/{detox_id}/scores", status_code=201)
async def score_withdrawal(
    detox_id: DetoxId, body: Annotated[WithdrawalScore, Body(openapi_examples=examples_detox.SCORE)], door: Commands
) -> Accepted:
    """Write down a score and what was seen; the answer's events say whether a referral is advised."""
    _, protocol = await under(door, detox_id)
    at = moment(door, body.scored_at, "scored_at")
    score = detox.ScoreWithdrawal(protocol, body.score, body.signs, at, door.caller.subject, body.note)
    return await door.handle(Act(detox.decider, detox_id, score, effective_at=body.scored_at))


@router.post("/detox/{detox_id}/doses", status_code=201)
async def give_detox_dose(
    detox_id: DetoxId, body: Annotated[DetoxDose, Body(openapi_examples=examples_detox.DOSE)], door: Commands
) -> Accepted:
    """Record a dose by the protocol. It counts in the patient's history of the substance and leaves the site's bottles."""
    started, protocol = await under(door, detox_id)
    at = moment(door, body.given_at, "given_at")
    give = detox_dose.GiveDose(
        protocol=protocol,
        product=formulary().product(started.product_id, started.product_version),
        dose_id=uuid5(detox_id, at.isoformat()),
        dose_mg=body.dose_mg,
        given_at=at,
        observed_by=body.observed_by or door.caller.subject,
        site_id=door.site_id,
    )
    subject = Subject(started.patient_id)
    return await door.handle(
        Act(detox.decider, detox_id, give, effective_at=body.given_at),
        counted(detox_id, started, give, subject),
        poured(started, give),
    )


@router.post("/detox/{detox_id}/referral-refusal", status_code=201)
async def decline_referral(
    detox_id: DetoxId, body: Annotated[ReferralReason, Body(openapi_examples=examples_detox.STAYS)], door: Commands
) -> Accepted:
    """Go on here although a referral is advised, in your name."""
    decline = detox.DeclineReferral(door.caller.subject, body.reason)
    return await door.handle(Act(detox.decider, detox_id, decline, expected=door.expected()))


@router.post("/detox/{detox_id}/referral", status_code=201)
async def refer_detox_up(
    detox_id: DetoxId, body: Annotated[HigherCare, Body(openapi_examples=examples_detox.REFERRAL)], door: Commands
) -> Accepted:
    """Hand the patient over to a higher level of care; intake hears it, and its detox gate says so."""
    started, _ = await under(door, detox_id)
    on = day(door, started, body.referred_on, "referred_on")
    refer = detox.ReferUp(on, body.destination, door.caller.subject)
    return await door.handle(Act(detox.decider, detox_id, refer))


@router.post("/detox/{detox_id}/completion", status_code=201)
async def complete_detox(
    detox_id: DetoxId,
    body: Annotated[DetoxCompletion, Body(openapi_examples=examples_detox.COMPLETION)],
    door: Commands,
) -> Accepted:
    """Withdrawal is over; intake hears it and opens its detox gate."""
    started, protocol = await under(door, detox_id)
    on = day(door, started, body.completed_on, "completed_on")
    complete = detox.CompleteDetox(protocol, on, door.caller.subject, body.rationale)
    return await door.handle(Act(detox.decider, detox_id, complete, expected=door.expected()))


@router.post("/detox/{detox_id}/ending", status_code=201)
async def end_detox(
    detox_id: DetoxId, body: Annotated[DetoxEnding, Body(openapi_examples=examples_detox.ENDING)], door: Commands
) -> Accepted:
    """Leave the protocol before its end; the detox gate stays as it is."""
    started, _ = await under(door, detox_id)
    on = day(door, started, body.ended_on, "ended_on")
    return await door.handle(Act(detox.decider, detox_id, detox.EndDetox(on, door.caller.subject, body.reason)))


@router.get("/detox/{detox_id}")
async def get_detox(detox_id: DetoxId, door: Queries) -> DetoxSheet:
    """Scores and doses so far, what the protocol has in mind next, and when the patient is due to be looked at."""
    return await views_detox.sheet(door, detox_id)


@router.get("/detox/{detox_id}/story")
async def get_detox_story(detox_id: DetoxId, door: Queries) -> Story:
    """Every event of the course, with its notes."""
    return await story.told(door, detox.decider, detox_id)


@router.get("/sites/{site_id}/detox")
async def list_detox(site_id: AtSite, door: Queries, status: Status | None = None) -> Page[DetoxLine]:
    """Whose withdrawal is managed at the site, and who is due to be looked at when?"""
    return await views_detox.listed(door, site_id, status)


async def under(door: Queries, detox_id: UUID) -> tuple[DetoxStarted, Protocol]:
    """How the course began, and its protocol in the version that it began with. Raises DetoxNotStarted."""
    state, _ = await door.state(detox.decider, detox_id)
    if state.started is None:
        raise detox.DetoxNotStarted
    used = state.started.protocol
    return state.started, detox_policies().protocol(used.policy_id, used.policy_version)


def moment(door: Queries, at: datetime | None, field: str) -> datetime:
    """Now, or then. Raises MomentNotYetReached."""
    if at is not None and at > door.now:
        raise MomentNotYetReached(field=field)
    return at or door.now


def day(door: Queries, started: DetoxStarted, on: date | None, field: str) -> date:
    """Today at the site, or that day. Raises MomentNotYetReached."""
    today = local_date(door.now, started.zone)
    if on is not None and on > today:
        raise MomentNotYetReached(field=field)
    return on or today


def counted(detox_id: UUID, started: DetoxStarted, give: detox_dose.GiveDose, subject: Subject) -> Act:
    """The course counts as an order: no other one of the substance is dosed on the same date unnoticed."""
    policy = window_policies().one_order
    on = local_date(give.given_at, started.zone)
    substance = policy.substance_of(started.medicine)
    course = Course(detox_id, formulary().product(started.product_id, started.product_version).rhythm, on, None)
    taken = Taken(detox_id, on, on, Decimal(give.dose_mg))
    count = CountDose(started.patient_id, substance, give.dose_id, taken, started.home_site_id, policy, course)
    return Act(history.decider, history_id(started.patient_id, substance), count, subject)


def poured(started: DetoxStarted, give: detox_dose.GiveDose) -> Act:
    """The dose leaves the bottles of the site, if it keeps a book of the product."""
    pour = stock.PourDose(
        shelf=stock.Shelf(give.site_id, started.product_id),
        medicine=started.medicine,
        pour_id=pour_id(give.dose_id, give.site_id, give.given_at),
        dose_id=give.dose_id,
        amount_mg=give.dose_mg,
        poured_by=give.observed_by,
        on=local_date(give.given_at, started.zone),
        poured_at=give.given_at,
    )
    return Act(stock.decider, stock_id(give.site_id, started.product_id), pour)
