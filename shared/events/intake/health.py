"""What an evaluation asks about body, age and mind."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from shared.events.intake.substances import Year, YesNo
from shared.units import Code, Count, Milligrams

type TimesPerDay = Annotated[int, Field(ge=0, le=24, examples=[2])]


class ConditionStatus(StrEnum):
    """Whether a condition is present."""

    ACTIVE = "active"
    SUSPECTED = "suspected"
    RESOLVED = "resolved"


class Impairment(StrEnum):
    """How much of an organ's work is lost."""

    NONE = "none"
    MILD = "mild"
    MODERATE = "moderate"
    SEVERE = "severe"
    UNKNOWN = "unknown"


class Pregnancy(StrEnum):
    """Asked of everyone who may be pregnant."""

    NOT_APPLICABLE = "not_applicable"
    NOT_PREGNANT = "not_pregnant"
    PREGNANT = "pregnant"
    UNKNOWN = "unknown"
    DECLINED = "declined"


class Reaction(StrEnum):
    """How the body answered to what it is allergic to."""

    RASH = "rash"
    SWELLING = "swelling"
    BREATHING = "breathing"
    ANAPHYLAXIS = "anaphylaxis"
    NAUSEA = "nausea"
    OTHER = "other"


@dataclass(frozen=True)
class Condition:
    """A physical illness, by ICD-10-CM code."""

    code: Code
    status: ConditionStatus
    since_year: Year | None = None


@dataclass(frozen=True)
class Medicine:
    """A medicine that is being taken, by name or RxNorm code."""

    code: Code
    dose_mg: Milligrams | None = None
    times_per_day: TimesPerDay | None = None
    prescribed: YesNo = YesNo.YES


@dataclass(frozen=True)
class Allergy:
    """What must not be given, and what happened."""

    code: Code
    reaction: Reaction
    severity: Impairment = Impairment.UNKNOWN


@dataclass(frozen=True)
class PhysicalHealth:
    """The body: conditions, medicines, allergies, pregnancy. Empty lists mean: asked, none."""

    conditions: Annotated[tuple[Condition, ...], Field(max_length=100)]
    medicines: Annotated[tuple[Medicine, ...], Field(max_length=100)]
    allergies: Annotated[tuple[Allergy, ...], Field(max_length=100)]
    pregnancy: Pregnancy
    gestation_weeks: Annotated[int, Field(ge=0, le=45)] | None = None
    liver_impairment: Impairment = Impairment.UNKNOWN
    kidney_impairment: Impairment = Impairment.UNKNOWN
    pain_score: Annotated[int, Field(ge=0, le=10)] | None = None
    weight_kg: Annotated[Decimal, Field(gt=0, le=600, decimal_places=1, examples=["71.5"])] | None = None
    height_cm: Annotated[int, Field(ge=30, le=260)] | None = None
    last_examined_on: date | None = None


class School(StrEnum):
    """Whether a young person is learning somewhere."""

    ATTENDING = "attending"
    IRREGULAR = "irregular"
    SUSPENDED = "suspended"
    LEFT = "left"
    FINISHED = "finished"


class GuardianConsent(StrEnum):
    """Whether somebody must agree for a minor, and has."""

    GIVEN = "given"
    NOT_REQUIRED = "not_required"
    PENDING = "pending"
    REFUSED = "refused"


class AgeNeed(StrEnum):
    """What somebody's time of life asks of the treatment."""

    MOBILITY = "mobility"
    HEARING = "hearing"
    VISION = "vision"
    MEMORY = "memory"
    READING = "reading"
    CHILDCARE = "childcare"


@dataclass(frozen=True)
class Adolescence:
    """Asked when the patient is an adolescent by the programme's policy."""

    school: School
    guardian_consent: GuardianConsent
    lives_with_guardian: YesNo
    friends_use: YesNo
    juvenile_justice: YesNo
    developmental_concerns: Annotated[tuple[Code, ...], Field(max_length=20)] = ()


@dataclass(frozen=True)
class AgeAndAdolescence:
    """What the patient's age means for the treatment. The age itself comes from the birth date: nothing is typed twice."""

    needs: Annotated[tuple[AgeNeed, ...], Field(max_length=6)]
    adolescence: Adolescence | None = None
    school_years: Annotated[int, Field(ge=0, le=30)] | None = None


class Mood(StrEnum):
    """The mood that is met."""

    EVEN = "even"
    LOW = "low"
    ANXIOUS = "anxious"
    IRRITABLE = "irritable"
    ELEVATED = "elevated"


class Thinking(StrEnum):
    """How thoughts go."""

    CLEAR = "clear"
    SLOWED = "slowed"
    RACING = "racing"
    DISORDERED = "disordered"


class Orientation(StrEnum):
    """What a person still knows of where and when they are."""

    FULL = "full"
    PARTIAL = "partial"
    NONE = "none"


class SuicidalThoughts(StrEnum):
    """The gravest that was reported in the past month."""

    NONE = "none"
    WISH_TO_BE_DEAD = "wish_to_be_dead"
    WITHOUT_PLAN = "without_plan"
    WITH_PLAN = "with_plan"
    WITH_INTENT = "with_intent"


@dataclass(frozen=True)
class MentalState:
    """The mind as it is met at the interview, and its history."""

    mood: Mood
    thinking: Thinking
    orientation: Orientation
    hallucinations: YesNo
    suicidal_thoughts: SuicidalThoughts
    suicide_attempts: Count
    violence_risk: YesNo
    trauma: YesNo
    insight: Impairment = Impairment.UNKNOWN
    judgement: Impairment = Impairment.UNKNOWN
    diagnoses: Annotated[tuple[Condition, ...], Field(max_length=40)] = ()
    psychiatric_admissions: Count = 0
