"""On which day each step starts, and what was taken on the days that a cap looks back at."""

from bisect import bisect_right
from dataclasses import dataclass

from services.medication.smoothest.request import Cap, Request


@dataclass(frozen=True)
class LookBack:
    """What a cap compares step i with: the dose `steps` steps back, or (0 steps) the fixed `dose` from before the plan."""

    steps: int
    dose: int


class Calendar:
    """Days are counted from the first day of the plan (day 0); day −1 is the last day before it."""

    def __init__(self, request: Request) -> None:
        """`request` gives step length, holds and history."""
        self._request = request
        self._starts = [0]

    def starts(self, steps: int) -> list[int]:
        """The first day of each of the steps 1 … n."""
        while len(self._starts) < steps:
            done = len(self._starts)
            self._starts.append(self._starts[-1] + self._request.step_days + self._request.holds.get(done, 0))
        return self._starts[:steps]

    def look_back(self, step: int, cap: Cap) -> LookBack:
        """What the cap compares a cut at `step` with, in a schedule that never rises."""
        first = self.starts(step)[-1] - cap.window_days
        if first < 0:
            return LookBack(0, self.largest_before(first))
        return LookBack(step - bisect_right(self._starts, first, hi=step), 0)

    def largest_before(self, first: int) -> int:
        """The largest dose taken on the days `first` … −1; before the oldest entry, that entry's dose was taken."""
        history = self._request.history
        if not history:
            return self._request.start
        day, largest = 0, 0
        for past in reversed(history):
            if day > first:
                largest = max(largest, past.dose)
            day -= past.days
        return largest

    def largest_taken(self, doses: list[int], step: int, cap: Cap) -> int:
        """The largest dose in the cap's window before `step`, for any schedule d_0 … d_n, rising ones too."""
        starts = self.starts(step)
        first = starts[-1] - cap.window_days
        since = max(1, bisect_right(starts, max(first, 0), hi=step))
        taken = doses[since:step]
        return max([*taken, self.largest_before(first)] if first < 0 else taken)
