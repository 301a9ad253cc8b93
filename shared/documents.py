"""The OpenAPI document of a service: FastAPI's, with the headers, the answers and the problems that every operation shares."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from fastapi.openapi.utils import get_openapi
from starlette.routing import BaseRoute

from shared.operations import Operation
from shared.problems import BASE

_TEXT: Final[Mapping[str, Any]] = {"type": "string"}
PROBLEMS: Final[Mapping[int, str]] = {
    401: "No valid bearer token.",
    403: "Role, site or purpose does not allow this.",
    404: "Nothing under this id, or nothing that the caller may see.",
    409: "The present state does not allow this; or the first request with this key is still at work.",
    412: "The record has moved on since the version in If-Match.",
    413: "The body, or an event made from it, is larger than the limit.",
    415: "The body is not application/json in UTF-8.",
    422: "Fields are missing or have values that are not allowed; or the key was used for another request.",
    428: "If-Match is missing.",
    503: "Busy. Try again with the same key.",
}
_EVERY: Final = (401, 403, 404, 422, 503)
_COMMAND: Final = (409, 413, 415)
_VERSIONED: Final = (412, 428)

_PROBLEM: Final[Mapping[str, Any]] = {
    "type": "object",
    "title": "Problem",
    "description": "What went wrong (RFC 9457). A refusal adds its own facts: ids, versions and limits.",
    "required": ["type", "title", "status", "correlation_id"],
    "properties": {
        "type": {"type": "string", "format": "uri", "examples": [f"{BASE}dose-not-lower"]},
        "title": {**_TEXT, "examples": ["A taper only ever lowers the dose."]},
        "status": {"type": "integer", "minimum": 400, "maximum": 599, "examples": [409]},
        "detail": _TEXT,
        "field": {**_TEXT, "description": "As the caller wrote it.", "examples": ["steps[2].dose_mg"]},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "detail"],
                "properties": {"field": _TEXT, "detail": _TEXT},
            },
        },
        "correlation_id": {"type": "string", "format": "uuid"},
    },
}

_PARAMETERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": True,
        "description": "Chosen anew for each command. The same key with the same request gets the same answer and has no second effect.",
        "schema": {**_TEXT, "pattern": "^[A-Za-z0-9_-]{8,80}$"},
        "example": "0193f0c2-5b7e-7c1a-9a55-3f0d2f6f8a11",
    },
    "Site": {
        "name": "Evenkeel-Site",
        "in": "header",
        "description": "The site at which this is done; may be left out by a caller who has exactly one.",
        "schema": {**_TEXT, "pattern": "^[a-z][a-z0-9-]{1,39}$"},
        "example": "riverside",
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "required": True,
        "description": "The version that the decision stands on, as in ETag.",
        "schema": {**_TEXT, "pattern": '^"[0-9]{1,18}"$'},
        "example": '"3"',
    },
    "ConsistencyToken": {
        "name": "Consistency-Token",
        "in": "header",
        "description": "From the answer to a command, several joined by commas: wait until the view has reached it.",
        "schema": {**_TEXT, "pattern": "^[a-z][a-z0-9-]{0,39}=[0-9]{1,4}:[0-9]{1,18}$"},
        "example": "medication=3:1234",
    },
    "CorrelationId": {
        "name": "Correlation-Id",
        "in": "header",
        "description": "Goes with everything that this request causes; made when it is left out.",
        "schema": {"type": "string", "format": "uuid"},
        "example": "0193f0c2-5b7e-7c1a-9a55-3f0d2f6f8a12",
    },
    "Limit": {
        "name": "limit",
        "in": "query",
        "description": "Rows on a page.",
        "schema": {"type": "integer", "minimum": 1, "maximum": 200, "default": 50},
    },
    "Cursor": {
        "name": "cursor",
        "in": "query",
        "description": "`next` of the page before.",
        "schema": {**_TEXT, "maxLength": 1000},
    },
}

_HEADERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "ETag": {"description": "The first stream's new version.", "schema": {**_TEXT, "examples": ['"4"']}},
    "Consistency-Token": {
        "description": "For the queries that follow.",
        "schema": {**_TEXT, "examples": ["medication=3:1234"]},
    },
    "Idempotency-Replayed": {"description": "The answer of the first time.", "schema": {"const": "true"}},
    "Consistency": {"description": "Whether the token was reached.", "schema": {"enum": ["current", "stale"]}},
    "Consistency-Lag": {"description": "Events still missing.", "schema": {"type": "integer", "minimum": 0}},
}
_AFTER_COMMAND: Final = ("ETag", "Consistency-Token", "Idempotency-Replayed")
_AFTER_QUERY: Final = ("Consistency", "Consistency-Lag")


def openapi(service: str, routes: Sequence[BaseRoute], operations: Sequence[Operation]) -> dict[str, Any]:
    """The whole document."""
    document = get_openapi(
        title=f"Evenkeel {service}",
        version="1",
        description="Commands are on disk when they are answered; queries say how new they are.",
        routes=routes,
    )
    by_name = {one.name: one for one in operations}
    for described in _described(document):
        _complete(described, by_name[described["operationId"]])
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = dict(_PROBLEM)
    components["parameters"] = dict(_PARAMETERS)
    components["headers"] = dict(_HEADERS)
    components["responses"] = {f"Problem{status}": _problem(text) for status, text in PROBLEMS.items()}
    components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    document["security"] = [{"bearer": []}]
    return document


def _described(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for methods in document.get("paths", {}).values():
        yield from methods.values()


def _complete(described: dict[str, Any], operation: Operation) -> None:
    """Add what the doors read and write, and the problems that can come."""
    versioned = operation.is_command and "expected" in operation.endpoint.__code__.co_names
    names = ["CorrelationId"]
    if operation.is_command:
        names += ["IdempotencyKey", "Site"] + ["IfMatch"] * versioned
    elif operation.door_name:
        names += ["ConsistencyToken"]
    if operation.is_paged:
        names += ["Limit", "Cursor"]
    parameters = described.setdefault("parameters", [])
    parameters += [{"$ref": f"#/components/parameters/{name}"} for name in names]
    responses = described["responses"]
    for status, answer in responses.items():
        if status.startswith("2"):
            headers = _AFTER_COMMAND if operation.is_command else _AFTER_QUERY
            answer["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in headers}
    codes = {*_EVERY} | ({*_COMMAND} if operation.is_command else set()) | ({*_VERSIONED} if versioned else set())
    codes |= {413, 415} if operation.body_field else set()
    responses.update({str(code): {"$ref": f"#/components/responses/Problem{code}"} for code in sorted(codes)})


def _problem(text: str) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": text, "content": content}
