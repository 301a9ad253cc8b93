"""Situations that the tests of medication start from: orders, tapers and doses as they occur."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from services.medication import order as orders
from services.medication import taper as tapers
from services.medication.dose import AdministerDose, MissDose, RefuseDose
from services.medication.dosing_slot import Place
from services.medication.formulary import formulary
from services.medication.order import DraftOrder, SignOrder
from services.medication.order_signing import Signer
from services.medication.rules_facts import Asking
from services.medication.rules_table import rule_table
from services.medication.taper import ConfirmStep, HoldTaper, ResumeTaper
from services.medication.taper_course import Taper
from services.medication.taper_start import StartTaper
from shared.access import Role
from shared.events.medication import (
    CareEnded,
    DoseAdministered,
    OrderDrafted,
    OrderHeld,
    OrderHoldReason,
    OrderPutOnTaper,
    OrderSigned,
    PlannedStep,
    RefusalReason,
    Rhythm,
    TakenBasis,
    TaperHeld,
    TaperHoldReason,
    TaperStarted,
    TaperStepConfirmed,
    TaperStepTaken,
    Tolerance,
)

PATIENT = UUID(int=1)
ORDER = UUID(int=2)
TAPER = UUID(int=3)
LATER_TAPER = UUID(int=4)
EPISODE = UUID(int=5)
DOSE = UUID(int=6)

NEW_YORK = "America/New_York"
MONDAY = date(2025, 3, 3)
TUESDAY = MONDAY + timedelta(days=1)
SUNDAY = MONDAY - timedelta(days=1)
NINE_O_CLOCK = datetime(2025, 3, 3, 14, tzinfo=UTC)

FILM = formulary().product("buprenorphine-naloxone-film")
CONCENTRATE = formulary().product("methadone-concentrate")
WEEKLY_DEPOT = formulary().product("buprenorphine-weekly-depot")
CONFIRMATION = formulary().confirmation
AFTER_DISCHARGE = formulary().after_discharge

DAILY = Rhythm(every_days=1, early_days_max=0, late_days_max=0)

DRAFT = DraftOrder(
    patient_id=PATIENT,
    home_site_id="riverside",
    zone=NEW_YORK,
    product=FILM,
    split_doses_mg=(Decimal(16),),
    starts_on=MONDAY,
    ends_on=None,
    every_days=None,
    new_start=False,
    instructions=None,
)
DRAFTED = OrderDrafted(
    patient_id=PATIENT,
    home_site_id="riverside",
    zone=NEW_YORK,
    product_id=FILM.id,
    product_version=1,
    medicine="buprenorphine-naloxone",
    dose_mg=Decimal(16),
    split_doses_mg=(Decimal(16),),
    rhythm=DAILY,
    starts_on=MONDAY,
    ends_on=None,
    new_start=False,
    instructions=None,
)
PRESCRIBER = Signer("prescriber-1", frozenset({Role.PRESCRIBER}))
ASKING = Asking(rule_table(), {}, NINE_O_CLOCK)
SIGN = SignOrder(ORDER, PRESCRIBER, ASKING, None)
SIGNED = OrderSigned(
    medicine="buprenorphine-naloxone",
    dose_mg=Decimal(16),
    starts_on=MONDAY,
    ends_on=None,
    policies=tuple(used for one in rule_table().at("riverside", FILM.medicine) for used in one.used),
    limits_exceeded=(),
    rationale=None,
)
HELD = OrderHeld(OrderHoldReason.IMPAIRMENT, MONDAY, None)
ON_TAPER = OrderPutOnTaper(TAPER)
DISCHARGED = CareEnded(PATIENT, EPISODE, MONDAY, "completed")

ORDERED = orders.decider.fold([DRAFTED, SIGNED])
ORDERED_WITH_TAPER = orders.decider.fold([DRAFTED, SIGNED, ON_TAPER])

AT_RIVERSIDE = Place(ORDER, MONDAY, 1, MONDAY)
ADMINISTER = AdministerDose(AT_RIVERSIDE, Decimal(16), NINE_O_CLOCK, "nurse-kim", "riverside")
REFUSE = RefuseDose(AT_RIVERSIDE, RefusalReason.FEELS_UNWELL, None)
MISS = MissDose(AT_RIVERSIDE)

ADMINISTERED = DoseAdministered(
    patient_id=PATIENT,
    order_id=ORDER,
    taper_id=None,
    medicine="buprenorphine-naloxone",
    dosing_on=MONDAY,
    zone=NEW_YORK,
    split=1,
    dose_mg=Decimal(16),
    ordered_mg=Decimal(16),
    given_at=NINE_O_CLOCK,
    observed_by="nurse-kim",
    site_id="riverside",
    home_site_id="riverside",
)

STEPS = tuple(
    PlannedStep(MONDAY + timedelta(weeks=week), Decimal(dose_mg)) for week, dose_mg in enumerate((14, 12, 8, 4))
)
START = StartTaper(TAPER, ORDER, FILM, Decimal(4), STEPS, MONDAY)
STARTED = TaperStarted(
    patient_id=PATIENT,
    taper_id=TAPER,
    order_id=ORDER,
    medicine="buprenorphine-naloxone",
    zone=NEW_YORK,
    start_dose_mg=Decimal(16),
    target_dose_mg=Decimal(4),
    steps=STEPS,
)


def confirm(step: int, on: date, today: date | None = None) -> ConfirmStep:
    """A prescriber finds the patient well enough for the step."""
    return ConfirmStep(step, Tolerance.WELL, "sleeps well, no craving", on, today or on, CONFIRMATION)


def confirmed(step: int, effective_on: date | None = None, planned_on: date | None = None) -> TaperStepConfirmed:
    """The step as planned, unless dates are given."""
    planned = planned_on or STEPS[step - 1].starts_on
    return TaperStepConfirmed(
        order_id=ORDER,
        medicine="buprenorphine-naloxone",
        step=step,
        dose_mg=STEPS[step - 1].dose_mg,
        planned_on=planned,
        effective_on=effective_on or planned,
        tolerance=Tolerance.WELL,
        policy_id=CONFIRMATION.id,
        policy_version=CONFIRMATION.version,
        assessment="sleeps well, no craving",
    )


def taken(step: int, on: date | None = None, dose_id: UUID | None = DOSE) -> TaperStepTaken:
    """The step was taken on its first day, unless a date is given."""
    return TaperStepTaken(
        order_id=ORDER,
        medicine="buprenorphine-naloxone",
        step=step,
        dose_mg=STEPS[step - 1].dose_mg,
        taken_on=on or STEPS[step - 1].starts_on,
        basis=TakenBasis.REPORTED if dose_id is None else TakenBasis.OBSERVED,
        dose_id=dose_id,
    )


def hold(on: date, today: date | None = None) -> HoldTaper:
    """The patient asks for time."""
    return HoldTaper(TaperHoldReason.WITHDRAWAL_SYMPTOMS, on, today or on, None)


def held(on: date, step: int) -> TaperHeld:
    """The taper waits at the step's dose."""
    dose_mg = STEPS[step - 1].dose_mg if step else Decimal(16)
    return TaperHeld(ORDER, "buprenorphine-naloxone", TaperHoldReason.WITHDRAWAL_SYMPTOMS, on, step, dose_mg, None)


def resume(on: date, today: date | None = None) -> ResumeTaper:
    """It goes on."""
    return ResumeTaper(on, today or on)


def taper_after(*events: object) -> Taper:
    """The taper's state after its start and these events."""
    return tapers.decider.fold([STARTED, *events])
