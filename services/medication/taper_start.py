"""How a taper starts: downward only, from what the order gives today to the target, in doses that can be handed out."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from services.medication import order as orders
from services.medication.product import Product
from services.medication.taper_caps import above_caps, checked
from services.medication.taper_course import BACKDATED_DAYS_MAX, PLANNED_DAYS_MAX, Status, Taper
from services.medication.taper_policies import TaperPolicy
from shared.decider import command
from shared.events.medication import EffectScale, PlannedStep, TaperDesign, TaperEvent, TaperStarted
from shared.failures import Invalid, Refused
from shared.units import Prose


@command
class StartTaper:
    """Lay out the way down from what the order gives today. A cut above a cap of `policies` needs a rationale."""

    taper_id: UUID
    order_id: UUID
    product: Product
    target_dose_mg: Decimal
    steps: tuple[PlannedStep, ...]
    today: date
    policies: tuple[TaperPolicy, ...] = ()
    design: TaperDesign | None = None
    rationale: Prose | None = None


class TaperAlreadyStarted(Refused):
    """There is a taper under this id already."""


class OrderHasTaper(Refused):
    """The order is on a taper that has not ended."""


class TaperNeedsOneDoseADay(Refused):
    """Only an order of one dose every day can be tapered here."""


class DoseRises(Invalid):
    """A taper never raises the dose."""


class StepsOutOfOrder(Invalid):
    """Each step begins after the one before it."""


class StartsTooLongAgo(Invalid):
    """A taper is not entered that long after its first step."""


class StepTooFarAhead(Invalid):
    """No taper is planned that far ahead."""


class TargetNotReached(Invalid):
    """The last step has to be the target."""


class ScaleNeedsParameter(Invalid):
    """Every effect scale but the linear one takes a reference dose or an ED50, above 0."""


def start(taper: Taper, command: StartTaper, order: orders.Order | None, earlier: Taper | None) -> Sequence[TaperEvent]:
    """Downward only, from what is given today to the target, in dispensable doses on rising dates."""
    if taper.status is not Status.ABSENT:
        raise TaperAlreadyStarted
    prescription = orders.prescription_in_force(order)
    assert order is not None
    if len(prescription.split_doses_mg) > 1 or prescription.rhythm.every_days > 1:
        raise TaperNeedsOneDoseADay
    if order.taper_id is not None and (earlier is None or earlier.taper_id != order.taper_id):
        raise orders.OrderMoved
    if earlier is not None and earlier.status in {Status.ACTIVE, Status.HELD}:
        raise OrderHasTaper(taper_id=str(order.taper_id))
    first_on = command.steps[0].starts_on
    if (command.today - first_on).days > BACKDATED_DAYS_MAX:
        raise StartsTooLongAgo(field="steps[0].starts_on", days_max=BACKDATED_DAYS_MAX)
    start_dose_mg = earlier.dose_on(first_on) if earlier is not None else prescription.dose_mg
    # What was dosed under an earlier taper stays with that one.
    check_steps(command, start_dose_mg, prescription.starts_on if earlier is None else command.today, command.today)
    check_design(command.design)
    # Before there was a taper, the order's dose was taken.
    taken = earlier.dose_on if earlier is not None else lambda _: start_dose_mg
    exceeded = checked(above_caps(command.policies, command.steps, taken), command.rationale)
    return [
        TaperStarted(
            patient_id=prescription.patient_id,
            taper_id=command.taper_id,
            order_id=command.order_id,
            medicine=prescription.medicine,
            zone=prescription.zone,
            start_dose_mg=start_dose_mg,
            target_dose_mg=command.target_dose_mg,
            steps=command.steps,
            design=command.design,
            policies=tuple(one.used for one in command.policies),
            caps_exceeded=exceeded,
            rationale=command.rationale,
        )
    ]


def check_design(design: TaperDesign | None) -> None:
    """Raises ScaleNeedsParameter."""
    if design is not None and (design.scale is EffectScale.LINEAR) == bool(design.scale_mg):
        raise ScaleNeedsParameter(field="design.scale_mg")


class WayDown(Protocol):
    """What a plan says, also the plan of a rest."""

    @property
    def product(self) -> Product:
        """What is handed out."""

    @property
    def steps(self) -> tuple[PlannedStep, ...]:
        """The way down."""

    @property
    def target_dose_mg(self) -> Decimal:
        """Where it ends."""


def check_steps(plan: WayDown, start_dose_mg: Decimal, not_before: date, today: date) -> None:
    """Raises the first thing that is wrong with the list, naming the step."""
    if (plan.steps[-1].starts_on - today).days > PLANNED_DAYS_MAX:
        raise StepTooFarAhead(field=f"steps[{len(plan.steps) - 1}].starts_on", days_max=PLANNED_DAYS_MAX)
    dose_mg, starts_on = start_dose_mg, None
    for index, step in enumerate(plan.steps):
        if step.dose_mg > dose_mg:
            raise DoseRises(field=f"steps[{index}].dose_mg", before_mg=str(dose_mg))
        if not plan.product.dispensable(step.dose_mg):
            raise orders.DoseNotDispensable(field=f"steps[{index}].dose_mg", product_id=plan.product.id)
        if step.starts_on < not_before or (starts_on is not None and step.starts_on <= starts_on):
            raise StepsOutOfOrder(field=f"steps[{index}].starts_on")
        dose_mg, starts_on = step.dose_mg, step.starts_on
    if dose_mg != plan.target_dose_mg:
        raise TargetNotReached(field="target_dose_mg", last_step_mg=str(dose_mg))
