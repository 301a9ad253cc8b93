"""Which cut is compliant: relative caps, the largest cut and the jump-off, judged on dispensed doses."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from services.medication.smoothest.calendar import Calendar
from services.medication.smoothest.request import Request


@dataclass(frozen=True)
class Rules:
    """The request's rules, named as in its answer; a rule can be left out to see what it costs."""

    request: Request
    without_caps: frozenset[int] = frozenset()

    def lapse(self, before: int) -> bool:
        """At or below the jump-off, where stopping is accepted, a smaller cut is too."""
        return self.request.jump_off is not None and before <= self.request.jump_off

    def broken(self, before: int, dose: int, references: Sequence[int]) -> Iterator[str]:
        """The rules that a cut from `before` to `dose` breaks; one reference dose per relative cap of the request."""
        request = self.request
        if not self.lapse(before):
            for number, (cap, reference) in enumerate(zip(request.caps, references, strict=True)):
                if number not in self.without_caps and not cap.allows(reference, dose):
                    yield f"relative_caps[{number}]"
        if request.max_cut is not None and before - dose > request.max_cut:
            yield "max_cut_mg"
        if dose == 0 and request.jump_off is not None and before > request.jump_off:
            yield "jump_off_max_mg"

    def without(self, name: str) -> "Rules":
        """The same rules less one relative cap or the largest cut."""
        if name == "max_cut_mg":
            return replace(self, request=replace(self.request, max_cut=None))
        return replace(self, without_caps=self.without_caps | {int(name[len("relative_caps[") : -1])})

    def names(self) -> list[str]:
        """The rules whose removal alone may be tried, in request order."""
        caps = [f"relative_caps[{number}]" for number in range(len(self.request.caps))]
        return [*caps, *(["max_cut_mg"] if self.request.max_cut is not None else [])]


def violations(request: Request, allowed: Sequence[int], doses: list[int]) -> list[dict[str, object]]:
    """Every step of any schedule d_0 … d_n that breaks a rule, with the names of the rules."""
    rules, calendar, handed_out = Rules(request), Calendar(request), frozenset(allowed)
    found: list[dict[str, object]] = []
    for step in range(1, len(doses)):
        before, dose = doses[step - 1], doses[step]
        broken = ["increase"] if dose > before else []
        if dose not in handed_out:
            broken.append("not_dispensable")
        if dose < before:
            broken += rules.broken(before, dose, [calendar.largest_taken(doses, step, cap) for cap in request.caps])
        if broken:
            found.append({"step": step, "broken": broken})
    return found
