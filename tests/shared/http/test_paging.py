"""Cursors: what one says is read back as it was, and nothing else is read as a cursor."""

import base64
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import paging
from shared.failures import Invalid

VALUES = st.one_of(
    st.text(max_size=40),
    st.integers(min_value=-(2**63), max_value=2**63 - 1),
    st.uuids(),
    st.datetimes(timezones=st.just(UTC)),
    st.dates(),
    st.decimals(allow_nan=False, allow_infinity=False, places=3),
)


@given(st.lists(VALUES, min_size=1, max_size=4))
def test_a_cursor_gives_the_last_row_back(values: list[object]) -> None:
    key = [f"column_{number}" for number in range(len(values))]
    row = dict(zip(key, values, strict=True))

    page = paging.page([row, row], 1, "list_things", key)

    assert page.next is not None
    found = paging.after(page.next, "list_things", key)
    assert found == values
    assert [type(one) for one in found or ()] == [type(one) for one in values]


@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    with pytest.raises(Invalid):
        paging.after(text, "list_things", ["a"])


@pytest.mark.parametrize(
    "content",
    [
        ["list_things:a", []],
        ["list_things:a", [["int", "x"]]],
        ["list_things:a", [["date", 7]]],
        ["list_things:a", [["nothing", 1]]],
        ["list_things:a", [["int", 1], ["int", 1]]],
        ["another:a", [["int", 1]]],
        ["list_things:b", [["int", 1]]],
        {"a": 1},
        None,
    ],
)
def test_a_cursor_of_something_else_is_refused(content: object) -> None:
    cursor = base64.urlsafe_b64encode(msgspec.json.encode(content)).decode()

    with pytest.raises(Invalid, match=r"cursor"):
        paging.after(cursor, "list_things", ["a"])


def test_the_last_page_has_no_cursor() -> None:
    assert paging.page([{"a": 1}], 1, "list_things", ["a"]).next is None


def test_the_rows_after_a_cursor_are_asked_for_by_argument() -> None:
    values = [datetime(2026, 3, 1, tzinfo=UTC), UUID(int=1)]

    query, arguments = paging.paged("select $1", ["x"], ["at", "id"], values, 50, descending=False)
    backwards, _ = paging.paged("select $1", ["x"], ["at", "id"], values, 50, descending=True)

    assert query == "select * from (select $1) as listed where (at, id) > ($2, $3) order by at, id limit $4"
    assert arguments == ["x", *values, 51]
    assert (
        backwards == "select * from (select $1) as listed where (at, id) < ($2, $3) order by at desc, id desc limit $4"
    )


def test_each_makes_every_item_and_keeps_the_cursor() -> None:
    page = paging.Page([1, 2], "next").each(str)

    assert (page.items, page.next) == (["1", "2"], "next")


def test_kinds_that_look_alike_stay_apart() -> None:
    row = {"on": date(2026, 3, 1), "at": datetime(2026, 3, 1, tzinfo=UTC), "mg": Decimal("8.10")}
    key = list(row)

    found = paging.after(paging.page([row, row], 1, "x", key).next, "x", key)

    assert found == list(row.values())
    assert str(found[2]) == "8.10"
