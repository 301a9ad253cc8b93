"""A plan as it is written: its structure and its words together, and how the two are kept apart in the record."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final

from pydantic import Field

from shared.decider import command
from shared.events.intake.plan_parts import (
    Goal,
    Intervention,
    ItemId,
    ItemText,
    MinutesPerWeek,
    Modality,
    Objective,
    PlanWords,
    Problem,
)
from shared.failures import Invalid
from shared.units import Code, Name, Prose

ITEMS_MAX: Final = 300
"""Problems, goals, objectives and interventions in one plan, all together."""

_PARTS: Final = ("goals", "objectives", "interventions")

type Few = Annotated[tuple[Name, ...], Field(max_length=30)]


@command
class WrittenIntervention:
    """What is done, in words, how much each week and by whom."""

    id: ItemId
    text: Prose
    modality: Modality
    minutes_per_week: MinutesPerWeek
    owner: Code
    starts_on: date
    ends_on: date | None = None


@command
class WrittenObjective:
    """A step that can be seen to be reached."""

    id: ItemId
    text: Prose
    owner: Code
    target_on: date
    interventions: Annotated[tuple[WrittenIntervention, ...], Field(max_length=20)] = ()


@command
class WrittenGoal:
    """Where the patient wants to get."""

    id: ItemId
    text: Prose
    owner: Code
    target_on: date
    objectives: Annotated[tuple[WrittenObjective, ...], Field(max_length=20)] = ()


@command
class WrittenProblem:
    """What the plan is for; `diagnosis` is an ICD-10-CM code."""

    id: ItemId
    text: Prose
    owner: Code
    identified_on: date
    diagnosis: Code | None = None
    goals: Annotated[tuple[WrittenGoal, ...], Field(max_length=20)] = ()


@command
class WrittenPlan:
    """A plan as clinician and patient write it."""

    problems: Annotated[tuple[WrittenProblem, ...], Field(max_length=30)]
    strengths: Few = ()
    preferences: Few = ()


type Written = WrittenProblem | WrittenGoal | WrittenObjective | WrittenIntervention


class ItemIdTwice(Invalid):
    """Two parts of the plan have the same id."""


class PlanTooLong(Invalid):
    """The plan has more parts than a plan may have."""


class EndsBeforeItStarts(Invalid):
    """An intervention ends before it starts."""


def taken_apart(written: WrittenPlan, within: str = "") -> tuple[tuple[Problem, ...], PlanWords]:
    """The structure, which the record keeps in the open, and the words, which it seals.

    `within` is where the plan stands in the request, so that a refusal names the field as the caller wrote it.
    """
    texts: dict[str, str] = {}
    for here, item in items(written):
        place = within + here
        if item.id in texts:
            raise ItemIdTwice(field=f"{place}.id")
        if len(texts) == ITEMS_MAX:
            raise PlanTooLong(field=place, items_max=ITEMS_MAX)
        if isinstance(item, WrittenIntervention) and item.ends_on is not None and item.ends_on < item.starts_on:
            raise EndsBeforeItStarts(field=f"{place}.ends_on")
        texts[item.id] = item.text
    words = PlanWords(
        strengths=written.strengths,
        preferences=written.preferences,
        texts=tuple(ItemText(item_id, text) for item_id, text in texts.items()),
    )
    return tuple(_problem(problem) for problem in written.problems), words


def put_together(problems: Sequence[Problem], words: PlanWords | None, erased: str) -> WrittenPlan:
    """The plan as it was written; `erased` stands where the words can no longer be read."""
    texts = {one.id: one.text for one in words.texts} if words else {}
    return WrittenPlan(
        problems=tuple(_written_problem(problem, texts, erased) for problem in problems),
        strengths=words.strengths if words else (),
        preferences=words.preferences if words else (),
    )


@dataclass(frozen=True)
class Difference:
    """What changed from one version of a plan to the next, by the ids of its parts."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    reworded: tuple[str, ...]
    moved_or_rescheduled: tuple[str, ...]


def difference(before: WrittenPlan, after: WrittenPlan) -> Difference:
    """Part by part: a part keeps its id from version to version."""
    old, new = _parts(before), _parts(after)
    both = [item_id for item_id in new if item_id in old]
    return Difference(
        added=tuple(item_id for item_id in new if item_id not in old),
        removed=tuple(item_id for item_id in old if item_id not in new),
        reworded=tuple(item_id for item_id in both if old[item_id][0] != new[item_id][0]),
        moved_or_rescheduled=tuple(item_id for item_id in both if old[item_id][1:] != new[item_id][1:]),
    )


def _parts(written: WrittenPlan) -> dict[str, tuple[object, ...]]:
    """Id to wording, place (the part that it belongs to) and everything else that is its own."""
    parts: dict[str, tuple[object, ...]] = {}
    above: dict[str, str] = {}
    for place, item in items(written):
        above[place] = item.id
        own = tuple(value for name, value in vars(item).items() if name not in ("id", "text", *_PARTS))
        parts[item.id] = (item.text, above.get(place.rpartition(".")[0]), own)
    return parts


def items(written: WrittenPlan) -> Iterator[tuple[str, Written]]:
    """Every part with its place, such as `problems[0].goals[1]`."""
    for p, problem in enumerate(written.problems):
        at_problem = f"problems[{p}]"
        yield at_problem, problem
        for g, goal in enumerate(problem.goals):
            at_goal = f"{at_problem}.goals[{g}]"
            yield at_goal, goal
            for o, objective in enumerate(goal.objectives):
                at_objective = f"{at_goal}.objectives[{o}]"
                yield at_objective, objective
                for i, intervention in enumerate(objective.interventions):
                    yield f"{at_objective}.interventions[{i}]", intervention


def _problem(one: WrittenProblem) -> Problem:
    return Problem(one.id, one.owner, one.identified_on, tuple(_goal(goal) for goal in one.goals), one.diagnosis)


def _goal(one: WrittenGoal) -> Goal:
    return Goal(one.id, one.owner, one.target_on, tuple(_objective(objective) for objective in one.objectives))


def _objective(one: WrittenObjective) -> Objective:
    interventions = tuple(
        Intervention(each.id, each.modality, each.minutes_per_week, each.owner, each.starts_on, each.ends_on)
        for each in one.interventions
    )
    return Objective(one.id, one.owner, one.target_on, interventions)


def _written_problem(one: Problem, texts: Mapping[str, str], erased: str) -> WrittenProblem:
    goals = tuple(_written_goal(goal, texts, erased) for goal in one.goals)
    return WrittenProblem(one.id, texts.get(one.id, erased), one.owner, one.identified_on, one.diagnosis, goals)


def _written_goal(one: Goal, texts: Mapping[str, str], erased: str) -> WrittenGoal:
    objectives = tuple(_written_objective(objective, texts, erased) for objective in one.objectives)
    return WrittenGoal(one.id, texts.get(one.id, erased), one.owner, one.target_on, objectives)


def _written_objective(one: Objective, texts: Mapping[str, str], erased: str) -> WrittenObjective:
    interventions = tuple(
        WrittenIntervention(
            id=each.id,
            text=texts.get(each.id, erased),
            modality=each.modality,
            minutes_per_week=each.minutes_per_week,
            owner=each.owner,
            starts_on=each.starts_on,
            ends_on=each.ends_on,
        )
        for each in one.interventions
    )
    return WrittenObjective(one.id, texts.get(one.id, erased), one.owner, one.target_on, interventions)
