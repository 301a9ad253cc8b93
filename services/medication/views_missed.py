"""Missed doses as they are read: how many in a row, and what each policy proposes."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from services.medication.asking import own_order
from services.medication.dosing import course_of
from services.medication.history import History, history_id
from services.medication.history import decider as history_decider
from services.medication.missed import MissedProposal, missed_in_a_row, proposal
from services.medication.missed_policies import missed_policies
from services.medication.prescription import Prescription
from services.medication.resumption import broken_off, needs_decision
from services.medication.site_time import local_date
from services.medication.window_policies import window_policies
from shared.failures import NotFound, Refused
from shared.http import QueryDoor


class NothingToMiss(Refused):
    """There is no policy about missed doses of this medicine, or it is an injection with a window of its own."""


@dataclass(frozen=True)
class MissedDoses:
    """`missed_in_a_row` doses were due and not taken before today; null when none was ever taken on any order.

    Doses of the substance on other orders and at other sites count as taken. `proposal` is that of the policy in force at the
    order's site, null when nothing was missed; `others` are what other policies would say. While `waits_for_decision`, no dose
    is accepted until a prescriber decides, here or by a new order. `dose_mg_max_decided` is what was decided last, if that
    limits the order's doses still.
    """

    order_id: UUID
    patient_id: UUID
    medicine: str
    today: date
    missed_in_a_row: int | None
    last_taken_on: date | None
    last_dose_mg: Decimal | None
    proposal: MissedProposal | None
    others: list[MissedProposal]
    waits_for_decision: bool
    dose_mg_max_decided: Decimal | None
    decided_by: str | None


async def of_order(door: QueryDoor, order_id: UUID) -> MissedDoses:
    """As of today at the order's site. Raises OrderNotDrafted and NothingToMiss."""
    _, order = await own_order(door, order_id)
    course = course_of(order_id, order)
    if course.policy is None:
        raise NothingToMiss(medicine=order.medicine)
    _, others = missed_policies().about(order.medicine, order.home_site_id)
    today = local_date(door.now, order.zone)
    history = await _history(door, order)
    taken = {on: dose_mg for on, dose_mg in history.by_date.items() if on < today}
    missed = missed_in_a_row(order.rhythm, order.starts_on, taken.keys(), today)
    last_on = max(taken, default=None)
    last_mg = taken[last_on] if last_on else None
    asked = (missed, last_mg) if missed and last_mg else None
    found, decided = broken_off(course, taken, today), history.resumed.get(order_id)
    return MissedDoses(
        order_id=order_id,
        patient_id=order.patient_id,
        medicine=order.medicine,
        today=today,
        missed_in_a_row=missed,
        last_taken_on=last_on,
        last_dose_mg=last_mg,
        proposal=proposal(course.policy, *asked) if asked else None,
        others=[proposal(one, *asked) for one in others] if asked else [],
        waits_for_decision=found is not None and needs_decision(found, decided),
        dose_mg_max_decided=decided.dose_mg_max if decided else None,
        decided_by=decided.decided_by if decided else None,
    )


async def _history(door: QueryDoor, order: Prescription) -> History:
    substance = window_policies().one_order.substance_of(order.medicine)
    try:
        return (await door.state(history_decider, history_id(order.patient_id, substance)))[0]
    except NotFound:
        return History()
