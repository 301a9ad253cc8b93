"""What a check of an order needs from outside: the rules, the last doses that were given, and the patient's chart."""

from datetime import datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

from services.medication import chart, order
from services.medication.chart import Chart
from services.medication.order_signing import Signer
from services.medication.prescription import Prescription
from services.medication.rules_facts import Asking
from services.medication.rules_table import rule_table
from shared.failures import NotFound
from shared.http import CommandDoor, QueryDoor
from shared.log import Given

_LAST_DOSES = """select medicine, max(given_at) as given_at from view.dose
                 where patient_id = $1 and status = 'administered' group by medicine"""


async def asking(door: QueryDoor, patient_id: UUID, starts_at: datetime) -> Asking:
    """As of now, or of `starts_at` when that is still to come; doses of every site count."""
    rows = await door.rows(_LAST_DOSES, patient_id)
    last = {row["medicine"]: row["given_at"] for row in rows}
    return Asking(rule_table(), last, max(door.now, starts_at))


async def asking_about(door: QueryDoor, prescription: Prescription) -> Asking:
    """The same about an order that is written down."""
    starts_at = datetime.combine(prescription.starts_on, time.min, ZoneInfo(prescription.zone))
    return await asking(door, prescription.patient_id, starts_at)


async def own_order(door: QueryDoor, order_id: UUID) -> tuple[order.Order, Prescription]:
    """An order of one of the caller's sites. Raises OrderNotDrafted, also for those of other sites."""
    state, _ = await door.state(order.decider, order_id)
    prescription = order.prescribed(state)
    if not door.caller.may_act_at(prescription.home_site_id):
        raise order.OrderNotDrafted
    return state, prescription


async def chart_of(door: QueryDoor, patient_id: UUID) -> Chart:
    """The chart as it stands; empty when nothing is known."""
    try:
        return (await door.state(chart.decider, patient_id))[0]
    except NotFound:
        return Chart()


def given_chart(patient_id: UUID) -> tuple[Given, ...]:
    """The chart as it stands when the command is committed."""
    return (Given(chart.decider, patient_id),)


def signer(door: CommandDoor) -> Signer:
    """Who is asking."""
    return Signer(door.caller.subject, door.caller.roles)
