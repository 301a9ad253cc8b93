"""Consistency tokens: short to write, strict to read, and joined by a comma."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import tokens
from shared.failures import Invalid

PLACES = st.lists(st.tuples(st.integers(0, 15), st.integers(1, tokens.POSITION_MAX)), min_size=1, max_size=40)


def test_a_token_names_the_newest_position_of_each_lane() -> None:
    assert tokens.write("medication", [(5, 77), (3, 1233), (3, 1234)]) == "medication=3:1234,medication=5:77"


@given(PLACES)
def test_what_is_written_is_read(places: list[tuple[int, int]]) -> None:
    asked = tokens.read(tokens.write("medication", places))

    assert asked == {("medication", lane): max(p for one, p in places if one == lane) for lane, _ in places}


@given(PLACES, PLACES)
def test_tokens_of_two_answers_are_joined_by_a_comma(
    first: list[tuple[int, int]], second: list[tuple[int, int]]
) -> None:
    joined = tokens.read(f"{tokens.write('intake', first)}, {tokens.write('medication', second)}")

    assert joined == tokens.read(tokens.write("intake", first)) | tokens.read(tokens.write("medication", second))


def test_a_service_need_not_be_repeated_and_the_newest_counts() -> None:
    assert tokens.read("intake=1:7,2:9,1:3") == {("intake", 1): 7, ("intake", 2): 9}


@given(st.text(max_size=100))
def test_no_text_breaks_the_reader(text: str) -> None:
    with contextlib.suppress(Invalid):
        tokens.read(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ",",
        "3:4",
        "intake=",
        "intake=3",
        "intake=3:",
        "intake=3:x",
        "intake=-1:2",
        "Intake=1:2",
        "intake=1:" + "9" * 19,
        "intake=٣:٤",
        "a=1:2," * 100,
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        tokens.read(text)
