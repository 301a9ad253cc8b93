"""What medication writes down about whether a patient is in the network's care, as intake reports it."""

from datetime import date
from uuid import UUID

from shared.event import Personal, event
from shared.units import Code


@event()
class CareBegan:
    """Intake admitted the patient; nothing stands in the way of dosing."""

    patient_id: UUID
    episode_id: UUID
    began_on: date


@event()
class CareEnded:
    """Intake discharged the patient; signed orders wait for review and nothing more is given without an exception."""

    patient_id: UUID
    episode_id: UUID
    ended_on: date
    reason: Code


@event()
class DosingAfterDischargeAllowed:
    """A prescriber lets this order go on after discharge, up to and including `until_on`."""

    patient_id: UUID
    order_id: UUID
    until_on: date
    reason: Personal[str | None]


type CareEvent = CareBegan | CareEnded | DosingAfterDischargeAllowed
