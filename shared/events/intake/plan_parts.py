"""How a treatment plan is built: problems, goals, objectives and interventions, and the words around them."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from shared.units import Code, Name, Prose

type ItemId = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z][a-z0-9-]*$", examples=["g1"])]
"""The short id of a part of a plan, unique inside the plan and kept from version to version."""

type MinutesPerWeek = Annotated[int, Field(ge=0, le=4_200, examples=[540])]
"""Prescribed minutes in a week of seven days, at most 70 hours."""


class Modality(StrEnum):
    """In what form help is given; attendance is counted by it."""

    GROUP = "group"
    INDIVIDUAL = "individual"
    FAMILY = "family"
    SKILLS = "skills"
    SUPPORT_GROUP = "support_group"
    CAM = "cam"
    MEDICATION = "medication"


class Progress(StrEnum):
    """How far a goal has come."""

    NOT_STARTED = "not_started"
    IN_PROGRESS = "in_progress"
    ACHIEVED = "achieved"
    SET_BACK = "set_back"
    GIVEN_UP = "given_up"


class SignatureMethod(StrEnum):
    """How the patient agreed."""

    HANDWRITTEN = "handwritten"
    ELECTRONIC = "electronic"
    VERBAL_WITNESSED = "verbal_witnessed"


class ReviewOutcome(StrEnum):
    """What a review of the plan came to."""

    CONTINUE = "continue"
    REVISE = "revise"
    STEP_UP = "step_up"
    STEP_DOWN = "step_down"
    DISCHARGE = "discharge"


class HoursFinding(StrEnum):
    """Whether the prescribed weekly hours fit the level of care."""

    FITS = "fits"
    UNDER = "under"
    OVER = "over"
    NO_RULE = "no_rule"


@dataclass(frozen=True)
class Intervention:
    """What is done for an objective, by whom and how much each week."""

    id: ItemId
    modality: Modality
    minutes_per_week: MinutesPerWeek
    owner: Code
    starts_on: date
    ends_on: date | None = None


@dataclass(frozen=True)
class Objective:
    """A step toward a goal that can be seen to be reached."""

    id: ItemId
    owner: Code
    target_on: date
    interventions: Annotated[tuple[Intervention, ...], Field(max_length=20)]


@dataclass(frozen=True)
class Goal:
    """Where the patient wants to get with one problem."""

    id: ItemId
    owner: Code
    target_on: date
    objectives: Annotated[tuple[Objective, ...], Field(max_length=20)]


@dataclass(frozen=True)
class Problem:
    """What the plan is for."""

    id: ItemId
    owner: Code
    identified_on: date
    goals: Annotated[tuple[Goal, ...], Field(max_length=20)]
    diagnosis: Code | None = None


@dataclass(frozen=True)
class ItemText:
    """The wording of one problem, goal, objective or intervention."""

    id: ItemId
    text: Prose


@dataclass(frozen=True)
class PlanWords:
    """Everything in a plan that is written in words; sealed in the log."""

    strengths: Annotated[tuple[Name, ...], Field(max_length=30)]
    preferences: Annotated[tuple[Name, ...], Field(max_length=30)]
    texts: Annotated[tuple[ItemText, ...], Field(max_length=500)]


@dataclass(frozen=True)
class WeeklyMinutes:
    """How much of one modality a plan prescribes for a week."""

    modality: Modality
    minutes_per_week: MinutesPerWeek
