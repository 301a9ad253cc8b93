"""What is written down when a patient is assessed with an instrument such as COWS or PHQ-9."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from shared.event import Personal, event


class AssessmentMode(StrEnum):
    """Who filled the form in."""

    SELF_REPORT = "self_report"
    CLINICIAN = "clinician"


@dataclass(frozen=True)
class ItemAnswer:
    """The value of one item of an instrument."""

    item: str
    value: int


@dataclass(frozen=True)
class Measure:
    """A raw reading that an item is derived from, such as the pulse; the unit is in the name (`pulse_bpm`)."""

    name: str
    value: int


@event()
class InstrumentScored:
    """A patient was assessed with an instrument; the total was computed here and is None when the form is incomplete."""

    patient_id: UUID
    instrument_id: str
    instrument_version: int
    language: str
    mode: AssessmentMode
    look_back: str
    answers: tuple[ItemAnswer, ...]
    measures: tuple[Measure, ...]
    missing: tuple[str, ...]
    prorated: bool
    total: int | None
    band: str | None


@event()
class DangerSignRaised:
    """An answer cannot wait; a clinician has to see it and say what was done."""

    patient_id: UUID
    sign: str
    instrument_id: str
    item: str
    action: str


@event()
class DangerSignClosed:
    """A clinician saw the danger sign and acted."""

    sign: str
    action_taken: Personal[str | None]


@event()
class AssessmentRetracted:
    """The assessment was entered in error and does not count."""

    reason: Personal[str | None]


type AssessmentEvent = InstrumentScored | DangerSignRaised | DangerSignClosed | AssessmentRetracted
