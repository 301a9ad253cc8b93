"""The specification read naively: every schedule is written down, judged day by day, and the least one is picked.

Shares no code with the product: own calendar (a list of daily doses), own caps, own effects.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cache
from typing import Any


class Naive:
    """One request, answered by enumeration; only for small ones."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        self.request = request
        self.first, self.target = Fraction(request["start_dose_mg"]), Fraction(request["target_dose_mg"])
        self.allowed = sorted(dose for dose in self._sums() if self.target <= dose <= self.first)
        self.jump_off = Fraction(request["jump_off_max_mg"]) if request.get("jump_off_max_mg") else None
        self.max_cut = Fraction(request["max_cut_mg"]) if request.get("max_cut_mg") else None
        self.holds = {hold["step"]: hold["extra_days"] for hold in request.get("holds", [])}
        self.before = [Fraction(past["dose_mg"]) for past in request.get("history", []) for _ in range(past["days"])]

    def _sums(self) -> set[Fraction]:
        if "increment_mg" in self.request:
            step = Fraction(self.request["increment_mg"])
            return {step * count for count in range(int(self.first / step) + 1)}
        pieces = {
            Fraction(unit["strength_mg"]) / part
            for unit in self.request["units"]
            for part in (1, 2, 4)
            if part <= unit.get("split_into", 1)
        }
        sums = {Fraction(0)}
        for _ in range(self.request.get("pieces_max", 60)):
            grown = sums | {dose + piece for dose in sums for piece in pieces if dose + piece <= self.first}
            if grown == sums:
                break
            sums = grown
        return sums

    def _extend(self, doses: tuple[Fraction, ...], days: list[Fraction], steps: int) -> Iterator[tuple[Fraction, ...]]:
        """Every compliant schedule that begins with `doses`; `days` are all daily doses so far."""
        if len(doses) == steps:
            if doses[-1] == self.target:
                yield doses
            return
        last = days[-1]
        for dose in self.allowed:
            if dose > last or (dose < last and not self._cut_allowed(days, days[0], last, dose)):
                continue
            step = len(doses) + 1
            held = self.holds.get(step, 0) if step < steps else 0
            yield from self._extend((*doses, dose), days + [dose] * (self.request["step_days"] + held), steps)

    def _cut_allowed(self, days: list[Fraction], oldest: Fraction, last: Fraction, dose: Fraction) -> bool:
        if self.jump_off is None or last > self.jump_off:
            for cap in self.request.get("relative_caps", []):
                window = days[-cap["window_days"] :]
                reference = max([*window, oldest] if len(window) < cap["window_days"] else window)
                cut, most = reference - dose, Fraction(cap["fraction"]) * reference
                if cut > most or (cap.get("strict") and cut == most):
                    return False
        if self.max_cut is not None and last - dose > self.max_cut:
            return False
        return not (dose == 0 and self.jump_off is not None and last > self.jump_off)

    def effect(self, dose: Fraction) -> int:
        scale = self.request["scale"]
        if scale["kind"] == "linear":
            return int(dose * 10**12)
        if scale["kind"] == "hyperbolic":
            return round(dose / (dose + Fraction(scale["ed50_mg"])) * 10**12)
        ratio = 1 + dose / Fraction(scale["reference_dose_mg"])
        with localcontext(prec=60):
            return round(Fraction((Decimal(ratio.numerator) / Decimal(ratio.denominator)).ln()) * 10**12)

    def schedules(self, steps: int) -> Iterator[tuple[Fraction, ...]]:
        return self._extend((), self.before or [self.first], steps)

    def best(self, steps: int) -> tuple[Fraction, ...] | None:
        effect = cache(self.effect)
        start, end = effect(self.first), effect(self.target)

        def badness(doses: tuple[Fraction, ...]) -> tuple[Any, ...]:
            effects = [start, *map(effect, doses)]
            uneven = sum((effects[i - 1] - effects[i]) ** 2 for i in range(1, steps + 1))
            early = sum(dose == self.target for dose in doses[:-1])
            off_line = sum((steps * effects[i] - (steps - i) * start - i * end) ** 2 for i in range(1, steps + 1))
            return uneven, early, off_line, [-dose for dose in doses]

        return min(self.schedules(steps), key=badness, default=None)

    def least_steps(self, most: int) -> int | None:
        return next((steps for steps in range(1, most + 1) if next(self.schedules(steps), None)), None)
