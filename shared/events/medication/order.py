"""What is written down about a prescriber's order, from its draft to its end."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from shared.event import Personal, event
from shared.units import Code


class OrderHoldReason(StrEnum):
    """Why an order waits."""

    CLINICAL_CONCERN = "clinical_concern"
    IMPAIRMENT = "impairment"
    MISSED_DOSES = "missed_doses"
    LABORATORY_RESULT = "laboratory_result"
    INTERACTION = "interaction"
    PREGNANCY = "pregnancy"
    ADMISSION_ELSEWHERE = "admission_elsewhere"
    ADMINISTRATIVE = "administrative"


class DiscontinuationReason(StrEnum):
    """Why an order ended."""

    COMPLETED = "completed"
    REPLACED = "replaced"
    INEFFECTIVE = "ineffective"
    ADVERSE_REACTION = "adverse_reaction"
    PATIENT_CHOICE = "patient_choice"
    DISCHARGED = "discharged"
    NEVER_STARTED = "never_started"


@dataclass(frozen=True)
class PolicyUsed:
    """A clinical policy that the decision looked at."""

    policy_id: Code
    policy_version: int


@dataclass(frozen=True)
class Rhythm:
    """On which days a dose is due: every `every_days` from the start, given at most so many days early or late."""

    every_days: int
    early_days_max: int
    late_days_max: int


@dataclass(frozen=True)
class RuleFired:
    """A rule that had something to say about the order: allow, warn, override or block."""

    rule_id: Code
    rule_version: int
    outcome: Code


@event()
class OrderDrafted:
    """Somebody wrote an order down; nothing is dosed on it until a prescriber signs.

    `split_doses_mg` are the parts of one dosing date in order, split 1 first; `dose_mg` is their sum.
    `zone` is the IANA zone of the home site: the order's dosing dates are that site's, wherever a dose is given.
    `rules_fired` is what the rules said at that moment; they are asked again when the order is signed.
    """

    patient_id: UUID
    home_site_id: str
    zone: str
    product_id: Code
    product_version: int
    medicine: Code
    dose_mg: Decimal
    split_doses_mg: tuple[Decimal, ...]
    rhythm: Rhythm
    starts_on: date
    ends_on: date | None
    new_start: bool
    instructions: Personal[str | None]
    low_dose_protocol: bool = False
    rules_fired: tuple[RuleFired, ...] = ()


@event()
class OrderSigned:
    """A prescriber took responsibility; from now on doses may be given.

    `policies` are the rules that were asked, in their versions, `rules_fired` those that had something to say;
    `limits_exceeded` names the rules that the rationale answers.
    """

    medicine: Code
    dose_mg: Decimal
    starts_on: date
    ends_on: date | None
    policies: tuple[PolicyUsed, ...]
    limits_exceeded: tuple[Code, ...]
    rationale: Personal[str | None]
    rules_fired: tuple[RuleFired, ...] = ()


@event()
class OverrideRequested:
    """Somebody who may asks that the order go through in spite of a rule; `second_person` says that another has to approve."""

    rule_id: Code
    rule_version: int
    requested_by: str
    second_person: bool
    reason: Personal[str | None]


@event()
class OverrideApproved:
    """A second person agrees that the order goes through in spite of the rule."""

    rule_id: Code
    rule_version: int
    requested_by: str
    approved_by: str


@event()
class OrderPutOnTaper:
    """From now on the taper says how much is given."""

    taper_id: UUID


@event()
class OrderHeld:
    """Nothing is given until the order is resumed."""

    reason: OrderHoldReason
    held_on: date
    note: Personal[str | None]


@event()
class OrderResumed:
    """Doses may be given again."""

    resumed_on: date


@event()
class OrderDiscontinued:
    """The order is over for good."""

    reason: DiscontinuationReason
    discontinued_on: date
    note: Personal[str | None]


type OrderEvent = (
    OrderDrafted
    | OverrideRequested
    | OverrideApproved
    | OrderSigned
    | OrderPutOnTaper
    | OrderHeld
    | OrderResumed
    | OrderDiscontinued
)
