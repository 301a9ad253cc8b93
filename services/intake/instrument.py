"""An instrument is a questionnaire or observation scale that is scored by its own rules; the rules are data, not code."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated

from pydantic import Field

from shared.events.intake.assessment import AssessmentMode
from shared.failures import Invalid
from shared.units import Code, Name, Prose

type Whole = Annotated[int, Field(ge=0, le=1_000, strict=True)]


class InstrumentDataError(ValueError):
    """An instrument's data file contradicts itself; the program does not start with it."""


@dataclass(frozen=True)
class Step:
    """Readings up to `up_to` (None: any higher) count as `value`."""

    value: Whole
    up_to: Whole | None = None


@dataclass(frozen=True)
class Derivation:
    """How an item's value follows from a raw reading; only the reading is entered."""

    measure: Code
    steps: tuple[Step, ...]
    lowest: Whole
    highest: Whole


@dataclass(frozen=True)
class Item:
    """One question: the values that it takes are listed, for some scales skip integers."""

    id: Code
    label: Name
    allowed: tuple[Whole, ...]
    scored: bool = True
    loinc: Code | None = None
    derived_from: Derivation | None = None


@dataclass(frozen=True)
class Band:
    """What a total is called, both ends included."""

    name: Code
    lowest: Whole
    highest: Whole


@dataclass(frozen=True)
class Danger:
    """An answer of at least `at_least` cannot wait, whatever the total."""

    item: Code
    at_least: Whole
    sign: Code
    action: Name


@dataclass(frozen=True)
class Instrument:
    """The whole instrument. Up to `prorate_missing_max` missing items are filled with the mean of the answered ones."""

    id: Code
    version: Annotated[int, Field(ge=1)]
    title: Name
    source: Prose
    licence: Prose
    look_back: Name
    languages: tuple[Code, ...]
    modes: tuple[AssessmentMode, ...]
    items: tuple[Item, ...]
    bands: tuple[Band, ...]
    prorate_missing_max: Whole = 0
    dangers: tuple[Danger, ...] = ()
    loinc_total: Code | None = None

    @property
    def scored(self) -> tuple[Item, ...]:
        """The items that make the total."""
        return tuple(item for item in self.items if item.scored)

    @property
    def highest_total(self) -> int:
        """The sum of the highest values."""
        return sum(max(item.allowed) for item in self.scored)


@dataclass(frozen=True)
class Score:
    """What the answers come to. `total` and `band` are None while too much is missing: unknown is not zero."""

    values: Mapping[str, int]
    missing: tuple[str, ...]
    prorated: bool
    total: int | None
    band: str | None
    dangers: tuple[Danger, ...]


class ItemUnknown(Invalid):
    """The instrument has no such item."""


class ValueNotAllowed(Invalid):
    """The item does not take this value."""


class MeasureUnknown(Invalid):
    """The instrument has no such raw reading."""


class MeasureOutOfRange(Invalid):
    """The raw reading is outside what can be measured."""


class MeasureNeeded(Invalid):
    """This item is derived from a raw reading; enter the reading."""


class AnswerContradictsMeasure(Invalid):
    """The answer is not what the raw reading comes to."""


class TotalDiffers(Invalid):
    """The total is not what the answers come to."""


def score(
    instrument: Instrument, answers: Mapping[str, int], measures: Mapping[str, int], claimed: int | None
) -> Score:
    """Check every answer against the item's own values and add up. `claimed` is the caller's total, if it sent one."""
    values = dict(_checked_answers(instrument, answers))
    values |= _derived(instrument, answers, measures)
    missing = tuple(item.id for item in instrument.scored if item.id not in values)
    total = _total(instrument, values, len(missing))
    if claimed is not None and claimed != total:
        raise TotalDiffers(field="total", computed=total)
    return Score(
        values=values,
        missing=missing,
        prorated=total is not None and bool(missing),
        total=total,
        band=None if total is None else _band(instrument, total),
        dangers=tuple(d for d in instrument.dangers if values.get(d.item, 0) >= d.at_least),
    )


def _checked_answers(instrument: Instrument, answers: Mapping[str, int]) -> Mapping[str, int]:
    items = {item.id: item for item in instrument.items}
    for item_id, value in answers.items():
        item = items.get(item_id)
        if item is None:
            raise ItemUnknown(field=f"answers.{item_id}")
        if value not in item.allowed:
            raise ValueNotAllowed(field=f"answers.{item_id}", allowed=list(item.allowed))
    return answers


def _derived(instrument: Instrument, answers: Mapping[str, int], measures: Mapping[str, int]) -> dict[str, int]:
    """The values that follow from raw readings."""
    derived = {item.id: item.derived_from for item in instrument.items if item.derived_from}
    for name in measures:
        if name not in {derivation.measure for derivation in derived.values()}:
            raise MeasureUnknown(field=f"measures.{name}")
    values: dict[str, int] = {}
    for item_id, derivation in derived.items():
        reading = measures.get(derivation.measure)
        if reading is None:
            if item_id in answers:
                raise MeasureNeeded(field=f"measures.{derivation.measure}")
            continue
        if not derivation.lowest <= reading <= derivation.highest:
            raise MeasureOutOfRange(field=f"measures.{derivation.measure}")
        values[item_id] = next(step.value for step in derivation.steps if step.up_to is None or reading <= step.up_to)
        if answers.get(item_id, values[item_id]) != values[item_id]:
            raise AnswerContradictsMeasure(field=f"answers.{item_id}", derived=values[item_id])
    return values


def _total(instrument: Instrument, values: Mapping[str, int], missing: int) -> int | None:
    answered = [values[item.id] for item in instrument.scored if item.id in values]
    if not missing:
        return sum(answered)
    if missing > instrument.prorate_missing_max or not answered:
        return None
    mean = Decimal(sum(answered)) * len(instrument.scored) / len(answered)
    return int(mean.quantize(Decimal(1), ROUND_HALF_UP))


def _band(instrument: Instrument, total: int) -> str:
    return next(band.name for band in instrument.bands if band.lowest <= total <= band.highest)


def checked(instrument: Instrument) -> Instrument:
    """The instrument itself, or InstrumentDataError naming what contradicts what."""
    where = f"{instrument.id} version {instrument.version}"
    items = {item.id for item in instrument.items}
    if len(items) != len(instrument.items):
        raise InstrumentDataError(f"{where}: two items have the same id")
    for item in instrument.items:
        if not item.allowed or tuple(sorted(set(item.allowed))) != item.allowed:
            raise InstrumentDataError(f"{where}: allowed values of {item.id} must rise")
        if item.derived_from:
            _check_derivation(where, item, item.derived_from)
    expected = 0
    for band in instrument.bands:
        if band.lowest != expected or band.highest < band.lowest:
            raise InstrumentDataError(f"{where}: band {band.name} must start at {expected}")
        expected = band.highest + 1
    if expected != instrument.highest_total + 1:
        raise InstrumentDataError(f"{where}: the bands must end at {instrument.highest_total}")
    if any(danger.item not in items for danger in instrument.dangers):
        raise InstrumentDataError(f"{where}: a danger names an item that there is not")
    return instrument


def _check_derivation(where: str, item: Item, derivation: Derivation) -> None:
    *bounded, last = derivation.steps
    limits = [step.up_to for step in bounded if step.up_to is not None]
    if last.up_to is not None or len(limits) != len(bounded) or sorted(set(limits)) != limits:
        raise InstrumentDataError(f"{where}: the steps of {item.id} must rise and leave none out")
    if any(step.value not in item.allowed for step in derivation.steps):
        raise InstrumentDataError(f"{where}: a step of {item.id} is not an allowed value")
