"""What an evaluation asks about family, home, work and the people who help."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from shared.events.intake.substances import Substance, YesNo
from shared.units import Code, Count


class Relative(StrEnum):
    """Who in the family."""

    MOTHER = "mother"
    FATHER = "father"
    SIBLING = "sibling"
    CHILD = "child"
    GRANDPARENT = "grandparent"
    AUNT_OR_UNCLE = "aunt_or_uncle"
    OTHER = "other"


@dataclass(frozen=True)
class RelativeHistory:
    """One relative's addiction or mental illness; nobody is named."""

    relative: Relative
    substances: Annotated[tuple[Substance, ...], Field(max_length=10)]
    in_recovery: YesNo = YesNo.UNKNOWN
    mental_illness: YesNo = YesNo.UNKNOWN
    died_of_it: YesNo = YesNo.UNKNOWN


@dataclass(frozen=True)
class FamilyHistory:
    """Addiction in the family and in the home of the childhood. Empty means: asked, none."""

    relatives: Annotated[tuple[RelativeHistory, ...], Field(max_length=40)]
    use_in_childhood_home: YesNo
    violence_in_childhood_home: YesNo = YesNo.UNKNOWN


class Partnership(StrEnum):
    """With whom somebody shares their life."""

    SINGLE = "single"
    PARTNER = "partner"
    MARRIED = "married"
    SEPARATED = "separated"
    DIVORCED = "divorced"
    WIDOWED = "widowed"


@dataclass(frozen=True)
class Relationships:
    """The people close by: partner, children, safety at home."""

    partnership: Partnership
    partner_uses: YesNo
    children: Count
    children_in_own_care: Count
    child_protection: YesNo
    violence_at_home: YesNo
    safe_at_home: YesNo


class Work(StrEnum):
    """How somebody is occupied."""

    FULL_TIME = "full_time"
    PART_TIME = "part_time"
    CASUAL = "casual"
    SEEKING = "seeking"
    UNABLE = "unable"
    STUDENT = "student"
    RETIRED = "retired"
    AT_HOME = "at_home"


class Housing(StrEnum):
    """Where somebody sleeps."""

    OWN = "own"
    RENTED = "rented"
    WITH_FAMILY = "with_family"
    RECOVERY_HOUSE = "recovery_house"
    SHELTER = "shelter"
    UNSHELTERED = "unsheltered"
    INSTITUTION = "institution"


class LegalMatterKind(StrEnum):
    """What the law wants."""

    PROBATION = "probation"
    PAROLE = "parole"
    DRUG_COURT = "drug_court"
    CHARGE_PENDING = "charge_pending"
    CUSTODY = "custody"
    IMPAIRED_DRIVING = "impaired_driving"
    CIVIL = "civil"


class Income(StrEnum):
    """Where money comes from."""

    WAGES = "wages"
    BENEFITS = "benefits"
    FAMILY = "family"
    SAVINGS = "savings"
    NONE = "none"


@dataclass(frozen=True)
class LegalMatter:
    """One matter with the law, and the next date that counts."""

    kind: LegalMatterKind
    next_on: date | None = None


@dataclass(frozen=True)
class Lifestyle:
    """Work, housing, the law, money."""

    work: Work
    housing: Housing
    housing_at_risk: YesNo
    income: Income
    debt_problem: YesNo
    legal_matters: Annotated[tuple[LegalMatter, ...], Field(max_length=20)]
    drives: YesNo = YesNo.UNKNOWN
    hours_worked_per_week: Annotated[int, Field(ge=0, le=112)] | None = None


class Support(StrEnum):
    """Who helps."""

    PARTNER = "partner"
    FAMILY = "family"
    FRIENDS = "friends"
    SPONSOR = "sponsor"
    FAITH_COMMUNITY = "faith_community"
    EMPLOYER = "employer"
    PEER_WORKER = "peer_worker"


class MutualHelp(StrEnum):
    """Meetings outside the clinic that somebody goes to."""

    AA = "aa"
    NA = "na"
    CA = "ca"
    MA = "ma"
    SMART = "smart"
    OTHER = "other"


@dataclass(frozen=True)
class SocialSupport:
    """Who and what holds this person up. Empty means: asked, none."""

    supports: Annotated[tuple[Support, ...], Field(max_length=7)]
    mutual_help: Annotated[tuple[MutualHelp, ...], Field(max_length=6)]
    sober_person_at_home: YesNo
    transport: YesNo
    phone: YesNo
    interpreter_language: Code | None = None
