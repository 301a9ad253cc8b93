"""Missed doses as they are read: how many in a row, and what each policy proposes."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from services.medication.asking import own_order
from services.medication.formulary import formulary
from services.medication.missed import MissedProposal, missed_in_a_row, proposal
from services.medication.missed_policies import missed_policies
from services.medication.product import Form
from services.medication.site_time import local_date
from shared.failures import Refused
from shared.http import QueryDoor

# A patient who was dosed on another order of the same substance, at whichever site, has not missed that date.
_TAKEN: Final = """
select dosing_on, sum(dose_mg) as dose_mg from view.dose
where patient_id = $1 and medicine = any($2) and status = 'administered' group by dosing_on
"""
_DEGRADED: Final = "select projection.degraded_since($1::text) as degraded_since"


class NothingToMiss(Refused):
    """There is no policy about missed doses of this medicine, or it is an injection with a window of its own."""


@dataclass(frozen=True)
class MissedDoses:
    """`missed_in_a_row` doses were due and not taken before today; null when none was ever taken on any order.

    `proposal` is that of the policy in force at the order's site, null when nothing was missed; `others` are what other
    policies would say. None of it changes the order: a prescriber decides, by giving the dose, or by drafting a new order.
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
    degraded_since: datetime | None


async def of_order(door: QueryDoor, order_id: UUID) -> MissedDoses:
    """As of today at the order's site. Raises OrderNotDrafted and NothingToMiss."""
    _, order = await own_order(door, order_id)
    in_force, others = missed_policies().about(order.medicine, order.home_site_id)
    product = formulary().product(order.product_id, order.product_version)
    if not in_force or product.form is Form.EXTENDED_RELEASE_INJECTION:
        raise NothingToMiss(medicine=order.medicine)
    today = local_date(door.now, order.zone)
    substances = [*in_force[0].medicines]
    rows = await door.rows(_TAKEN, order.patient_id, substances)
    taken: dict[date, Decimal] = {row["dosing_on"]: row["dose_mg"] for row in rows if row["dosing_on"] < today}
    missed = missed_in_a_row(order.rhythm, order.starts_on, taken.keys(), today)
    last_on = max(taken, default=None)
    last_mg = taken[last_on] if last_on else None
    asked = (missed, last_mg) if missed and last_mg else None
    return MissedDoses(
        order_id=order_id,
        patient_id=order.patient_id,
        medicine=order.medicine,
        today=today,
        missed_in_a_row=missed,
        last_taken_on=last_on,
        last_dose_mg=last_mg,
        proposal=proposal(in_force[0], *asked) if asked else None,
        others=[proposal(one, *asked) for one in others] if asked else [],
        degraded_since=(await door.one(_DEGRADED, str(order.patient_id)))["degraded_since"],
    )
