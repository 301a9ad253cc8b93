"""From the wire format to a `Request`: the first wrong field is named, in the order of the specification's table."""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from services.medication.smoothest.effect import Kind, Scale
from services.medication.smoothest.numbers import MICRO, NUMBER, micro
from services.medication.smoothest.request import STEPS_MAX, Cap, InvalidRequest, Past, Request, Shape, Unit

FIELDS = """start_dose_mg target_dose_mg steps steps_min steps_max step_days increment_mg units pieces_max scale
    relative_caps max_cut_mg jump_off_max_mg history holds compare"""
DAYS_MAX = 366
PAST_DAYS_MAX = 3660
PIECES_MAX = 100

# The parameter that each effect scale and each shape takes.
SCALES = {Kind.LINEAR: None, Kind.EXPONENTIAL: "reference_dose_mg", Kind.HYPERBOLIC: "ed50_mg"}
SHAPES = {
    "given": "doses_mg",
    "linear": None,
    "percent_of_current": "fraction",
    "percent_of_original": "fraction",
    "hyperbolic": "ed50_mg",
}


class Fields:
    """One JSON object with its place in the request; reading a field checks it. Absent and null are the same."""

    def __init__(self, value: object, place: str, names: str) -> None:
        """Refuses what is no object, and unknown fields before anything else."""
        if not isinstance(value, Mapping):
            raise InvalidRequest(place.rstrip("."), "an object is needed")
        self._values: Mapping[str, Any] = {name: one for name, one in value.items() if one is not None}
        self._place = place
        for name in value:
            if name not in names.split():
                raise self.wrong(str(name), "there is no such field")

    def wrong(self, name: str, detail: str) -> InvalidRequest:
        """The refusal of one of the fields."""
        return InvalidRequest(f"{self._place}{name}", detail)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def dose(self, name: str, *, above_zero: bool = True) -> int:
        """A dose in 10⁻⁶ mg."""
        text = self._values.get(name)
        if not isinstance(text, str) or not NUMBER.fullmatch(text):
            raise self.wrong(name, 'a decimal in a string is needed, such as "17.5"')
        if above_zero and micro(text) == 0:
            raise self.wrong(name, "must be above 0")
        return micro(text)

    def fraction(self, name: str) -> Fraction:
        """A share between 0 and 1, both excluded."""
        share = Fraction(self.dose(name), MICRO)
        if share >= 1:
            raise self.wrong(name, "must be below 1")
        return share

    def whole(self, name: str, most: int) -> int:
        """A whole number from 1 to `most`."""
        number = self._values.get(name)
        if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= most:
            raise self.wrong(name, f"a whole number from 1 to {most} is needed")
        return number

    def choice(self, name: str, choices: Sequence[str]) -> str:
        """One of the named values."""
        value = self._values.get(name)
        if not isinstance(value, str) or value not in choices:
            raise self.wrong(name, f"one of {', '.join(choices)} is needed")
        return value

    def flag(self, name: str) -> bool:
        """True or false; absent is false."""
        value = self._values.get(name, False)
        if not isinstance(value, bool):
            raise self.wrong(name, "true or false is needed")
        return value

    def many(self, name: str) -> list[Any]:
        """A list; absent is empty."""
        value = self._values.get(name, [])
        if not isinstance(value, list):
            raise self.wrong(name, "a list is needed")
        return value

    def anything(self, name: str) -> object:
        """Whatever stands there; None when nothing does."""
        return self._values.get(name)

    def each[T](self, name: str, names: str, read: Callable[["Fields"], T]) -> tuple[T, ...]:
        """Every object of a list, read one by one."""
        return tuple(
            read(Fields(one, f"{self._place}{name}[{number}].", names)) for number, one in enumerate(self.many(name))
        )

    def inside(self, name: str, names: str) -> "Fields":
        """An object within this one."""
        if name not in self:
            raise self.wrong(name, "is needed")
        return Fields(self._values[name], f"{self._place}{name}.", names)


def parse(body: object) -> Request:
    """Read a request. Raises InvalidRequest."""
    fields = Fields(body, "", FIELDS)
    start, target = fields.dose("start_dose_mg"), fields.dose("target_dose_mg", above_zero=False)
    if target >= start:
        raise fields.wrong("target_dose_mg", "must be below start_dose_mg")
    steps_min, steps_max = _steps(fields)
    step_days = fields.whole("step_days", DAYS_MAX)
    increment, units, pieces_max = _dispensing(fields)
    scale = _scale(fields.inside("scale", "kind reference_dose_mg ed50_mg"))
    caps = fields.each("relative_caps", "fraction window_days strict", _cap)
    max_cut = fields.dose("max_cut_mg") if "max_cut_mg" in fields else None
    return Request(
        start=start,
        target=target,
        steps_min=steps_min,
        steps_max=steps_max,
        step_days=step_days,
        scale=scale,
        increment=increment,
        units=units,
        pieces_max=pieces_max,
        caps=caps,
        max_cut=max_cut,
        jump_off=_jump_off(fields, needed=bool(caps) and target == 0, allowed=target == 0),
        history=_history(fields, start),
        holds=_holds(fields),
        compare=fields.each("compare", "shape doses_mg fraction ed50_mg", _shape),
    )


def _steps(fields: Fields) -> tuple[int, int]:
    if "steps" in fields:
        steps = fields.whole("steps", STEPS_MAX)
        if other := next((name for name in ("steps_min", "steps_max") if name in fields), None):
            raise fields.wrong(other, "give steps, or steps_min and steps_max")
        return steps, steps
    if "steps_min" not in fields and "steps_max" not in fields:
        raise fields.wrong("steps", "give steps, or steps_min and steps_max")
    least, most = fields.whole("steps_min", STEPS_MAX), fields.whole("steps_max", STEPS_MAX)
    if least > most:
        raise fields.wrong("steps_max", "must not be below steps_min")
    return least, most


def _dispensing(fields: Fields) -> tuple[int | None, tuple[Unit, ...], int | None]:
    increment = fields.dose("increment_mg") if "increment_mg" in fields else None
    units = fields.each("units", "strength_mg split_into", _unit)
    if (increment is None) == (not units):
        raise fields.wrong("units", "give exactly one of increment_mg and units")
    if "pieces_max" not in fields:
        return increment, units, None
    if not units:
        raise fields.wrong("pieces_max", "only with units")
    return increment, units, fields.whole("pieces_max", PIECES_MAX)


def _unit(fields: Fields) -> Unit:
    strength = fields.dose("strength_mg")
    split = fields.whole("split_into", 4) if "split_into" in fields else 1
    if split not in {1, 2, 4}:
        raise fields.wrong("split_into", "1, 2 or 4")
    return Unit(strength, split)


def _scale(fields: Fields) -> Scale:
    kind = Kind(fields.choice("kind", list(Kind)))
    parameter = SCALES[kind]
    for name in ("reference_dose_mg", "ed50_mg"):
        if name in fields and name != parameter:
            raise fields.wrong(name, f"the {kind} scale does not take it")
    return Scale(kind, fields.dose(parameter) if parameter else 0)


def _cap(fields: Fields) -> Cap:
    return Cap(fields.fraction("fraction"), fields.whole("window_days", DAYS_MAX), fields.flag("strict"))


def _jump_off(fields: Fields, *, needed: bool, allowed: bool) -> int | None:
    if "jump_off_max_mg" not in fields:
        if needed:
            raise fields.wrong(
                "jump_off_max_mg", "is needed with a relative cap and target 0: no such cap allows a cut to 0"
            )
        return None
    jump_off = fields.dose("jump_off_max_mg")
    if not allowed:
        raise fields.wrong("jump_off_max_mg", "only with target_dose_mg 0")
    return jump_off


def _history(fields: Fields, start: int) -> tuple[Past, ...]:
    past = fields.each(
        "history",
        "dose_mg days",
        lambda one: Past(one.dose("dose_mg", above_zero=False), one.whole("days", PAST_DAYS_MAX)),
    )
    if past and past[-1].dose != start:
        raise fields.wrong(f"history[{len(past) - 1}].dose_mg", "the last dose taken is start_dose_mg")
    return past


def _holds(fields: Fields) -> dict[int, int]:
    holds: dict[int, int] = {}

    def read(one: Fields) -> None:
        step, days = one.whole("step", STEPS_MAX), one.whole("extra_days", DAYS_MAX)
        if step in holds:
            raise one.wrong("step", "one hold per step")
        holds[step] = days

    fields.each("holds", "step extra_days", read)
    return holds


def _shape(fields: Fields) -> Shape:
    name = fields.choice("shape", list(SHAPES))
    parameter = SHAPES[name]
    for other in ("doses_mg", "fraction", "ed50_mg"):
        if other in fields and other != parameter:
            raise fields.wrong(other, f"the {name} shape does not take it")
    match parameter:
        case "doses_mg":
            return Shape(name, doses=_given(fields))
        case "fraction":
            return Shape(name, parameter=fields.fraction("fraction"))
        case "ed50_mg":
            return Shape(name, parameter=Fraction(fields.dose("ed50_mg")))
        case _:
            return Shape(name)


def _given(fields: Fields) -> tuple[int, ...]:
    texts = fields.many("doses_mg")
    if not 1 <= len(texts) <= STEPS_MAX:
        raise fields.wrong("doses_mg", f"1 to {STEPS_MAX} doses are needed")
    for number, text in enumerate(texts):
        if not isinstance(text, str) or not NUMBER.fullmatch(text):
            raise fields.wrong(f"doses_mg[{number}]", 'a decimal in a string is needed, such as "17.5"')
    return tuple(micro(text) for text in texts)
