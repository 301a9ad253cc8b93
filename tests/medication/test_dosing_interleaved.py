"""Over any interleaving of a site's windows, retries, holds and voids a slot holds at most one dose, and a day never more than ordered."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.medication import care as cares
from services.medication import dose as doses
from services.medication import order as orders
from services.medication.dose import AdministerDose, ConfirmVoid, RequestVoid
from services.medication.dosing_slot import Place, slot_id
from services.medication.order import HoldOrder, ResumeOrder
from shared.decider import Decider
from shared.events.medication import DoseAdministered, DoseVoided, OrderHoldReason, VoidReason
from shared.failures import Failure
from tests.medication.situations import DISCHARGED, DRAFTED, MONDAY, NINE_O_CLOCK, ORDER, PATIENT, SIGNED

SPLITS_MG = (Decimal(12), Decimal(4))
WINDOWS = 2
"""Of one site: two sites are kept apart by the authority, see test_interlock.py."""


@dataclass
class Book:
    """The log as the deciders see it: streams that grow only when every version that was looked at still holds."""

    streams: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))

    def read(self, decider: Decider[Any], stream_id: UUID) -> tuple[Any, str, int]:
        """State, stream and version."""
        stream = decider.stream(stream_id)
        return decider.fold(self.streams[stream]), stream, len(self.streams[stream])

    def append(self, versions: dict[str, int], stream: str, events: list[Any]) -> None:
        """Compare all versions, then set; a lost race changes nothing."""
        if all(len(self.streams[name]) == version for name, version in versions.items()):
            self.streams[stream] += events


@dataclass(frozen=True)
class Attempt:
    """What one client is about to do, for which slot and how much."""

    kind: str
    site: int
    on: date
    split: int
    dose_mg: Decimal


type SlotOf = Callable[[Attempt], UUID]


def true_slot(attempt: Attempt) -> UUID:
    """The slot as it is."""
    return slot_id(PATIENT, ORDER, attempt.on, attempt.split)


def slot_per_site(attempt: Attempt) -> UUID:
    """The mutant: each site has slots of its own."""
    return UUID(int=slot_id(PATIENT, ORDER, attempt.on, attempt.split).int ^ attempt.site)


def prepare(book: Book, attempt: Attempt, slot_of: SlotOf) -> tuple[dict[str, int], str, list[Any]] | None:
    """Read, decide, and hold the answer until it is appended: in between anything may happen."""
    order, order_stream, order_version = book.read(orders.decider, ORDER)
    if attempt.kind in {"hold", "resume"}:
        command = HoldOrder(OrderHoldReason.IMPAIRMENT, MONDAY, None) if attempt.kind == "hold" else ResumeOrder(MONDAY)
        return order_stream_act(order, order_stream, order_version, command)
    slot, stream, version = book.read(doses.decider, slot_of(attempt))
    care, care_stream, care_version = book.read(cares.decider, PATIENT)
    nurse = f"nurse-{attempt.site}"
    given: tuple[Any, ...] = ()
    command_on_slot: doses.Command
    if attempt.kind == "ask":
        command_on_slot = RequestVoid(VoidReason.ENTERED_IN_ERROR, nurse, None)
    elif attempt.kind == "void":
        command_on_slot = ConfirmVoid(nurse)
    else:
        place = Place(ORDER, attempt.on, attempt.split, attempt.on)
        command_on_slot = AdministerDose(place, attempt.dose_mg, NINE_O_CLOCK, nurse, "riverside")
        given = (order, care)
    try:
        events = list(doses.decide(slot, command_on_slot, *given))
    except Failure:
        return None
    return {stream: version, order_stream: order_version, care_stream: care_version}, stream, events


def order_stream_act(
    order: orders.Order, stream: str, version: int, command: orders.Command
) -> tuple[dict[str, int], str, list[Any]] | None:
    """Hold or resume, if the order allows it."""
    try:
        return {stream: version}, stream, list(orders.decide(order, command))
    except Failure:
        return None


def standing(events: list[Any]) -> list[DoseAdministered]:
    """The doses of a slot that nobody voided, by counting."""
    standing: list[DoseAdministered] = []
    for event in events:
        if isinstance(event, DoseAdministered):
            standing.append(event)
        elif isinstance(event, DoseVoided):
            standing.pop()
    return standing


def check(book: Book) -> None:
    """The promise, read from the log alone: per true slot one dose, per date at most what is ordered."""
    slots: dict[tuple[date, int], list[DoseAdministered]] = defaultdict(list)
    for stream, events in book.streams.items():
        if stream.startswith("dose-"):
            for dose in standing(events):
                slots[dose.dosing_on, dose.split].append(dose)
    assert all(len(found) <= 1 for found in slots.values())
    for on in {on for on, _ in slots}:
        assert sum(dose.dose_mg for (day, _), found in slots.items() for dose in found if day == on) <= sum(SPLITS_MG)


attempts = st.builds(
    Attempt,
    kind=st.sampled_from(["give", "give", "give", "ask", "void", "hold", "resume"]),
    site=st.integers(0, WINDOWS - 1),
    on=st.sampled_from([MONDAY, MONDAY + timedelta(days=1)]),
    split=st.integers(1, 2),
    dose_mg=st.sampled_from([Decimal(4), Decimal(12), Decimal(16)]),
)
steps = st.lists(st.tuples(st.integers(0, 3), attempts), min_size=4, max_size=40)


def run(schedule: list[tuple[int, Attempt]], slot_of: SlotOf, *, discharged: bool) -> Book:
    """Four clients; each turn of one is to read and decide, its next turn to append."""
    book = Book()
    book.streams[orders.decider.stream(ORDER)] = [
        replace(DRAFTED, split_doses_mg=SPLITS_MG, dose_mg=sum(SPLITS_MG, Decimal(0))),
        SIGNED,
    ]
    if discharged:
        book.streams[cares.decider.stream(PATIENT)] = [DISCHARGED]
    waiting: dict[int, tuple[dict[str, int], str, list[Any]]] = {}
    for client, attempt in schedule:
        if client in waiting:
            book.append(*waiting.pop(client))
        elif (prepared := prepare(book, attempt, slot_of)) is not None:
            waiting[client] = prepared
    return book


@settings(max_examples=800, deadline=None)
@given(schedule=steps, discharged=st.booleans())
def test_at_most_one_dose_per_slot_and_never_more_than_ordered(
    schedule: list[tuple[int, Attempt]], *, discharged: bool
) -> None:
    """I8: over random interleavings."""
    check(run(schedule, true_slot, discharged=discharged))


def test_without_the_unique_slot_the_promise_breaks() -> None:
    """I8: the guard is the slot's id; with a slot per site the same check fails."""
    give = [Attempt("give", site, MONDAY, 1, Decimal(12)) for site in (0, 1)]
    race = [(0, give[0]), (1, give[1]), (0, give[0]), (1, give[1])]

    check(run(race, true_slot, discharged=False))
    with pytest.raises(AssertionError):
        check(run(race, slot_per_site, discharged=False))


def test_a_hold_between_reading_and_writing_stops_the_dose() -> None:
    give, hold = Attempt("give", 0, MONDAY, 1, Decimal(12)), Attempt("hold", 1, MONDAY, 1, Decimal(12))
    book = run([(0, give), (1, hold), (1, hold), (0, give)], true_slot, discharged=False)

    assert book.streams[doses.decider.stream(true_slot(give))] == []
