"""What is written down about an episode of care: admission, steps between levels, discharge."""

from datetime import date
from enum import StrEnum
from uuid import UUID

from shared.event import Personal, event


class LevelOfCare(StrEnum):
    """ASAM levels of both editions, by number; the texts are licensed and not kept here."""

    EARLY_INTERVENTION = "0.5"
    OUTPATIENT = "1.0"
    OUTPATIENT_THERAPY = "1.5"
    MANAGED_OUTPATIENT = "1.7"
    INTENSIVE_OUTPATIENT = "2.1"
    HIGH_INTENSITY_OUTPATIENT = "2.5"
    MANAGED_INTENSIVE_OUTPATIENT = "2.7"
    RESIDENTIAL_LOW = "3.1"
    RESIDENTIAL_SPECIFIC = "3.3"
    RESIDENTIAL_HIGH = "3.5"
    RESIDENTIAL_MANAGED = "3.7"
    INPATIENT = "4.0"


class StepReason(StrEnum):
    """Why somebody moves to another level of care."""

    GOALS_MET = "goals_met"
    NOT_IMPROVING = "not_improving"
    NEW_RISK = "new_risk"
    PATIENT_CHOICE = "patient_choice"
    PAYER = "payer"


class DischargeReason(StrEnum):
    """Why an episode of care ended (facts 2.3)."""

    COMPLETED = "completed"
    TRANSFERRED_UP = "transferred_up"
    TRANSFERRED_DOWN = "transferred_down"
    LEFT_AGAINST_ADVICE = "left_against_advice"
    ADMINISTRATIVE = "administrative"
    INCARCERATED = "incarcerated"
    DECEASED = "deceased"
    LOST_TO_CONTACT = "lost_to_contact"


@event()
class PatientAdmitted:
    """An episode of care began at a site and level, on the ground of a signed evaluation."""

    patient_id: UUID
    evaluation_id: UUID
    level_of_care: LevelOfCare
    admitted_on: date
    adolescent: bool


@event()
class LevelOfCareStepped:
    """The patient went on at another level of care."""

    patient_id: UUID
    level_of_care: LevelOfCare
    stepped_on: date
    reason: StepReason


@event()
class PatientDischarged:
    """The episode of care ended."""

    patient_id: UUID
    reason: DischargeReason
    discharged_on: date
    summary: Personal[str | None]


type EpisodeEvent = PatientAdmitted | LevelOfCareStepped | PatientDischarged
