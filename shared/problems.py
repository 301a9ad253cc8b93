"""Every answer that is not a success, in one form (RFC 9457): what went wrong, which field, and never whose."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
import msgspec
from starlette.exceptions import HTTPException
from starlette.types import Send

from shared.database import TRANSIENT
from shared.failures import Busy, Failure, Invalid, MethodNotAllowed, NotFound, Unexpected

BASE: Final = "https://evenkeel.example/problems/"
ERRORS_MAX: Final = 20
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_.-]{1,64}")

# pydantic quotes the input in these messages, or repeats what a validator said: ours say only what is wanted.
_SILENT: Final[Mapping[str, str]] = {
    kind: words
    for words, kinds in {
        "Value is not allowed": ("assertion_error", "get_attribute_error", "value_error"),
        "Input has another encoding": ("bytes_invalid_encoding",),
        "Input should be a valid datetime": ("datetime_object_invalid",),
        "Input should be a list": ("iteration_error",),
        "Body is not valid JSON": ("json_invalid",),
        "Input should be an object": ("mapping_type", "model_type", "dataclass_type"),
        "Unknown field": ("unexpected_keyword_argument", "extra_forbidden"),
        "Input has an offset from UTC that is not allowed": ("timezone_offset",),
        "Input names a kind that does not exist": ("union_tag_invalid",),
        "Input does not name its kind": ("union_tag_not_found",),
        "Input should be a URL": ("url_parsing", "url_syntax_violation"),
        "Input should be a UUID": ("uuid_parsing",),
    }.items()
    for kind in kinds
}
_ABSENT: Final = frozenset({"missing", "missing_argument", "missing_keyword_only_argument"})


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field, as the caller wrote it, and what is wanted of it."""

    field: str
    detail: str


class InvalidFields(Invalid):
    """Fields are missing or have values that are not allowed."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        first = errors[0]
        detail = f"{first.field}: {first.detail}" if first.field else first.detail
        super().__init__(detail, field=first.field or None, errors=errors)

    @classmethod
    def kind(cls) -> str:
        """The same type as any other invalid field."""
        return Invalid.kind()


def failure_of(error: BaseException) -> Failure:
    """What the caller is told. Anything unforeseen tells nothing but that it happened."""
    match error:
        case Failure():
            return error
        case HTTPException():  # the router's own; its detail is dropped, only the status is known to be harmless
            allow = (error.headers or {}).get("Allow")
            return MethodNotAllowed(allow=allow) if allow else NotFound()
        case asyncpg.DataError():
            return Invalid("A value is outside of what can be stored")
        case asyncpg.InterfaceError() if "clos" in str(error):
            return Busy()
        case _:  # a lost database is a reason to try again, not a fault of ours
            return Busy() if isinstance(error, TRANSIENT) else Unexpected()


def problem(failure: Failure, correlation_id: object) -> bytes:
    """The document; a fact never hides a member of the standard."""
    document: dict[str, Any] = failure.facts | {
        "type": BASE + failure.kind(),
        "title": failure.title(),
        "status": failure.status,
        "correlation_id": str(correlation_id),
    }
    if failure.detail and failure.detail != failure.title():
        document["detail"] = failure.detail
    if failure.field:
        document["field"] = failure.field
    return msgspec.json.encode(document, enc_hook=str)


def headers_of(failure: Failure) -> list[tuple[bytes, bytes]]:
    """What a status asks for beside the document."""
    match failure.status:
        case 401:
            return [(b"www-authenticate", b"Bearer")]
        case 405:
            return [(b"allow", str(failure.facts["allow"]).encode())]
        case 429 | 503:
            return [(b"retry-after", b"1")]
        case _:
            return []


async def send_problem(send: Send, failure: Failure, correlation_id: object) -> None:
    """Write the answer."""
    body = problem(failure, correlation_id)
    head = [(b"content-type", b"application/problem+json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": failure.status, "headers": head + headers_of(failure)})
    await send({"type": "http.response.body", "body": body})


def field_errors(errors: Sequence[Any], written: object) -> list[FieldError]:
    """Say pydantic's errors in the caller's words; `written` is the body as it came, None for other parts."""
    return [FieldError(_field(one, written), _SILENT.get(one["type"], one["msg"])) for one in errors[:ERRORS_MAX]]


def _field(error: Any, written: object) -> str:
    """`steps[2].dose_mg`, without the labels that pydantic adds for the members of a union."""
    loc: tuple[str | int, ...] = error["loc"]
    if written is None:
        return ".".join(plain_name(part) for part in loc[1:])
    if error["type"].startswith("union_tag"):  # the field that says which member it is
        return _path((*loc, error["ctx"]["discriminator"].strip("'")), written, last_absent=True)
    return _path(loc, written, last_absent=error["type"] in _ABSENT)


def _path(loc: Sequence[str | int], written: object, *, last_absent: bool) -> str:
    path, here = "", written
    for place, part in enumerate(loc):
        absent = last_absent and place == len(loc) - 1
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
