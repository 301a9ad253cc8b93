"""What an evaluation asks about substances: which, how, how much, since when, what was tried and what went wrong.

Answers are codes, numbers and dates; whatever somebody writes in free text goes into a section's notes, which are sealed.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from shared.units import Code

type AgeYears = Annotated[int, Field(ge=0, le=120, examples=[17])]
"""Whole years of life."""

type Year = Annotated[int, Field(ge=1900, le=2200, examples=[2019])]
type Month = Annotated[int, Field(ge=1, le=12, examples=[5])]
type Amount = Annotated[Decimal, Field(ge=0, le=100_000, max_digits=9, decimal_places=3, examples=["6"])]


class YesNo(StrEnum):
    """An answer that may honestly be missing."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"
    DECLINED = "declined"


class Substance(StrEnum):
    """The classes of ICD-10-CM F10 to F19."""

    ALCOHOL = "alcohol"
    OPIOIDS = "opioids"
    CANNABIS = "cannabis"
    SEDATIVES = "sedatives"
    COCAINE = "cocaine"
    STIMULANTS = "stimulants"
    HALLUCINOGENS = "hallucinogens"
    NICOTINE = "nicotine"
    INHALANTS = "inhalants"
    OTHER = "other"


class Route(StrEnum):
    """How a substance gets into the body."""

    ORAL = "oral"
    SMOKED = "smoked"
    VAPED = "vaped"
    INTRANASAL = "intranasal"
    INJECTED = "injected"
    SUBLINGUAL = "sublingual"
    TRANSDERMAL = "transdermal"
    INHALED = "inhaled"
    OTHER = "other"


class AmountUnit(StrEnum):
    """What an amount is counted in."""

    STANDARD_DRINKS = "standard_drinks"
    MILLIGRAMS = "mg"
    GRAMS = "g"
    MILLILITRES = "ml"
    TABLETS = "tablets"
    BAGS = "bags"
    CIGARETTES = "cigarettes"
    OCCASIONS = "occasions"


class Frequency(StrEnum):
    """How often in the past 30 days, or that it has stopped."""

    DAILY = "daily"
    SEVERAL_PER_WEEK = "several_per_week"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    NOT_IN_30_DAYS = "not_in_30_days"


class WithdrawalComplication(StrEnum):
    """What went wrong in an earlier withdrawal."""

    SEIZURE = "seizure"
    DELIRIUM = "delirium"
    HALLUCINATIONS = "hallucinations"
    HOSPITAL_ADMISSION = "hospital_admission"


class TreatmentKind(StrEnum):
    """Where somebody was treated before."""

    WITHDRAWAL_MANAGEMENT = "withdrawal_management"
    OUTPATIENT = "outpatient"
    INTENSIVE_OUTPATIENT = "intensive_outpatient"
    RESIDENTIAL = "residential"
    INPATIENT = "inpatient"
    OPIOID_TREATMENT_PROGRAM = "opioid_treatment_program"
    OFFICE_BASED_MEDICATION = "office_based_medication"


@dataclass(frozen=True)
class SubstanceUse:
    """One substance: how much on a day of use, by which route, since when."""

    substance: Substance
    route: Route
    amount_per_day: Amount
    amount_unit: AmountUnit
    frequency: Frequency
    days_of_last_30: Annotated[int, Field(ge=0, le=30, examples=[28])]
    first_use_age_years: AgeYears
    duration_months: Annotated[int, Field(ge=0, le=1200, examples=[36])]
    last_used_on: date | None = None
    product: Code | None = None
    withdrawal_complications: Annotated[tuple[WithdrawalComplication, ...], Field(max_length=4)] = ()


@dataclass(frozen=True)
class PastTreatment:
    """An earlier treatment; years are often all that is remembered."""

    kind: TreatmentKind
    year: Year
    duration_weeks: Annotated[int, Field(ge=0, le=1040)] | None = None
    completed: YesNo = YesNo.UNKNOWN
    medicine: Code | None = None


@dataclass(frozen=True)
class Overdose:
    """An overdose that was survived."""

    substance: Substance
    year: Year
    month: Month | None = None
    intended: YesNo = YesNo.UNKNOWN
    naloxone_given: YesNo = YesNo.UNKNOWN
    hospital_treated: YesNo = YesNo.UNKNOWN


@dataclass(frozen=True)
class Substances:
    """Which substances, how, how much and for how long; what was tried and what went wrong. Empty means: asked, none."""

    uses: Annotated[tuple[SubstanceUse, ...], Field(max_length=30)]
    past_treatments: Annotated[tuple[PastTreatment, ...], Field(max_length=50)]
    overdoses: Annotated[tuple[Overdose, ...], Field(max_length=50)]
