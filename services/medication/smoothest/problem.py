"""The request in whole numbers: doses by index, effects, and how low a cut may go."""

from bisect import bisect_left
from collections.abc import Sequence

from services.medication.smoothest.calendar import Calendar
from services.medication.smoothest.request import Request


class Problem:
    """Dose number k is `doses[k]`, rising from the target; a start that cannot be handed out stands on top of `top`.

    Costs are packed into one integer, most important first: E (squared effect steps), Z (steps at the target before the
    end), V (squared distance from the straight line of effect).
    """

    def __init__(self, request: Request, allowed: Sequence[int], steps: int) -> None:
        """`allowed` are the dispensable doses, the target among them; `steps` is N."""
        self.request, self.steps = request, steps
        self.doses = [*allowed, *([] if request.start in allowed else [request.start])]
        self.start, self.top = len(self.doses) - 1, len(allowed) - 1
        self.effects = [request.scale.effect(dose) for dose in self.doses]
        span = self.effects[self.start] - self.effects[0]
        self._early_shift = (steps * (steps * span) ** 2).bit_length()
        self.cut_shift = self._early_shift + steps.bit_length()
        self._always = [self._floor_of_cut(dose) for dose in self.doses]
        jump_off = request.jump_off
        self._lapsed = [jump_off is not None and dose <= jump_off for dose in self.doses]
        self._look_backs()

    def _look_backs(self) -> None:
        """Per step: floors fixed by the history, and per cap how many steps back it looks and the floor per dose there."""
        calendar = Calendar(self.request)
        self.fixed = [0] * (self.steps + 1)
        self.backs: list[list[tuple[int, list[int]]]] = [[] for _ in range(self.steps + 1)]
        for cap in self.request.caps:
            lowest = [
                bisect_left(self.doses, x=True, key=lambda dose, cap=cap, at=at: cap.allows(at, dose))  # type: ignore[misc]
                for at in self.doses
            ]
            for step in range(1, self.steps + 1):
                back = calendar.look_back(step, cap)
                if back.steps:
                    self.backs[step].append((back.steps, lowest))
                else:
                    within = bisect_left(
                        self.doses,
                        x=True,
                        key=lambda dose, cap=cap, at=back.dose: cap.allows(at, dose),  # type: ignore[misc]
                    )
                    self.fixed[step] = max(self.fixed[step], within)
        self.depth = max([1, *(steps for backs in self.backs for steps, _ in backs)])

    def _floor_of_cut(self, before: int) -> int:
        """The floor under every cut from a dose, whatever was taken earlier: largest cut and jump-off."""
        most, jump_off = self.request.max_cut, self.request.jump_off
        floor = 0 if most is None else bisect_left(self.doses, before - most)
        return max(floor, 1) if jump_off is not None and before > jump_off else floor

    def floor(self, step: int, tail: Sequence[int]) -> int:
        """The lowest dose that `step` may take after `tail` = (d_{step−1}, d_{step−2}, …); keeping the dose is always allowed."""
        before = tail[0]
        floor = self._always[before]
        if not self._lapsed[before]:
            floor = max([floor, self.fixed[step], *(lowest[tail[back - 1]] for back, lowest in self.backs[step])])
        return min(floor, before)

    def ceiling(self, before: int) -> int:
        """The highest dose that can follow: the same again, unless it cannot be handed out."""
        return min(before, self.top)

    def cut(self, before: int, after: int) -> int:
        """E's share of a step."""
        return (self.effects[before] - self.effects[after]) ** 2 << self.cut_shift

    def standing(self, step: int) -> list[int]:
        """Z's and V's share of taking each dose at a step."""
        line = (self.steps - step) * self.effects[self.start] + step * self.effects[0]
        costs = [(self.steps * effect - line) ** 2 for effect in self.effects]
        if step < self.steps:
            costs[0] += 1 << self._early_shift
        return costs
