"""What a problem document looks like, for every kind of error; and that none quotes a value."""

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import asyncpg
import pytest
from pydantic import Discriminator, TypeAdapter, ValidationError
from pydantic_core._pydantic_core import list_all_errors
from starlette.exceptions import HTTPException

from shared.failures import Busy, Failure, Forbidden, Invalid, NotFound, Refused, StaleVersion, TooLarge
from shared.problems import ERRORS_MAX, FieldError, InvalidFields, failure_of, field_errors, headers_of, problem
from tests.shared.http.small import DoseNotLower, StartTaper

CORRELATION = UUID("0193f0c2-5b7e-7c1a-9a55-3f0d2f6f8a11")
BASE = "https://evenkeel.example/problems/"
UNEXPECTED = "Something failed on our side; the correlation id finds it in the log."

SNAPSHOT: list[tuple[Exception, dict[str, Any]]] = [
    (DoseNotLower(), {"type": "dose-not-lower", "title": "A taper only ever lowers the dose.", "status": 409}),
    (
        DoseNotLower("Below the target", field="steps[2].dose_mg", target_mg=Decimal("0.5"), taper_id=CORRELATION),
        {
            "type": "dose-not-lower",
            "title": "A taper only ever lowers the dose.",
            "status": 409,
            "detail": "Below the target",
            "field": "steps[2].dose_mg",
            "target_mg": "0.5",
            "taper_id": str(CORRELATION),
        },
    ),
    (
        StaleVersion(expected=1, version=2, status=200, title="a fact cannot hide the title"),
        {
            "type": "stale-version",
            "title": "The record has moved on since it was read.",
            "status": 412,
            "expected": 1,
            "version": 2,
        },
    ),
    (
        InvalidFields([FieldError("a", "Field required"), FieldError("b[0]", "Unknown field")]),
        {
            "type": "invalid",
            "title": "Fields are missing or have values that are not allowed.",
            "status": 422,
            "detail": "a: Field required",
            "field": "a",
            "errors": [{"field": "a", "detail": "Field required"}, {"field": "b[0]", "detail": "Unknown field"}],
        },
    ),
    (HTTPException(404, "Jane Roe"), {"type": "not-found", "title": "There is nothing under this id.", "status": 404}),
    (
        HTTPException(405, headers={"Allow": "GET, PUT"}),
        {
            "type": "method-not-allowed",
            "title": "What lies here is not asked for or changed in this way.",
            "status": 405,
            "allow": "GET, PUT",
        },
    ),
    (Busy(), {"type": "busy", "title": "The service is busy; try again with the same key.", "status": 503}),
    (
        ConnectionRefusedError(),
        {"type": "busy", "title": "The service is busy; try again with the same key.", "status": 503},
    ),
    (TimeoutError(), {"type": "busy", "title": "The service is busy; try again with the same key.", "status": 503}),
    (
        asyncpg.TooManyConnectionsError("Jane"),
        {"type": "busy", "title": "The service is busy; try again with the same key.", "status": 503},
    ),
    (
        asyncpg.InterfaceError("pool is closing"),
        {"type": "busy", "title": "The service is busy; try again with the same key.", "status": 503},
    ),
    (
        asyncpg.DataError("invalid input for query argument $1: 'Jane'"),
        {
            "type": "invalid",
            "title": "A field is missing or has a value that is not allowed.",
            "status": 422,
            "detail": "A value is outside of what can be stored",
        },
    ),
    (KeyError("Jane Roe"), {"type": "unexpected", "title": UNEXPECTED, "status": 500}),
    (asyncpg.UniqueViolationError("Key (name)=(Jane)"), {"type": "unexpected", "title": UNEXPECTED, "status": 500}),
]


@pytest.mark.parametrize(("error", "expected"), SNAPSHOT, ids=lambda one: type(one).__name__)
def test_an_error_becomes_its_problem(error: Exception, expected: dict[str, Any]) -> None:
    body = problem(failure_of(error), CORRELATION)

    assert json.loads(body) == expected | {"type": BASE + expected["type"], "correlation_id": str(CORRELATION)}
    assert b"Jane" not in body


@pytest.mark.parametrize(
    ("failure", "status", "headers"),
    [
        (NotFound, 404, []),
        (Refused, 409, []),
        (Invalid, 422, []),
        (Forbidden, 403, []),
        (TooLarge, 413, []),
        (Busy, 503, [(b"retry-after", b"1")]),
    ],
)
def test_a_failures_base_decides_the_status(
    failure: type[Failure], status: int, headers: list[tuple[bytes, bytes]]
) -> None:
    told = failure_of(failure())

    assert (told.status, headers_of(told)) == (status, headers)


def test_a_refusals_title_is_its_docstring_and_its_type_its_name() -> None:
    class HIVResultPending(Refused):
        """The result is not in yet.

        More for the reader of the code.
        """

    told = json.loads(problem(HIVResultPending(), CORRELATION))

    assert (told["type"], told["title"]) == (f"{BASE}hiv-result-pending", "The result is not in yet.")


SECRET = "Jane-Roe-1980"


def test_no_message_of_pydantic_quotes_the_input() -> None:
    """A message with room for the input, or for what a validator said of it, is replaced by one of ours."""
    for kind in list_all_errors():
        room = set(re.findall(r"{(\w+)}", kind["message_template_python"])) & QUOTING
        if not room or (room == {"error"} and kind["type"].startswith(FIXED_TEXTS)):
            continue
        shown = [{"type": kind["type"], "loc": ("body", "a"), "msg": f"Input {SECRET} is wrong"}]

        assert SECRET not in field_errors(shown, None)[0].detail, kind["type"]


QUOTING = {"error", "tag", "encoding_error", "tz_actual"}
FIXED_TEXTS = ("date_parsing", "date_from", "datetime_parsing", "datetime_from", "time_parsing", "time_delta_parsing")


@pytest.mark.parametrize(
    "change", [{"patient_id": SECRET}, {"dose_mg": SECRET}, {"steps": SECRET}, {SECRET + " x": 1}, {"steps": [SECRET]}]
)
def test_a_bodys_errors_quote_nothing(change: dict[str, Any]) -> None:
    written = {"patient_id": str(CORRELATION), "dose_mg": "8"} | change

    with pytest.raises(ValidationError) as caught:
        TypeAdapter(StartTaper).validate_json(json.dumps(written), strict=True)

    assert SECRET not in str(field_errors(caught.value.errors(), written))


def test_a_member_of_a_union_is_not_part_of_the_field() -> None:
    written = {"steps": [{"a": 1}]}
    errors = [
        {"type": "int_type", "loc": ("steps", 0, "Step", "a"), "msg": "m"},
        {"type": "missing", "loc": ("steps", 0, "Step", "dose_mg"), "msg": "m"},
        {"type": "str_type", "loc": ("steps", 0, "str"), "msg": "m"},
    ]

    assert [one.field for one in field_errors(errors, written)] == ["steps[0].a", "steps[0].dose_mg", "steps[0]"]


@pytest.mark.parametrize("section", [{}, {"kind": SECRET}], ids=["none", "unknown"])
def test_a_union_names_the_field_that_says_which_member_it_is(section: dict[str, Any]) -> None:
    @dataclass
    class Sleep:
        kind: Literal["sleep"]

    @dataclass
    class Diet:
        kind: Literal["diet"]

    union = TypeAdapter[Any](list[Annotated[Sleep | Diet, Discriminator("kind")]])
    with pytest.raises(ValidationError) as caught:
        union.validate_python([{"kind": "diet"}, section])

    (error,) = field_errors(caught.value.errors(), [{"kind": "diet"}, section])
    assert error.field == "[1].kind"
    assert SECRET not in error.detail


def test_errors_are_not_endless() -> None:
    errors = [{"type": "missing", "loc": ("body", f"f{number}"), "msg": "m"} for number in range(1000)]

    assert len(field_errors(errors, {})) == ERRORS_MAX


def test_a_fact_that_json_does_not_know_is_written_as_text() -> None:
    body = problem(Refused(odd=ValueError("y"), ids={CORRELATION}), CORRELATION)

    assert json.loads(body)["ids"] == [str(CORRELATION)]
