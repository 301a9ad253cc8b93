"""The seats of one session: who has one, how many are left, and that the attendance sheet forgets nobody."""

from collections import Counter
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
    """The patient has no seat in the session."""


class SheetIncomplete(Refused):
    """The sheet has to say for every patient with a seat how it went, and for each only once."""


def take(seats: Seats, patient_ids: Sequence[UUID], *, beyond_capacity: bool) -> Sequence[SeatTaken]:
    """A seat for each patient; beyond the capacity only where somebody allowed it."""
    twice = [one for one, count in Counter(patient_ids).items() if count > 1 or one in seats.taken]
    if twice:
        raise SeatTakenAlready(field="patient_ids", patient_ids=_texts(twice))
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
    """Everybody with a seat is on the sheet once, and nobody else. Raises SheetIncomplete."""
    if Counter(patient_ids) != Counter(seats.taken):
        missing = seats.taken - set(patient_ids)
        without_seat = set(patient_ids) - seats.taken
        raise SheetIncomplete(field="lines", missing=_texts(missing), without_seat=_texts(without_seat))


def check_seated(seats: Seats, patient_ids: Sequence[UUID]) -> None:
    """Each of these has a seat, and is named once. Raises NotSeated."""
    if Counter(patient_ids) != Counter(seats.taken & set(patient_ids)):
        raise NotSeated(field="lines")


def _texts(ids: Sequence[UUID] | set[UUID] | frozenset[UUID]) -> list[str]:
    return sorted(str(one) for one in ids)
