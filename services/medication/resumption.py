"""How an order goes on after missed doses: the policy proposes, a prescriber decides, and until then it is not dosed; pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.medication.missed import MissedPolicy, MissedProposal, missed_in_a_row, proposal
from shared.decider import command
from shared.events.medication import Assess, ResumptionDecided, Rhythm, Then
from shared.failures import Invalid, Refused
from shared.units import Prose


@dataclass(frozen=True)
class Course:
    """What of an order says whether doses of it were missed; `policy` is that in force at its site, if there is one."""

    order_id: UUID
    rhythm: Rhythm
    starts_on: date
    policy: MissedPolicy | None


@dataclass(frozen=True)
class Resumption:
    """What was decided on an order after the dose of `last_taken_on` and `missed` ones: at most `dose_mg_max` a date, if there is
    such a limit.
    """

    last_taken_on: date
    missed: int
    dose_mg_max: Decimal | None
    decided_by: str


@dataclass(frozen=True)
class Break:
    """Doses of an order that were missed, at least one, after the last date on which the substance was taken."""

    last_taken_on: date
    last_dose_mg: Decimal
    missed: int
    policy: MissedPolicy

    def decided_by(self, decided: "Resumption | None") -> bool:
        """Whether the decision is about this: whoever then stays away for longer is looked at again."""
        return decided is not None and decided.last_taken_on >= self.last_taken_on and decided.missed >= self.missed

    @property
    def proposal(self) -> MissedProposal:
        """What the policy proposes."""
        return proposal(self.policy, self.missed, self.last_dose_mg)


@command
class DecideResumption:
    """Go on with the order on `today`: with at most `dose_mg_max` a date, or as ordered."""

    patient_id: UUID
    substance: str
    home_site_id: str
    course: Course
    today: date
    dose_mg_max: Decimal | None
    assessed: tuple[Assess, ...]
    decided_by: str
    rationale: Prose | None


class ResumptionNotDecided(Refused):
    """Doses were missed; a prescriber has to decide with how much the order goes on."""


class MoreThanDecided(Refused):
    """A prescriber decided on less after missed doses."""


class NothingMissed(Refused):
    """No dose of the order was missed, and none that was missed before is decided about."""


class NotAssessed(Invalid):
    """The policy asks for more to be looked at before the patient is dosed."""


class ResumptionNeedsReason(Invalid):
    """It is more than the policy proposes: the prescriber has to say why."""


type Taken = Mapping[date, Decimal]
"""What was taken of the substance on which date, in mg, on all orders."""


def broken_off(course: Course, taken: Taken, on: date) -> Break | None:
    """What was missed of this order before `on`. A dose that was due before the order began was not missed on it."""
    before = [date_ for date_ in taken if date_ < on]
    if course.policy is None or not before:
        return None
    last_on = max(before)
    missed = missed_in_a_row(course.rhythm, course.starts_on, taken.keys(), on, only_since_start=True)
    return Break(last_on, taken[last_on], missed, course.policy) if missed else None


def check(course: Course, taken: Taken, decided: Resumption | None, on: date, dose_mg: Decimal) -> None:
    """Whether `dose_mg` more may be given on `on`. Raises ResumptionNotDecided, MoreThanDecided."""
    found = broken_off(course, taken, on)
    if found is not None and needs_decision(found, decided):
        raise ResumptionNotDecided(
            missed_in_a_row=found.missed, last_taken_on=found.last_taken_on.isoformat(), **proposed(found)
        )
    if decided is None or decided.dose_mg_max is None or on <= decided.last_taken_on:
        return
    if taken.get(on, Decimal(0)) + dose_mg > decided.dose_mg_max:
        raise MoreThanDecided(field="dose_mg", dose_mg_max=str(decided.dose_mg_max), decided_by=decided.decided_by)


def needs_decision(found: Break, decided: Resumption | None) -> bool:
    """Whether the order waits for a prescriber."""
    return found.proposal.then is not Then.GO_ON and not found.decided_by(decided)


def proposed(found: Break) -> dict[str, Any]:
    """How a refusal names the proposal and its policy."""
    most = found.proposal.dose_mg_max
    named = {"proposed": found.proposal.then.value, "proposed_mg_max": str(most) if most is not None else None}
    return named | found.policy.named


def decide(command: DecideResumption, taken: Taken, decided: Resumption | None) -> ResumptionDecided:
    """What is written down. Raises NothingMissed, NotAssessed, ResumptionNeedsReason."""
    found = broken_off(command.course, taken, command.today)
    if found is None:
        return changed(command, taken, decided)
    said = found.proposal
    if missing := [one for one in said.assess if one not in command.assessed]:
        raise NotAssessed(field="assessed", missing=[one.value for one in missing], **found.policy.named)
    if command.rationale is None and exceeds(command.dose_mg_max, said):
        raise ResumptionNeedsReason(field="rationale", **proposed(found))
    return _decided(command, found)


def changed(command: DecideResumption, taken: Taken, decided: Resumption | None) -> ResumptionDecided:
    """Once dosing has begun again, what was decided is changed step by step: up to the ordered dose, or down."""
    if decided is None or decided.dose_mg_max is None or command.course.policy is None:
        raise NothingMissed
    last_on = max((on for on in taken if on < command.today), default=decided.last_taken_on)
    return _decided(command, Break(last_on, taken.get(last_on, Decimal(0)), 0, command.course.policy))


def exceeds(dose_mg_max: Decimal | None, said: MissedProposal) -> bool:
    """Whether more may be given than is proposed; where a new start is proposed, any dose is more."""
    if said.then is Then.GO_ON:
        return False
    return said.dose_mg_max is None or dose_mg_max is None or dose_mg_max > said.dose_mg_max


def _decided(command: DecideResumption, found: Break) -> ResumptionDecided:
    said = found.proposal if found.missed else None
    return ResumptionDecided(
        patient_id=command.patient_id,
        substance=command.substance,
        order_id=command.course.order_id,
        last_taken_on=found.last_taken_on,
        missed_in_a_row=found.missed,
        last_dose_mg=found.last_dose_mg,
        dose_mg_max=command.dose_mg_max,
        policy=found.policy.used,
        then=said.then if said else Then.GO_ON,
        proposed_mg_max=said.dose_mg_max if said else None,
        assessed=command.assessed,
        decided_by=command.decided_by,
        home_site_id=command.home_site_id,
        rationale=command.rationale,
    )
