"""Costs when caps look back over several steps: one state per tail of doses (d_i, …, d_{i−depth+1}).

The oldest dose of a tail only bounds the next dose from below. So tails that differ in it alone form a group, and one
running minimum over the next dose, from the top, serves the whole group: constant work per tail.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence

from services.medication.smoothest.problem import Problem
from services.medication.smoothest.request import TAILS_MAX, TooLarge

# Per group (the tail without its oldest dose, as one integer): (lowest next dose, oldest dose), the highest floor first.
type Groups = dict[int, list[tuple[int, int]]]


def costs_by_tail(problem: Problem) -> Callable[[int, Sequence[int]], int | None]:
    """The least cost of the rest, for every tail that can be reached. Raises TooLarge beyond TAILS_MAX tails."""
    layers = _reached(problem)
    base = len(problem.doses)
    costs: list[dict[int, int]] = [{}] * problem.steps + [dict.fromkeys(_tails(layers[-1], base), 0)]
    for step in range(problem.steps, 0, -1):
        costs[step - 1] = _layer(problem, step, layers[step - 1], costs[step])

    def cost_to_go(step: int, tail: Sequence[int]) -> int | None:
        return costs[step].get(_packed(tail, base))

    return cost_to_go


def _packed(tail: Sequence[int], base: int) -> int:
    code = 0
    for index in tail:
        code = code * base + index
    return code


def _tails(groups: Groups, base: int) -> list[int]:
    return [group * base + oldest for group, members in groups.items() for _, oldest in members]


def _reached(problem: Problem) -> list[Groups]:
    """Per number of steps taken: the groups of tails that the rules let the start reach."""
    base, depth = len(problem.doses), problem.depth
    head = base ** (depth - 2)
    seen = 1
    olds: dict[int, list[int]] = {_packed((problem.start,) * (depth - 1), base): [problem.start]}
    layers: list[Groups] = []
    for step in range(1, problem.steps + 1):
        groups: Groups = {}
        following: dict[int, list[int]] = defaultdict(list)
        for group, oldest in olds.items():
            groups[group] = _floors(problem, step, group, oldest)
            lowest, highest = groups[group][-1][0], problem.ceiling(group // head)
            if step == problem.steps:
                highest = min(highest, 0)
            for after in range(lowest, highest + 1):
                following[after * head + group // base].append(group % base)
            seen += max(0, highest + 1 - lowest)
            if seen > TAILS_MAX:
                raise TooLarge
        layers.append(groups)
        olds = following
    layers.append({group: [(0, oldest) for oldest in members] for group, members in olds.items()})
    return layers


def _floors(problem: Problem, step: int, group: int, olds: list[int]) -> list[tuple[int, int]]:
    base, depth = len(problem.doses), problem.depth
    tail = [group // base**place % base for place in range(depth - 2, -1, -1)]
    return sorted(((problem.floor(step, [*tail, oldest]), oldest) for oldest in olds), reverse=True)


def _layer(problem: Problem, step: int, groups: Groups, following: dict[int, int]) -> dict[int, int]:
    """The costs before `step`, from those after it."""
    base, depth = len(problem.doses), problem.depth
    head, newest = base ** (depth - 1), base ** (depth - 2)
    standing, effects, shift = problem.standing(step), problem.effects, problem.cut_shift
    costs: dict[int, int] = {}
    for group, members in groups.items():
        before = group // newest
        effect, after = effects[before], problem.ceiling(before)
        least: int | None = None
        for floor, oldest in members:
            while after >= floor:
                rest = following.get(after * head + group)
                if rest is not None:
                    cost = ((effect - effects[after]) ** 2 << shift) + standing[after] + rest
                    if least is None or cost < least:
                        least = cost
                after -= 1
            if least is not None:
                costs[group * base + oldest] = least
    return costs
