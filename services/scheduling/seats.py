"""The seats of one session: who has one, how many are left, and that the attendance sheet forgets nobody."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from shared.events.scheduling import SeatGivenBack, SeatTaken
from shared.failures import Refused


@dataclass(frozen=True)
class Seats:
    """How many there are and who has one."""

    capacity: int = 0
    taken: frozenset[UUID] = frozenset()


class SessionFull(Refused):
    """Every seat of the session is taken."""


class SeatTakenAlready(Refused):
    """The patient has a seat in the session already."""


class NotSeated(Refused):
    """The patient has no seat in the session, or is named twice."""


class SheetIncomplete(Refused):
    """The sheet has to say for every patient with a seat how it went."""


def take(seats: Seats, patient_ids: Sequence[UUID], *, beyond_capacity: bool) -> Sequence[SeatTaken]:
    """A seat for each patient; beyond the capacity only where somebody allowed it."""
    for number, one in enumerate(patient_ids):
        if one in seats.taken or one in patient_ids[:number]:
            raise SeatTakenAlready(field=f"patient_ids[{number}]")
    free = max(seats.capacity - len(seats.taken), 0)
    if len(patient_ids) > free and not beyond_capacity:
        raise SessionFull(field="patient_ids", free=free)
    return [SeatTaken(one, over_capacity=number >= free) for number, one in enumerate(patient_ids)]


def give_back(seats: Seats, patient_id: UUID) -> Sequence[SeatGivenBack]:
    """The patient's seat is free again."""
    if patient_id not in seats.taken:
        raise NotSeated
    return [SeatGivenBack(patient_id)]


def check_sheet(seats: Seats, patient_ids: Sequence[UUID]) -> None:
    """Everybody with a seat is on the sheet once, and nobody else. Raises NotSeated or SheetIncomplete."""
    check_seated(seats, patient_ids)
    if missing := seats.taken - set(patient_ids):
        raise SheetIncomplete(field="lines", missing=sorted(str(one) for one in missing))


def check_seated(seats: Seats, patient_ids: Sequence[UUID]) -> None:
    """Each of these has a seat, and is named once. Raises NotSeated."""
    for number, one in enumerate(patient_ids):
        if one not in seats.taken or one in patient_ids[:number]:
            raise NotSeated(field=f"lines[{number}].patient_id")
