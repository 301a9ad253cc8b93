"""What is written down about a taper: its plan, each confirmed and taken step, holds, its end."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from shared.event import Personal, event
from shared.events.medication.order import PolicyUsed
from shared.units import Code


class Tolerance(StrEnum):
    """How the patient bears the reduction, as the prescriber found it."""

    WELL = "well"
    SOME_SYMPTOMS = "some_symptoms"
    POORLY = "poorly"


class TaperHoldReason(StrEnum):
    """Why a taper waits."""

    WITHDRAWAL_SYMPTOMS = "withdrawal_symptoms"
    CRAVING = "craving"
    RETURN_TO_USE = "return_to_use"
    LIFE_EVENT = "life_event"
    INTERCURRENT_ILLNESS = "intercurrent_illness"
    MISSED_DOSES = "missed_doses"
    PREGNANCY = "pregnancy"
    PATIENT_CHOICE = "patient_choice"


class TaperStopReason(StrEnum):
    """Why a taper ended before its target."""

    STAYS_AT_THIS_DOSE = "stays_at_this_dose"
    NOT_TOLERATED = "not_tolerated"
    PATIENT_CHOICE = "patient_choice"
    REPLACED = "replaced"
    ORDER_DISCONTINUED = "order_discontinued"


class ReplanReason(StrEnum):
    """Why the rest of a taper was laid out anew."""

    SLOWED_DOWN = "slowed_down"
    MISSED_DOSES = "missed_doses"
    WITHDRAWAL_SYMPTOMS = "withdrawal_symptoms"
    CRAVING = "craving"
    RETURN_TO_USE = "return_to_use"
    CAP_CHANGED = "cap_changed"
    GOES_WELL = "goes_well"
    PATIENT_CHOICE = "patient_choice"


class ReversalReason(StrEnum):
    """Why the dose was raised again."""

    WITHDRAWAL_SYMPTOMS = "withdrawal_symptoms"
    CRAVING = "craving"
    RETURN_TO_USE = "return_to_use"
    PREGNANCY = "pregnancy"
    PATIENT_CHOICE = "patient_choice"


class TakenBasis(StrEnum):
    """How it is known that a step was taken."""

    OBSERVED = "observed"
    REPORTED = "reported"


class TaperShape(StrEnum):
    """How the steps of a taper were found."""

    BY_HAND = "by_hand"
    SMOOTHEST = "smoothest"
    LINEAR = "linear"
    PERCENT_OF_ORIGINAL = "percent_of_original"
    PERCENT_OF_CURRENT = "percent_of_current"
    HYPERBOLIC = "hyperbolic"


class EffectScale(StrEnum):
    """On which scale of effect a taper is smooth."""

    LINEAR = "linear"
    EXPONENTIAL = "exponential"
    HYPERBOLIC = "hyperbolic"


class DoseBasis(StrEnum):
    """From which dose of the step before the next ideal dose was taken."""

    IDEAL = "ideal"
    DISPENSED = "dispensed"


class DoseRounding(StrEnum):
    """Which way ideal doses were rounded to dispensable ones."""

    HALF_UP = "half_up"
    DOWN = "down"
    UP = "up"


@dataclass(frozen=True)
class TaperDesign:
    """How a plan was made. `scale_mg` is the reference dose (exponential) or the ED50 (hyperbolic): a stated assumption."""

    shape: TaperShape
    scale: EffectScale
    scale_mg: Decimal | None = None
    basis: DoseBasis | None = None
    rounding: DoseRounding | None = None


@dataclass(frozen=True)
class PlannedStep:
    """From `starts_on` at the site, `dose_mg` a day; steps are numbered from 1 in the order of the list.

    `ideal_mg` is what the plan's curve says before it is rounded to what can be handed out, where there is one.
    """

    starts_on: date
    dose_mg: Decimal
    ideal_mg: Decimal | None = None


@event()
class TaperStarted:
    """The way down was laid out, with dates at the site; each step still waits for a prescriber.

    `policies` are the caps that it was held to; `caps_exceeded` says which of them the rationale answers.
    """

    patient_id: UUID
    taper_id: UUID
    order_id: UUID
    medicine: Code
    zone: str
    start_dose_mg: Decimal
    target_dose_mg: Decimal
    steps: tuple[PlannedStep, ...]
    design: TaperDesign | None = None
    policies: tuple[PolicyUsed, ...] = ()
    caps_exceeded: tuple[Code, ...] = ()
    rationale: Personal[str | None] = None


@event()
class TaperStepConfirmed:
    """A prescriber assessed the patient and let the step begin on `effective_on`.

    A step that begins later than planned moves all later ones by the same number of days.
    """

    order_id: UUID
    medicine: Code
    step: int
    dose_mg: Decimal
    planned_on: date
    effective_on: date
    tolerance: Tolerance
    policy_id: Code
    policy_version: int
    assessment: Personal[str | None]


@event()
class TaperStepTaken:
    """The step's dose was taken for the first time; `dose_id` is the observed dose, None when reported."""

    order_id: UUID
    medicine: Code
    step: int
    dose_mg: Decimal
    taken_on: date
    basis: TakenBasis
    dose_id: UUID | None


@event()
class TaperStepReopened:
    """The dose by which the step had counted as taken was voided."""

    order_id: UUID
    step: int
    dose_id: UUID


@event()
class TaperHeld:
    """The patient stays at `dose_mg`; confirmed steps that had not begun on `held_on` are to be confirmed again."""

    order_id: UUID
    medicine: Code
    reason: TaperHoldReason
    held_on: date
    step: int
    dose_mg: Decimal
    note: Personal[str | None]


@event()
class TaperResumed:
    """The taper goes on; every step after `step` begins `moved_days` whole days later than it would have."""

    order_id: UUID
    resumed_on: date
    step: int
    moved_days: int


@event()
class TaperReplanned:
    """The way down after `step` was laid out anew from `replanned_on`; what was taken before stays, at `dose_mg`.

    A held taper goes on by it. New steps are numbered on from `step` and wait for their confirmations.
    """

    order_id: UUID
    medicine: Code
    reason: ReplanReason
    replanned_on: date
    step: int
    dose_mg: Decimal
    target_dose_mg: Decimal
    steps: tuple[PlannedStep, ...]
    policies: tuple[PolicyUsed, ...]
    caps_exceeded: tuple[Code, ...]
    rationale: Personal[str | None]
    note: Personal[str | None]


@event()
class TaperReversed:
    """A prescriber assessed the patient and raised the dose again to `dose_mg`: the step `step`, from `reversed_on`.

    The way down after it is `steps`, numbered on from there; a held taper goes on by it.
    """

    order_id: UUID
    medicine: Code
    reason: ReversalReason
    reversed_on: date
    step: int
    dose_mg: Decimal
    target_dose_mg: Decimal
    steps: tuple[PlannedStep, ...]
    policies: tuple[PolicyUsed, ...]
    caps_exceeded: tuple[Code, ...]
    rationale: Personal[str | None]
    assessment: Personal[str | None]


@event()
class TaperCompleted:
    """The target was reached."""

    order_id: UUID
    medicine: Code
    dose_mg: Decimal
    completed_on: date


@event()
class TaperStopped:
    """The taper ended before its target; the patient stays at `dose_mg`."""

    order_id: UUID
    medicine: Code
    reason: TaperStopReason
    dose_mg: Decimal
    stopped_on: date
    note: Personal[str | None]


type TaperEvent = (
    TaperStarted
    | TaperStepConfirmed
    | TaperStepTaken
    | TaperStepReopened
    | TaperHeld
    | TaperResumed
    | TaperReplanned
    | TaperReversed
    | TaperCompleted
    | TaperStopped
)
