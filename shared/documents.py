"""The OpenAPI document of a service: FastAPI's, with the headers, the answers and the problems that every operation shares."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import yaml
from fastapi.openapi.utils import get_openapi
from starlette.routing import BaseRoute

from shared.operations import Operation

SHARED: Final = Path(__file__).with_name("openapi.yaml")


def openapi(service: str, routes: Sequence[BaseRoute], operations: Sequence[Operation]) -> dict[str, Any]:
    """The whole document."""
    document = get_openapi(
        title=f"Evenkeel {service}",
        version="1",
        description="Commands are on disk when they are answered; queries say how new they are.",
        routes=routes,
    )
    by_name = {one.name: one for one in operations}
    for methods in document.get("paths", {}).values():
        for described in methods.values():
            _complete(described, by_name[described["operationId"]])
    components = document.setdefault("components", {})
    shared = yaml.safe_load(SHARED.read_text())
    schemas = components.get("schemas", {}) | shared["schemas"]
    own = {name: one for name, one in schemas.items() if name not in {"HTTPValidationError", "ValidationError"}}
    components |= shared | {"schemas": own}
    document["security"] = [{"bearer": []}]
    return document


def _complete(described: dict[str, Any], operation: Operation) -> None:
    """Add what the doors read and write, and the problems that can come."""
    versioned = operation.is_command and "expected" in operation.endpoint.__code__.co_names
    names, codes, headers = ["CorrelationId"], {401, 403, 404, 422, 429, 503}, ["Consistency", "Consistency-Lag"]
    if operation.is_command:
        names += ["IdempotencyKey", "Site"] + ["IfMatch"] * versioned
        codes |= {409, 413, 415} | ({412, 428} if versioned else set())
        headers = ["ETag", "Consistency-Token", "Idempotency-Replayed"]
    elif operation.door_name:
        names += ["ConsistencyToken"]
    if operation.is_paged:
        names += ["Limit", "Cursor"]
    if operation.body_field:
        codes |= {413, 415}
    described.setdefault("parameters", []).extend({"$ref": f"#/components/parameters/{name}"} for name in names)
    responses = described["responses"]
    for status, answer in responses.items():
        if status.startswith("2"):
            answer["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in headers}
    responses.update({str(code): {"$ref": f"#/components/responses/Problem{code}"} for code in sorted(codes)})
