"""On which dates a patient took a substance, on whichever order: what a day's dose and a missed day are judged by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, assert_never
from uuid import UUID, uuid5

from services.medication import resumption
from services.medication.resumption import Course, DecideResumption, Resumption
from services.medication.window_policies import OneOrderPolicy
from shared.decider import Decider, command
from shared.events.medication import (
    HistoryEvent,
    MedicineNotTaken,
    MedicineTaken,
    ResumptionDecided,
    SecondOrderAllowed,
)
from shared.failures import Invalid, Refused
from shared.units import Prose

_HISTORIES: Final = UUID("5d6b7b0e-5c0a-4f0e-9c83-2f4f3e7f2d11")
"""Never changes: the same patient and substance have to be the same stream for ever."""

KEPT_DAYS: Final = 120
"""Days, counted back from the newest date, that can be told apart; what is entered later than that cannot be checked."""


def history_id(patient_id: UUID, substance: str) -> UUID:
    """The history's id follows from what it is, so that every order of the substance meets in one stream."""
    return uuid5(_HISTORIES, f"{patient_id}/{substance}")


@dataclass(frozen=True)
class Taken:
    """One dose that counts."""

    order_id: UUID
    dosing_on: date
    taken_on: date
    dose_mg: Decimal


@dataclass(frozen=True)
class History:
    """The doses of the last `KEPT_DAYS`, by slot; the dates for which a physician allowed another order; and for each order
    what was decided last about going on after missed doses.
    """

    doses: Mapping[UUID, Taken] = field(default_factory=dict)
    allowed: frozenset[tuple[date, UUID]] = frozenset()
    resumed: Mapping[UUID, Resumption] = field(default_factory=dict)

    @property
    def newest_on(self) -> date | None:
        """The last date with a dose."""
        return max((one.dosing_on for one in self.doses.values()), default=None)

    @property
    def by_date(self) -> Mapping[date, Decimal]:
        """What was taken on which date, in mg."""
        total: dict[date, Decimal] = {}
        for one in self.doses.values():
            total[one.dosing_on] = total.get(one.dosing_on, Decimal(0)) + one.dose_mg
        return total

    def others(self, order_id: UUID, dosing_on: date, taken_on: date) -> list[Taken]:
        """Doses of the date on other orders."""
        days = {dosing_on, taken_on}
        return [one for one in self.doses.values() if one.order_id != order_id and {one.dosing_on, one.taken_on} & days]


@command
class CountDose:
    """A dose was recorded in a slot; comes with it."""

    patient_id: UUID
    substance: str
    dose_id: UUID
    taken: Taken
    home_site_id: str
    policy: OneOrderPolicy
    course: Course
    allowed_by: str | None = None
    reason: Prose | None = None


@command
class UncountDose:
    """The slot's dose was voided; comes with it."""

    patient_id: UUID
    substance: str
    dose_id: UUID
    home_site_id: str


@command
class AllowSecondOrder:
    """A named physician lets another order be dosed on that date."""

    patient_id: UUID
    substance: str
    order_id: UUID
    dosing_on: date
    physician: str
    reason: Prose


type Command = CountDose | UncountDose | AllowSecondOrder | DecideResumption


class AnotherOrderDosedToday(Refused):
    """Another order of this substance was dosed on that date."""


class EnteredTooLate(Invalid):
    """The date lies too far back to be checked against other orders."""


def evolve(history: History, event: HistoryEvent) -> History:
    """The history after the event; what is out of reach is forgotten."""
    match event:
        case MedicineTaken():
            taken = Taken(event.order_id, event.dosing_on, event.taken_on, event.dose_mg)
            return kept(replace(history, doses={**history.doses, event.dose_id: taken}))
        case MedicineNotTaken():
            return replace(history, doses={key: one for key, one in history.doses.items() if key != event.dose_id})
        case SecondOrderAllowed():
            return replace(history, allowed=history.allowed | {(event.dosing_on, event.order_id)})
        case ResumptionDecided():
            decided = Resumption(event.last_taken_on, event.missed_in_a_row, event.dose_mg_max, event.decided_by)
            return replace(history, resumed={**history.resumed, event.order_id: decided})
        case _:
            assert_never(event)


def kept(history: History) -> History:
    """What lies within reach of the newest dose."""
    newest = history.newest_on
    if newest is None:
        return history
    since = newest - timedelta(days=KEPT_DAYS)
    return History(
        {key: one for key, one in history.doses.items() if one.dosing_on >= since},
        frozenset(one for one in history.allowed if one[0] >= since),
        history.resumed,
    )


def decide(history: History, command: Command) -> Sequence[HistoryEvent]:
    """What happens on the command."""
    match command:
        case CountDose():
            return count(history, command)
        case UncountDose():
            if command.dose_id not in history.doses:
                return []
            return [
                MedicineNotTaken(command.patient_id, command.substance, command.dose_id, command.home_site_id),
            ]
        case AllowSecondOrder():
            allowed = (command.order_id, command.dosing_on, command.physician, command.reason)
            return [SecondOrderAllowed(command.patient_id, command.substance, *allowed)]
        case DecideResumption():
            return [resumption.decide(command, history.by_date, history.resumed.get(command.course.order_id))]
        case _:
            assert_never(command)


def count(history: History, command: CountDose) -> Sequence[HistoryEvent]:
    """A date belongs to the order that was dosed first on it, unless a physician allows a second one by name. After missed doses
    a prescriber has decided first, unless a physician answers for this one by name.

    Of two doses that were given in one slot out of touch, the first counts.
    """
    taken = command.taken
    if command.dose_id in history.doses:
        return []
    events: list[HistoryEvent] = []
    if (taken.dosing_on, taken.order_id) not in history.allowed:
        if command.allowed_by is None:
            check_only_order(history, taken, command.policy)
        elif history.others(taken.order_id, taken.dosing_on, taken.taken_on):
            allowed = (taken.order_id, taken.dosing_on, command.allowed_by, command.reason)
            events.append(SecondOrderAllowed(command.patient_id, command.substance, *allowed))
    if command.allowed_by is None:
        decided = history.resumed.get(taken.order_id)
        resumption.check(command.course, history.by_date, decided, taken.dosing_on, taken.dose_mg)
    events.append(
        MedicineTaken(
            patient_id=command.patient_id,
            substance=command.substance,
            dose_id=command.dose_id,
            order_id=taken.order_id,
            dosing_on=taken.dosing_on,
            taken_on=taken.taken_on,
            dose_mg=taken.dose_mg,
            home_site_id=command.home_site_id,
        )
    )
    return events


def check_only_order(history: History, taken: Taken, policy: OneOrderPolicy) -> None:
    """Raises AnotherOrderDosedToday, EnteredTooLate."""
    newest = history.newest_on
    if newest is not None and taken.dosing_on < newest - timedelta(days=KEPT_DAYS):
        raise EnteredTooLate(field="dosing_on", days_max=KEPT_DAYS)
    for other in history.others(taken.order_id, taken.dosing_on, taken.taken_on):
        raise AnotherOrderDosedToday(
            order_id=str(other.order_id),
            dosing_on=other.dosing_on.isoformat(),
            dose_mg=str(other.dose_mg),
            **policy.named,
        )


decider: Final[Decider[History]] = Decider("history", History(), decide, evolve)
