"""A draft says what is to be given: every part of it can be handed out, and as often as the product allows."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from uuid import UUID

from services.medication.chart import Chart
from services.medication.prescription import written
from services.medication.product import Product
from services.medication.rules_facts import Asking, fired
from shared.decider import command
from shared.events.medication import OrderDrafted, Rhythm
from shared.failures import Invalid
from shared.units import Prose


@command
class DraftOrder:
    """Write an order down; `home_site_id` and `zone` are those of the drafting site. Without `asking` no rule is asked."""

    patient_id: UUID
    home_site_id: str
    zone: str
    product: Product
    split_doses_mg: tuple[Decimal, ...]
    starts_on: date
    ends_on: date | None
    every_days: int | None
    new_start: bool
    instructions: Prose | None
    low_dose_protocol: bool = False
    order_id: UUID | None = None
    asking: Asking | None = None


class DoseNotDispensable(Invalid):
    """The dose cannot be made up from the product's strengths."""


class OrderEndsBeforeItStarts(Invalid):
    """The last day lies before the first."""


class DosesTooClose(Invalid):
    """The product is not given that often."""


def draft(command: DraftOrder, chart: Chart) -> OrderDrafted:
    """Every part of a day has to be dispensable. What the rules say is written down; they decide at the signature."""
    product = command.product
    check_doses(product, command.split_doses_mg)
    if command.ends_on is not None and command.ends_on < command.starts_on:
        raise OrderEndsBeforeItStarts(field="ends_on")
    drafted = OrderDrafted(
        patient_id=command.patient_id,
        home_site_id=command.home_site_id,
        zone=command.zone,
        product_id=product.id,
        product_version=product.version,
        medicine=product.medicine,
        dose_mg=sum(command.split_doses_mg, Decimal(0)),
        split_doses_mg=command.split_doses_mg,
        rhythm=rhythm(command),
        starts_on=command.starts_on,
        ends_on=command.ends_on,
        new_start=command.new_start,
        instructions=command.instructions,
        low_dose_protocol=command.low_dose_protocol,
    )
    if command.asking is None or command.order_id is None:
        return drafted
    said = fired(command.order_id, written(drafted), chart, command.asking)
    return replace(drafted, rules_fired=tuple(one.fired for one in said))


def check_doses(product: Product, split_doses_mg: tuple[Decimal, ...]) -> None:
    """Each part can be handed out, and injections are not added up. Raises DoseNotDispensable, DosesTooClose."""
    for index, dose_mg in enumerate(split_doses_mg):
        if dose_mg == 0 or not product.dispensable(dose_mg):
            raise DoseNotDispensable(field=f"split_doses_mg[{index}]")
    if product.single_unit and len(split_doses_mg) > 1:
        raise DosesTooClose(field="split_doses_mg")


def rhythm(command: DraftOrder) -> Rhythm:
    """The product's, or a slower one."""
    product = command.product.rhythm
    if command.every_days is None:
        return product
    if command.every_days < product.every_days:
        raise DosesTooClose(field="every_days", at_least=product.every_days)
    return replace(product, every_days=command.every_days)
