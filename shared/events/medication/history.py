"""What is written down about a patient and one substance: on which dates it was taken, on which order."""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from shared.event import Personal, event
from shared.events.medication.order import PolicyUsed
from shared.units import Code


class Then(StrEnum):
    """What a policy proposes after missed doses."""

    GO_ON = "go_on"
    REDUCE = "reduce"
    START_ANEW = "start_anew"


class Assess(StrEnum):
    """What is to be looked at before a patient who missed doses is dosed."""

    INTOXICATION = "intoxication"
    WITHDRAWAL = "withdrawal"
    SEEN_IN_PERSON = "seen-in-person"
    FULL_AGONIST_USE = "full-agonist-use"


@event()
class MedicineTaken:
    """A dose counts for `dosing_on`; it was taken on the home site's date `taken_on`."""

    patient_id: UUID
    substance: Code
    dose_id: UUID
    order_id: UUID
    dosing_on: date
    taken_on: date
    dose_mg: Decimal
    home_site_id: str


@event()
class MedicineNotTaken:
    """The dose that was counted never was."""

    patient_id: UUID
    substance: Code
    dose_id: UUID
    home_site_id: str


@event()
class SecondOrderAllowed:
    """A named physician lets a second order of the same substance be dosed on a date on which another one was."""

    patient_id: UUID
    substance: Code
    order_id: UUID
    dosing_on: date
    physician: str
    reason: Personal[str | None]


@event()
class ResumptionDecided:
    """A prescriber decided how an order goes on after `missed_in_a_row` doses that followed the one of `last_taken_on`.

    From then on at most `dose_mg_max` a date are given on the order, or what is ordered where it is null, until the next
    decision. `then`, `proposed_mg_max` (null: begin anew) and `policy` are what was proposed; `assessed` what was looked at.
    """

    patient_id: UUID
    substance: Code
    order_id: UUID
    last_taken_on: date
    missed_in_a_row: int
    last_dose_mg: Decimal
    dose_mg_max: Decimal | None
    policy: PolicyUsed
    then: Then
    proposed_mg_max: Decimal | None
    assessed: tuple[Assess, ...]
    decided_by: str
    home_site_id: str
    rationale: Personal[str | None]


type HistoryEvent = MedicineTaken | MedicineNotTaken | SecondOrderAllowed | ResumptionDecided
