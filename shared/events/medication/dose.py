"""What is written down about one dosing slot: one patient, one order, one dosing date, one split."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from shared.event import Personal, event
from shared.events.medication.order import PolicyUsed
from shared.units import Code


class RefusalReason(StrEnum):
    """Why a patient did not take the dose that was offered."""

    FEELS_UNWELL = "feels_unwell"
    SIDE_EFFECTS = "side_effects"
    DOSE_TOO_HIGH = "dose_too_high"
    DOSE_TOO_LOW = "dose_too_low"
    DOES_NOT_WANT_TREATMENT = "does_not_want_treatment"
    NOT_SAID = "not_said"


class VoidReason(StrEnum):
    """Why a recorded dose never was: in each case this patient took nothing in this slot."""

    ENTERED_IN_ERROR = "entered_in_error"
    WRONG_PATIENT = "wrong_patient"


@event()
class DoseAdministered:
    """The patient took `dose_mg` while `observed_by` watched.

    `site_id` is where it was given, `home_site_id` whose order it is. `dosing_on` is the order's date in `zone`,
    `ordered_mg` the most that could be given in this slot, `taper_id` the taper that said so, if one did.
    `authority_epoch` is the authority that the dose was given under (0 before there was one), `authorised_by` the
    physician who answers for a dose at a site without it.
    """

    patient_id: UUID
    order_id: UUID
    taper_id: UUID | None
    medicine: Code
    dosing_on: date
    zone: str
    split: int
    dose_mg: Decimal
    ordered_mg: Decimal
    given_at: datetime
    observed_by: str
    site_id: str
    home_site_id: str
    authority_epoch: int = 0
    authorised_by: str | None = None


@event()
class DoseRefused:
    """The dose was offered and the patient declined it."""

    patient_id: UUID
    order_id: UUID
    taper_id: UUID | None
    medicine: Code
    dosing_on: date
    zone: str
    split: int
    ordered_mg: Decimal
    home_site_id: str
    reason: RefusalReason
    note: Personal[str | None]


@event()
class DoseMissed:
    """The patient did not come for the dose."""

    patient_id: UUID
    order_id: UUID
    taper_id: UUID | None
    medicine: Code
    dosing_on: date
    zone: str
    split: int
    ordered_mg: Decimal
    home_site_id: str


@event()
class DoseVoidRequested:
    """Somebody says that the recorded dose never was; a second person has to confirm it."""

    reason: VoidReason
    requested_by: str
    note: Personal[str | None]


@event()
class DoseVoided:
    """Two people agree that the recorded dose never was; the slot is free again. Corrects the administration."""

    patient_id: UUID
    order_id: UUID
    taper_id: UUID | None
    medicine: Code
    dosing_on: date
    zone: str
    split: int
    dose_mg: Decimal
    home_site_id: str
    reason: VoidReason
    requested_by: str
    confirmed_by: str


@event()
class DoseConflictFound:
    """A site without the authority had given a dose in a slot that holds one already; a prescriber looks at the patient."""

    patient_id: UUID
    order_id: UUID
    medicine: Code
    dosing_on: date
    zone: str
    split: int
    dose_mg: Decimal
    given_at: datetime
    observed_by: str
    site_id: str
    home_site_id: str
    other_site_id: str
    other_given_at: datetime
    physician: str
    reason: Personal[str | None]


@event()
class DoseConflictSettled:
    """A prescriber looked at what two doses mean for the patient."""

    patient_id: UUID
    order_id: UUID
    settled_by: str
    note: Personal[str | None]


@event()
class DoseVomited:
    """The dose that was given came up again; `witnessed_by` saw it, if anybody did. `proposed_mg` is what the policy would replace."""

    patient_id: UUID
    order_id: UUID
    medicine: Code
    home_site_id: str
    vomited_at: datetime
    minutes_since_dose: int
    witnessed_by: str | None
    proposed_mg: Decimal
    policy: PolicyUsed


@event()
class DoseReplacementDecided:
    """A prescriber decided how much of a vomited dose is replaced, in mg; 0 is nothing."""

    patient_id: UUID
    order_id: UUID
    home_site_id: str
    dose_mg: Decimal
    decided_by: str
    rationale: Personal[str | None]


@event()
class DoseReplaced:
    """What a prescriber decided on was given for the vomited dose, in the same slot."""

    patient_id: UUID
    order_id: UUID
    medicine: Code
    home_site_id: str
    site_id: str
    dose_mg: Decimal
    given_at: datetime
    observed_by: str


type DoseEvent = (
    DoseAdministered
    | DoseRefused
    | DoseMissed
    | DoseVoidRequested
    | DoseVoided
    | DoseConflictFound
    | DoseConflictSettled
    | DoseVomited
    | DoseReplacementDecided
    | DoseReplaced
)
