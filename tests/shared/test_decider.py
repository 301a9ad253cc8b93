"""A decider folds what happened; a scenario asks it as a sentence does."""

from dataclasses import FrozenInstanceError
from uuid import UUID

import pytest
from pydantic import TypeAdapter, ValidationError

from tests.scenario import Scenario
from tests.shared.log.counter import Add, Count, Counted, NothingToAdd, counter

count = Scenario(counter)


def test_the_state_is_what_happened_so_far() -> None:
    assert counter.fold([]) == Count(0)
    assert counter.fold([Counted(2), Counted(3)]) == Count(5)


def test_a_stream_is_named_after_its_kind() -> None:
    assert counter.stream(UUID(int=1)) == "counter-00000000-0000-0000-0000-000000000001"


def test_a_command_is_decided_on_what_happened_before() -> None:
    assert count.given(Counted(2)).given(Counted(3)).state == Count(5)
    assert count.given(Counted(2)).when(Add(3)) == [Counted(3)]
    assert count.when(Add(1), Count(7)) == [Counted(1)]


def test_a_refusal_reaches_the_test() -> None:
    with pytest.raises(NothingToAdd):
        count.when(Add(0))


def test_a_command_from_a_body_has_no_unknown_fields_and_stays_as_it_is() -> None:
    read = TypeAdapter(Add).validate_json('{"by": 2}')

    assert read == Add(2)
    with pytest.raises(ValidationError):
        TypeAdapter(Add).validate_json('{"by": 2, "twice": true}')
    with pytest.raises(FrozenInstanceError):
        read.by = 3  # type: ignore[misc]
