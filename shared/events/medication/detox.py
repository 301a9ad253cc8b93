"""What is written down about one withdrawal that is managed here: scores, doses, and how it ended."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from shared.event import Personal, event
from shared.events.medication.order import PolicyUsed
from shared.units import Code


class DetoxKind(StrEnum):
    """From what the patient withdraws."""

    ALCOHOL = "alcohol"
    BENZODIAZEPINE = "benzodiazepine"
    OPIOID = "opioid"


class WithdrawalSign(StrEnum):
    """What is seen beside the score."""

    SEIZURE = "seizure"
    DELIRIUM = "delirium"
    NEW_HALLUCINATIONS = "new-hallucinations"
    UNSTABLE_VITAL_SIGNS = "unstable-vital-signs"
    OVERSEDATED = "oversedated"
    PRECIPITATED_WITHDRAWAL = "precipitated-withdrawal"


class WithdrawalRisk(StrEnum):
    """What speaks against managing the withdrawal here."""

    PAWSS_AT_LEAST_4 = "pawss-at-least-4"
    EARLIER_SEIZURE_OR_DELIRIUM = "earlier-seizure-or-delirium"
    UNSTABLE_MEDICALLY = "unstable-medically"
    PREGNANT = "pregnant"
    NO_SOBER_SUPPORT = "no-sober-support"
    IMMINENT_DANGER = "imminent-danger"


@event()
class DetoxStarted:
    """A prescriber lets a patient's withdrawal be managed by a protocol, with one product.

    `started_at` is the first hour of the protocol. `day_mg_max` is the most in 24 hours, where not the protocol but the
    conversion by `equivalence` says so. `first_dose_from` is the earliest moment of the first dose, after the last use.
    """

    patient_id: UUID
    home_site_id: str
    zone: str
    kind: DetoxKind
    protocol: PolicyUsed
    product_id: Code
    product_version: int
    medicine: Code
    started_at: datetime
    first_dose_from: datetime
    started_by: str
    risks: tuple[WithdrawalRisk, ...]
    equivalence: PolicyUsed | None
    day_mg_max: Decimal | None


@event()
class WithdrawalScored:
    """The patient was looked at; the next time is `next_due_at` at the latest."""

    patient_id: UUID
    home_site_id: str
    instrument: Code
    score: int
    signs: tuple[WithdrawalSign, ...]
    scored_at: datetime
    scored_by: str
    next_due_at: datetime
    note: Personal[str | None]


@event()
class DetoxDoseGiven:
    """A dose by the protocol, taken while `observed_by` watched; `score` is the one that it followed."""

    patient_id: UUID
    home_site_id: str
    site_id: str
    dose_id: UUID
    product_id: Code
    medicine: Code
    dose_mg: Decimal
    given_at: datetime
    observed_by: str
    score: int


@event()
class ReferralAdvised:
    """The protocol says that this withdrawal belongs elsewhere; nothing is given until a prescriber has decided."""

    patient_id: UUID
    home_site_id: str
    triggers: tuple[Code, ...]
    protocol: PolicyUsed


@event()
class ReferralDeclined:
    """A prescriber goes on here, and says why."""

    patient_id: UUID
    home_site_id: str
    triggers: tuple[Code, ...]
    decided_by: str
    reason: Personal[str | None]


@event()
class DetoxReferredUp:
    """The patient is handed over to a higher level of care."""

    patient_id: UUID
    home_site_id: str
    kind: DetoxKind
    referred_on: date
    destination: str
    decided_by: str


@event()
class DetoxCompleted:
    """Withdrawal is over."""

    patient_id: UUID
    home_site_id: str
    kind: DetoxKind
    completed_on: date
    decided_by: str
    rationale: Personal[str | None]


@event()
class DetoxEnded:
    """The protocol was left before its end: the patient did not want it any more, or did not come."""

    patient_id: UUID
    home_site_id: str
    kind: DetoxKind
    ended_on: date
    decided_by: str
    reason: Personal[str | None]


type DetoxEvent = (
    DetoxStarted
    | WithdrawalScored
    | DetoxDoseGiven
    | ReferralAdvised
    | ReferralDeclined
    | DetoxReferredUp
    | DetoxCompleted
    | DetoxEnded
)
