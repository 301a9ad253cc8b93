"""The smoothest compliant schedule of N steps, found exactly by dynamic programming.

Least is decided by four criteria in order: E (sum of squared effect steps), Z (time at the target before the end), V
(distance from the straight line of effect), and then the higher dose at the first difference. The first three are sums
over the steps; the fourth is how the answer is read out: walking forward, the highest dose that keeps the minimum.
"""

from collections.abc import Callable, Sequence

from services.medication.smoothest.by_dose import costs_by_dose
from services.medication.smoothest.by_tail import costs_by_tail
from services.medication.smoothest.problem import Problem
from services.medication.smoothest.request import Request

# The least cost of the rest after `step` steps with this tail of doses, None where nothing complies.
type CostToGo = Callable[[int, Sequence[int]], int | None]


def smoothest(request: Request, allowed: Sequence[int], steps: int) -> list[int]:
    """The doses d_0 … d_N in 10⁻⁶ mg; a compliant schedule of N steps must exist. Raises TooLarge."""
    problem = Problem(request, allowed, steps)
    cost_to_go = costs_by_dose(problem) if problem.depth == 1 else costs_by_tail(problem)
    return [problem.doses[index] for index in _walk(problem, cost_to_go)]


def _walk(problem: Problem, cost_to_go: CostToGo) -> list[int]:
    tail = (problem.start,) * problem.depth
    taken = [problem.start]
    for step in range(1, problem.steps + 1):
        least = cost_to_go(step - 1, tail)
        standing = problem.standing(step)
        before = tail[0]
        for after in range(problem.ceiling(before), problem.floor(step, tail) - 1, -1):
            rest = cost_to_go(step, (after, *tail[:-1]))
            if rest is not None and problem.cut(before, after) + standing[after] + rest == least:
                break
        else:
            raise AssertionError("no compliant schedule of so many steps")
        tail = (after, *tail[:-1])
        taken.append(after)
    return taken
