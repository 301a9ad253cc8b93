"""Every answer that is not a success, in one form (RFC 9457): what went wrong, which field, and never whose."""

import asyncio
import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import asyncpg
import msgspec
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import Send

from shared.failures import Busy, Failure, Invalid

BASE: Final = "https://evenkeel.example/problems/"
ERRORS_MAX: Final = 20
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_.-]{1,64}")

# pydantic quotes the input in these messages, or repeats what a validator said: ours say only what is wanted.
_SILENT: Final[Mapping[str, str]] = {
    "assertion_error": "Value is not allowed",
    "bytes_invalid_encoding": "Input has another encoding",
    "datetime_object_invalid": "Input should be a valid datetime",
    "get_attribute_error": "Value is not allowed",
    "iteration_error": "Input should be a list",
    "json_invalid": "Body is not valid JSON",
    "mapping_type": "Input should be an object",
    "model_type": "Input should be an object",
    "dataclass_type": "Input should be an object",
    "unexpected_keyword_argument": "Unknown field",
    "extra_forbidden": "Unknown field",
    "timezone_offset": "Input has an offset from UTC that is not allowed",
    "union_tag_invalid": "Input names a kind that does not exist",
    "url_parsing": "Input should be a URL",
    "url_syntax_violation": "Input should be a URL",
    "uuid_parsing": "Input should be a UUID",
    "value_error": "Value is not allowed",
}


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field, as the caller wrote it, and what is wanted of it."""

    field: str
    detail: str


class InvalidFields(Invalid):
    """Fields are missing or have values that are not allowed."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        first = errors[0]
        super().__init__(f"{first.field}: {first.detail}" if first.field else first.detail, field=first.field or None)
        self.errors = errors

    @classmethod
    def kind(cls) -> str:
        """The same type as any other invalid field."""
        return Invalid.kind()


@dataclass(frozen=True)
class Problem:
    """One problem document, before it is written."""

    kind: str
    title: str
    status: int
    detail: str | None = None
    field: str | None = None
    errors: Sequence[FieldError] = ()
    facts: Mapping[str, object] = dataclasses.field(default_factory=dict)
    headers: tuple[tuple[bytes, bytes], ...] = ()

    def body(self, correlation_id: object) -> bytes:
        """The document; a fact never hides a member of the standard."""
        document: dict[str, Any] = dict(self.facts)
        document |= {"type": BASE + self.kind, "title": self.title, "status": self.status}
        document |= {"correlation_id": str(correlation_id)}
        if self.detail and self.detail != self.title:
            document["detail"] = self.detail
        if self.field:
            document["field"] = self.field
        if self.errors:
            document["errors"] = [{"field": one.field, "detail": one.detail} for one in self.errors]
        return msgspec.json.encode(document, enc_hook=str)


UNEXPECTED: Final = Problem("unexpected", "Something failed on our side; the correlation id finds it in the log.", 500)
_EXTRA: Final[Mapping[int, tuple[tuple[bytes, bytes], ...]]] = {
    401: ((b"www-authenticate", b"Bearer"),),
    503: ((b"retry-after", b"1"),),
}

_ABSENT = frozenset({"missing", "missing_argument", "missing_keyword_only_argument"})
_UNAVAILABLE = (
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InternalClientError,  # asyncpg's own words for a connection that is ended while it answers
    asyncio.TimeoutError,
    OSError,
)


def problem_of(error: BaseException) -> Problem:
    """What the caller is told. Anything unforeseen tells nothing but that it happened."""
    match error:
        case Failure():
            return _of_failure(error)
        case HTTPException():
            return _of_status(error)
        case _:
            failure = _failure_behind(error)
            return _of_failure(failure) if failure else UNEXPECTED


def _failure_behind(error: BaseException) -> Failure | None:
    """The failure that a library's error amounts to; a lost database is a reason to try again, not a fault of ours."""
    if isinstance(error, RequestValidationError):
        return InvalidFields(field_errors(error.errors(), None))
    if isinstance(error, asyncpg.DataError):
        return Invalid("A value is outside of what can be stored")
    closed = isinstance(error, asyncpg.InterfaceError) and "clos" in str(error)
    return Busy() if closed or isinstance(error, _UNAVAILABLE) else None


def _of_failure(failure: Failure) -> Problem:
    return Problem(
        failure.kind(),
        failure.title(),
        failure.status,
        failure.detail,
        failure.field,
        getattr(failure, "errors", ()),
        failure.facts,
        _EXTRA.get(failure.status, ()),
    )


def _of_status(error: HTTPException) -> Problem:
    """Routing's own refusals. Their detail is dropped: only the status is known to be harmless."""
    phrase = HTTPStatus(error.status_code).phrase
    kept = tuple((key.lower().encode(), value.encode()) for key, value in (error.headers or {}).items())
    kind = re.sub(r"[^a-z]+", "-", phrase.lower())
    return Problem(kind, f"{phrase}.", error.status_code, headers=kept + _EXTRA.get(error.status_code, ()))


def field_errors(errors: Sequence[Any], written: object) -> list[FieldError]:
    """Say pydantic's errors in the caller's words; `written` is the body as it came, None for other parts."""
    return [
        FieldError(_path(one["loc"], written, one["type"]), _SILENT.get(one["type"], one["msg"]))
        for one in errors[:ERRORS_MAX]
    ]


def _path(loc: Sequence[str | int], written: object, kind: str) -> str:
    """`steps[2].dose_mg`, without the labels that pydantic adds for the members of a union."""
    if written is None:
        return ".".join(plain_name(part) for part in loc[1:])
    path, here = "", written
    for place, part in enumerate(loc):
        absent = kind in _ABSENT and place == len(loc) - 1
        if isinstance(part, int):
            path += f"[{part}]"
            here = here[part] if isinstance(here, list) and part < len(here) else None
        elif absent or (isinstance(here, dict) and part in here):
            path += f".{plain_name(part)}" if path else plain_name(part)
            here = here.get(part) if isinstance(here, dict) else None
    return path


def plain_name(part: str | int) -> str:
    """A field's name; one that no field could have may be somebody's name, written in the wrong place."""
    return str(part) if _PLAIN_KEY.fullmatch(str(part)) else "(unknown)"


async def send_problem(send: Send, problem: Problem, correlation_id: object) -> None:
    """Write the answer."""
    body = problem.body(correlation_id)
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
        *problem.headers,
    ]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
