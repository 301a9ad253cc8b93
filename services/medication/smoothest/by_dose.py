"""Costs when caps look back one step at most: one state per dose.

Squared effect steps satisfy the quadrangle inequality, so the best next dose never falls when the present dose rises, and
divide and conquer finds all of a step's minima in O(doses · log doses) instead of comparing every pair.
"""

from collections.abc import Callable, Sequence

from services.medication.smoothest.problem import Problem
from services.medication.smoothest.request import TAILS_MAX, TooLarge


def costs_by_dose(problem: Problem) -> Callable[[int, Sequence[int]], int | None]:
    """The least cost of the rest, for every dose. Raises TooLarge beyond TAILS_MAX states."""
    size = len(problem.doses)
    if size * problem.steps > TAILS_MAX:
        raise TooLarge
    costs: list[list[int | None]] = [[0] + [None] * (size - 1)]
    for step in range(problem.steps, 0, -1):
        costs.append(_layer(problem, step, costs[-1]))
    costs.reverse()

    def cost_to_go(step: int, tail: Sequence[int]) -> int | None:
        return costs[step][tail[0]]

    return cost_to_go


def _layer(problem: Problem, step: int, following: list[int | None]) -> list[int | None]:
    """The costs before `step`, from those after it: both have a cost exactly up to some highest dose."""
    standing = problem.standing(step)
    reach = next((index for index, rest in enumerate(following) if rest is None), len(following))
    ahead = [standing[index] + (following[index] or 0) for index in range(reach)]
    floors = [problem.floor(step, (before,)) for before in range(len(problem.doses))]
    rows = next((before for before, floor in enumerate(floors) if floor >= reach), len(floors))
    costs: list[int | None] = [None] * len(floors)
    # (first row, last row, lowest and highest dose among which their best next doses lie)
    parts = [(0, rows - 1, 0, reach - 1)]
    while parts:
        first, last, lowest, highest = parts.pop()
        if first > last:
            continue
        middle = (first + last) // 2
        candidates = range(max(lowest, floors[middle]), min(highest, problem.ceiling(middle)) + 1)
        if not candidates:
            continue
        best = min(candidates, key=lambda after: (problem.cut(middle, after) + ahead[after], after))
        costs[middle] = problem.cut(middle, best) + ahead[best]
        parts += [(first, middle - 1, lowest, best), (middle + 1, last, best, highest)]
    return costs
