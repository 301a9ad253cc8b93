"""What is written down while a patient is evaluated: section by section, signed, amended."""

from enum import StrEnum
from uuid import UUID

from shared.event import Personal, event
from shared.events.intake.health import AgeAndAdolescence, MentalState, PhysicalHealth
from shared.events.intake.life import FamilyHistory, Lifestyle, Relationships, SocialSupport
from shared.events.intake.substances import Substances


class Section(StrEnum):
    """The parts of an evaluation; it can be signed when all are recorded."""

    SUBSTANCES = "substances"
    PHYSICAL_HEALTH = "physical_health"
    AGE = "age"
    FAMILY_HISTORY = "family_history"
    MENTAL_STATE = "mental_state"
    RELATIONSHIPS = "relationships"
    LIFESTYLE = "lifestyle"
    SOCIAL_SUPPORT = "social_support"


@event()
class EvaluationBegun:
    """A clinician began to evaluate the patient."""

    patient_id: UUID


@event()
class SubstancesRecorded:
    """Section: substances, past treatment, overdoses."""

    content: Substances
    notes: Personal[str | None]


@event()
class PhysicalHealthRecorded:
    """Section: conditions, medicines, allergies, pregnancy."""

    content: PhysicalHealth
    notes: Personal[str | None]


@event()
class AgeRecorded:
    """Section: what the patient's age asks for, and adolescence."""

    content: AgeAndAdolescence
    notes: Personal[str | None]


@event()
class FamilyHistoryRecorded:
    """Section: addiction in the family."""

    content: FamilyHistory
    notes: Personal[str | None]


@event()
class MentalStateRecorded:
    """Section: mental state and psychiatric history."""

    content: MentalState
    notes: Personal[str | None]


@event()
class RelationshipsRecorded:
    """Section: partner, children, safety at home."""

    content: Relationships
    notes: Personal[str | None]


@event()
class LifestyleRecorded:
    """Section: work, housing, the law, money."""

    content: Lifestyle
    notes: Personal[str | None]


@event()
class SocialSupportRecorded:
    """Section: who and what helps."""

    content: SocialSupport
    notes: Personal[str | None]


@event()
class EvaluationSigned:
    """A clinician signed the whole evaluation. `rules` are those of the policy that asked for withdrawal management."""

    patient_id: UUID
    age_years: int | None
    adolescent: bool
    withdrawal_management_needed: bool
    rules: tuple[str, ...]
    policy_id: str
    policy_version: int


@event()
class EvaluationAmended:
    """After signing, a section was found to need another wording; the new section follows in the same act."""

    section: Section
    reason: Personal[str | None]


type SectionRecorded = (
    SubstancesRecorded
    | PhysicalHealthRecorded
    | AgeRecorded
    | FamilyHistoryRecorded
    | MentalStateRecorded
    | RelationshipsRecorded
    | LifestyleRecorded
    | SocialSupportRecorded
)
type EvaluationEvent = EvaluationBegun | SectionRecorded | EvaluationSigned | EvaluationAmended
