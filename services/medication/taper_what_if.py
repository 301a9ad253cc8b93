"""What would become of a taper: the same decisions on a copy of it. Nothing of this is ever written down."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final, Literal, assert_never

from pydantic import Field

from services.medication import taper as tapers
from services.medication.limits import ConfirmationPolicy
from services.medication.product import Product
from services.medication.taper_course import PLANNED_DAYS_MAX, Status, Step, Taper, evolve
from services.medication.taper_policies import TaperPolicy
from services.medication.taper_rest import ReplanTaper, ReverseTaper, SlowDown
from shared.decider import command
from shared.events.medication import (
    PlannedStep,
    ReplanReason,
    ReversalReason,
    TaperHoldReason,
    TaperReplanned,
    TaperReversed,
    Tolerance,
)
from shared.failures import Invalid
from shared.units import Milligrams

MOVES_MAX: Final = 60


@command
class ConfirmNext:
    """The next step is confirmed on this day."""

    move: Literal["confirm"]
    on: date


@command
class Hold:
    """The taper is held from this day."""

    move: Literal["hold"]
    on: date


@command
class Resume:
    """It goes on from this day."""

    move: Literal["resume"]
    on: date


@command
class Slower:
    """Each step takes so many days from the next one on."""

    move: Literal["slow_down"]
    on: date
    step_days: Annotated[int, Field(ge=1, le=366)]


@command
class LaterStep:
    """From this date at the site, this dose a day."""

    starts_on: date
    dose_mg: Milligrams


@command
class OtherWay:
    """Another way down; with `dose_mg`, from that higher dose."""

    move: Literal["replan"]
    on: date
    target_dose_mg: Milligrams
    steps: Annotated[tuple[LaterStep, ...], Field(min_length=1, max_length=400)]
    dose_mg: Milligrams | None = None


type Move = Annotated[ConfirmNext | Hold | Resume | Slower | OtherWay, Field(discriminator="move")]


@dataclass(frozen=True)
class Ground:
    """What the decisions look at beside the taper."""

    product: Product
    policies: tuple[TaperPolicy, ...]
    confirmation: ConfirmationPolicy


class SketchStatus(StrEnum):
    """How far the copy of a taper has come."""

    ACTIVE = "active"
    HELD = "held"
    COMPLETED = "completed"
    STOPPED = "stopped"


@dataclass(frozen=True)
class SketchStep:
    """One step of a copy."""

    number: int
    dose_mg: Decimal
    starts_on: date
    confirmed: bool


@dataclass(frozen=True)
class Sketch:
    """A taper as it stands or as it would stand; `last_step_on` is when the target would begin."""

    status: SketchStatus
    target_dose_mg: Decimal
    last_step_on: date
    steps: list[SketchStep]


@dataclass(frozen=True)
class WhatIf:
    """The taper beside what the moves would make of it; `caps_exceeded` would need the prescriber's rationale."""

    as_it_stands: Sketch
    as_it_would_be: Sketch
    caps_exceeded: list[str]


class MoveTooFarAway(Invalid):
    """Nothing is tried out that long before or after today."""


def what_if(taper: Taper, moves: Sequence[Move], ground: Ground, today: date) -> WhatIf:
    """Raises MoveTooFarAway and what the decisions raise; each is made on its own day."""
    after, exceeded = taper, set[str]()
    for number, move in enumerate(moves):
        if abs((move.on - today).days) > PLANNED_DAYS_MAX:
            raise MoveTooFarAway(field=f"moves[{number}].on", days_max=PLANNED_DAYS_MAX)
        for event in tapers.decide(after, _command(after, move, ground)):
            after = evolve(after, event)
            exceeded |= set(event.caps_exceeded) if isinstance(event, TaperReplanned | TaperReversed) else set()
    return WhatIf(sketch(taper), sketch(after), sorted(exceeded))


def sketch(taper: Taper) -> Sketch:
    """What is shown of a taper that was started. Raises TaperNotStarted."""
    if taper.status is Status.ABSENT:
        raise tapers.TaperNotStarted
    status = SketchStatus(taper.status.value)
    return Sketch(status, taper.target_dose_mg, taper.steps[-1].starts_on, [_step(one) for one in taper.steps])


def _step(step: Step) -> SketchStep:
    return SketchStep(step.number, step.dose_mg, step.starts_on, step.effective_on is not None)


def _command(taper: Taper, move: Move, ground: Ground) -> tapers.Command:
    """Whatever would ask for words is given a placeholder: what it would take is told in the answer."""
    on = move.on
    match move:
        case ConfirmNext():
            following = taper.next_to_confirm()
            number = following.number if following else 0
            return tapers.ConfirmStep(number, Tolerance.WELL, "-", on, on, ground.confirmation)
        case Hold():
            return tapers.HoldTaper(TaperHoldReason.PATIENT_CHOICE, on, on, None)
        case Resume():
            return tapers.ResumeTaper(on, on)
        case Slower():
            return SlowDown(move.step_days, on, on, None)
        case OtherWay():
            steps = tuple(PlannedStep(one.starts_on, one.dose_mg) for one in move.steps)
            plan = (ground.product, move.target_dose_mg, steps, on, ground.policies, "-")
            if move.dose_mg is not None:
                return ReverseTaper(ReversalReason.PATIENT_CHOICE, on, move.dose_mg, *plan, "-")
            return ReplanTaper(ReplanReason.PATIENT_CHOICE, on, *plan, None)
        case _:
            assert_never(move)
