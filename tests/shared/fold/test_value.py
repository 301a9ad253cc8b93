"""One patient's value: what is kept of the events, and in which words."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from itertools import permutations
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from shared.event import AnyRecorded, Recorded
from shared.fold import EMPTY, Fold, Reached, Value, fold_in, read, written
from shared.fold_lanes import Open, Reading
from shared.fold_value import VALUE_BYTES_MAX, ValueTooLarge, degraded, stored

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
PATIENT = UUID(int=1)


def recorded(topic: str, position: int, minutes: int, data: Any = None) -> AnyRecorded:
    at = MONDAY + timedelta(minutes=minutes)
    event_id = UUID(int=minutes + 1)
    return Recorded(
        *(topic, 3, position, f"plan-{PATIENT}", position, event_id, "Weighed", 1, "riverside", PATIENT),
        *(at, at, None, "tests", event_id, None, None, data),
    )


def apply(facts: dict[str, Any], event: AnyRecorded) -> dict[str, Any]:
    return {
        **facts,
        str(event.event_id): {"on": event.effective_at.date(), "weight_kg": Decimal("70.50"), "is": event.data},
    }


def figures(facts: dict[str, Any]) -> dict[str, Any]:
    return {"kinds": sorted({type(fact["weight_kg"]).__name__ for fact in facts.values()}), "count": len(facts)}


FOLD = Fold("weights", {}, "weights.v1", apply, figures)


def fold_all(*events: AnyRecorded) -> Value:
    value = EMPTY
    for event in events:
        value = stored(written(FOLD, fold_in(FOLD, event.service, value, event)))
    return value


def test_the_same_events_make_the_same_bytes_however_their_topics_interleave() -> None:
    events = (recorded("north", 4, 20), recorded("south", 9, 10), recorded("west", 1, 30))
    spelled = {written(FOLD, fold_all(*order)) for order in permutations(events)}

    assert len(spelled) == 1
    value = read(spelled.pop())
    assert (value.as_of, value.last_event_id) == (MONDAY + timedelta(minutes=30), UUID(int=31))
    assert value.sources == {"north": Reached(3, 4), "south": Reached(3, 9), "west": Reached(3, 1)}


def test_figures_see_the_facts_as_they_are_read_back() -> None:
    once = read(written(FOLD, fold_in(FOLD, "north", EMPTY, recorded("north", 1, 0))))

    assert once.figures == {"kinds": ["str"], "count": 1}


def test_a_time_is_kept_in_utc() -> None:
    event = recorded("north", 1, 0)
    local = replace(event, recorded_at=event.recorded_at.astimezone(timezone(timedelta(hours=-5))))

    assert fold_all(local) == fold_all(event)


def test_an_event_up_to_the_reached_position_is_had() -> None:
    value = fold_all(recorded("north", 4, 0))

    assert value.has("north", 3)
    assert value.has("north", 4)
    assert not value.has("north", 5)
    assert not value.has("south", 1)


def test_a_value_that_outgrows_its_record_is_refused() -> None:
    with pytest.raises(ValueTooLarge):
        fold_all(recorded("north", 1, 0, "x" * VALUE_BYTES_MAX))


def test_a_mark_changes_nothing_else_and_the_first_one_stays() -> None:
    before = written(FOLD, fold_all(recorded("north", 1, 0)))
    marked = degraded(degraded(before, MONDAY), MONDAY + timedelta(days=1))

    assert read(marked).degraded_since == MONDAY
    assert {**read_plain(marked), "degraded_since": None} == read_plain(before)
    assert read(degraded(None, MONDAY)).facts == {}


def test_only_what_is_done_from_the_front_is_settled() -> None:
    """T18: an event behind one that is still in hand is not acknowledged."""
    reading = Reading(settled=10, from_start=False)
    message: Any = SimpleNamespace(headers=())
    for position in (11, 12, 13):
        assert not reading.gap(position)
        reading.see(position)
        reading.open.append(Open(message, position, 0.0))
    reading.open[1].done = True
    assert reading.settle() == []
    reading.open[0].done = True

    assert len(reading.settle()) == 2
    assert reading.settled == 12


def test_a_missing_position_is_a_gap_unless_a_record_without_one_may_be_it() -> None:
    """T11: by arithmetic."""
    reading = Reading(settled=10, from_start=False)

    assert reading.gap(12)
    reading.see(None)
    assert not reading.gap(12)
    reading.see(12)
    assert reading.gap(14)


def read_plain(data: bytes) -> dict[str, Any]:
    value = read(data)
    return {name: getattr(value, name) for name in value.__struct_fields__}
