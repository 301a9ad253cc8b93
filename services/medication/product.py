"""What can be ordered and handed out: a product, its strengths, how it is split, and how often it is given."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from math import gcd
from typing import Annotated, Final, Literal

from pydantic import Field

from shared.events.medication import Rhythm
from shared.units import Code, Name

_THOUSANDTHS = 1000
"""Doses have at most three decimal places of a milligram, so that sums are exact in whole thousandths."""


DAILY: Final = Rhythm(every_days=1, early_days_max=0, late_days_max=0)


class Form(StrEnum):
    """What it looks like."""

    TABLET = "tablet"
    DISPERSIBLE_TABLET = "dispersible_tablet"
    DELAYED_RELEASE_TABLET = "delayed_release_tablet"
    ORALLY_DISINTEGRATING_TABLET = "orally_disintegrating_tablet"
    CAPSULE = "capsule"
    FILM = "film"
    SOLUTION = "solution"
    NASAL_SPRAY = "nasal_spray"
    EXTENDED_RELEASE_INJECTION = "extended_release_injection"


class Administration(StrEnum):
    """Where it goes into the body."""

    ORAL = "oral"
    SUBLINGUAL = "sublingual"
    NASAL = "nasal"
    SUBCUTANEOUS = "subcutaneous"
    INTRAMUSCULAR = "intramuscular"


class Schedule(StrEnum):
    """The DEA schedule."""

    CII = "CII"
    CIII = "CIII"
    CIV = "CIV"
    NONE = "none"


class Evidence(StrEnum):
    """How sure a figure is: A regulator, label or guideline; B reputable secondary; C weak secondary; GK general knowledge, to be verified."""

    A = "A"
    B = "B"
    C = "C"
    GENERAL_KNOWLEDGE = "GK"


@dataclass(frozen=True)
class Source:
    """Where a figure comes from, and how far it can be trusted."""

    text: Name
    evidence: Evidence
    says: Name | None = None


type StrengthMg = Annotated[Decimal, Field(gt=0, le=1000, decimal_places=3, examples=["8"])]
type RxNormCode = Annotated[str, Field(pattern=r"^[0-9]{1,8}$", examples=["1010604"])]
type Pieces = Literal[1, 2, 4]


@dataclass(frozen=True)
class Strength:
    """One strength of the product; it may be split into so many equal pieces (1: not at all)."""

    strength_mg: StrengthMg
    rxnorm: RxNormCode
    split_into: Pieces = 1
    label: Name | None = None


@dataclass(frozen=True)
class Product:
    """One entry of the formulary. Milligrams are those of `medicine`'s first ingredient.

    Doses are made of the `strengths` and their pieces, or, when `increment_mg` is given (a measured liquid), are its
    whole multiples. With `single_unit` a dose is exactly one strength: injections are never added up. `ingredients` is
    empty where the RxNorm code is not known; a source says so.
    """

    id: Code
    version: Annotated[int, Field(ge=1)]
    medicine: Code
    name: Name
    ingredients: Annotated[tuple[RxNormCode, ...], Field(max_length=4)]
    form: Form
    administration: Administration
    schedule: Schedule
    strengths: Annotated[tuple[Strength, ...], Field(min_length=1, max_length=12)]
    sources: Annotated[tuple[Source, ...], Field(min_length=1)]
    increment_mg: StrengthMg | None = None
    single_unit: bool = False
    rhythm: Rhythm = DAILY

    def dispensable(self, dose_mg: Decimal) -> bool:
        """Whether exactly this dose can be handed out; nothing (0 mg) always can."""
        if dose_mg == 0:
            return True
        if self.single_unit:
            return any(dose_mg == one.strength_mg for one in self.strengths)
        if self.increment_mg is not None:
            return dose_mg % self.increment_mg == 0
        return _sum_of_pieces(self._pieces(), dose_mg)

    def _pieces(self) -> frozenset[Decimal]:
        """What can be laid on the table: whole units, halves where they may be halved, quarters where quartered."""
        return frozenset(
            one.strength_mg / parts for one in self.strengths for parts in (1, 2, 4) if parts <= one.split_into
        )


def _sum_of_pieces(pieces: frozenset[Decimal], dose_mg: Decimal) -> bool:
    """Whether the dose is a sum of pieces, any number of each."""
    scaled = [int(piece * _THOUSANDTHS) for piece in pieces]
    unit = gcd(*scaled)
    wanted, rest = divmod(dose_mg * _THOUSANDTHS, unit)
    if rest:
        return False
    largest = 1 << int(wanted).bit_length()
    return bool(_sums(tuple(sorted(one // unit for one in scaled)), largest) >> int(wanted) & 1)


@lru_cache(maxsize=256)
def _sums(pieces: tuple[int, ...], largest: int) -> int:
    """Bit n is set when n is a sum of pieces, for n up to `largest`. Doubling the step adds 1, 2, 4 … of a piece."""
    within = (1 << (largest + 1)) - 1
    sums = 1
    for piece in pieces:
        step = piece
        while step <= largest:
            sums |= (sums << step) & within
            step *= 2
    return sums
