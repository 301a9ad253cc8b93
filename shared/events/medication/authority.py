"""What is written down about who may dose a patient: one site at a time, handed over to a guest site and back."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from shared.event import Personal, event


class ReturnReason(StrEnum):
    """Why the authority went back to the home site."""

    STAY_OVER = "stay_over"
    BACK_EARLY = "back_early"
    RECALLED = "recalled"


@event()
class AuthorityEstablished:
    """From now on `site_id` alone may dose the patient. `epoch` rises by one whenever the authority moves."""

    patient_id: UUID
    site_id: str
    epoch: int


@event()
class GuestDosingRequested:
    """A site asks to dose the patient from `from_on` to `until_on`; without an end the patient moves there for good."""

    patient_id: UUID
    guest_id: UUID
    order_id: UUID
    site_id: str
    home_site_id: str
    zone: str
    from_on: date
    until_on: date | None
    requested_by: str
    policy_id: str
    policy_version: int
    reason: Personal[str | None]


@event()
class GuestDosingApproved:
    """The site that holds the authority agrees and says what the guest site has to know (facts: 42 CFR 8.12, guest dosing)."""

    patient_id: UUID
    guest_id: UUID
    approved_by: str
    last_dose_mg: Decimal | None
    last_dose_on: date | None
    take_homes_held: int
    note: Personal[str | None]


@event()
class GuestDosingDeclined:
    """The site that holds the authority does not agree, or the asking site no longer asks."""

    patient_id: UUID
    guest_id: UUID
    declined_by: str
    note: Personal[str | None]


@event()
class AuthorityHandedOver:
    """The authority moved to the site that asked; it goes back by itself at `return_at`, unless the patient moved for good."""

    patient_id: UUID
    guest_id: UUID
    from_site_id: str
    to_site_id: str
    epoch: int
    on: date
    until_on: date | None
    return_at: datetime | None


@event()
class AuthorityReturned:
    """The authority is with the home site again."""

    patient_id: UUID
    guest_id: UUID
    from_site_id: str
    to_site_id: str
    epoch: int
    on: date
    reason: ReturnReason


@event()
class GlassBroken:
    """A named physician let a site without the authority give one dose; reported to the site that holds it."""

    patient_id: UUID
    order_id: UUID
    dose_id: UUID
    site_id: str
    holder_site_id: str
    epoch: int
    dosing_on: date
    physician: str
    reason: Personal[str | None]


type AuthorityEvent = (
    AuthorityEstablished
    | GuestDosingRequested
    | GuestDosingApproved
    | GuestDosingDeclined
    | AuthorityHandedOver
    | AuthorityReturned
    | GlassBroken
)
