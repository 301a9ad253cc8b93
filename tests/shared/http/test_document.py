"""The OpenAPI document: what the doors read and write, the problems, and one id per operation."""

from typing import Any

import jsonschema
import pytest

from tests.shared.http.running import Small
from tests.shared.http.small import RULES


@pytest.fixture
async def document(small: Small) -> dict[str, Any]:
    """As anybody may fetch it."""
    answer = await small.client.get("/openapi.json")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def operation(document: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for methods in document["paths"].values() for one in methods.values() if one["operationId"] == name)


def parameters(document: dict[str, Any], name: str) -> dict[str, dict[str, Any]]:
    resolved = [
        document["components"]["parameters"][one["$ref"].rsplit("/", 1)[1]] if "$ref" in one else one
        for one in operation(document, name)["parameters"]
    ]
    return {one["name"]: one for one in resolved}


async def test_an_operation_is_called_as_its_function(document: dict[str, Any]) -> None:
    names = [one["operationId"] for methods in document["paths"].values() for one in methods.values()]

    assert sorted(names) == sorted(RULES)


async def test_a_command_documents_its_headers_with_examples(document: dict[str, Any]) -> None:
    found = parameters(document, "reduce_dose")

    assert {name for name, one in found.items() if one.get("required")} == {"taper_id", "Idempotency-Key", "If-Match"}
    assert found.keys() == {"taper_id", "Idempotency-Key", "If-Match", "Evenkeel-Site", "Correlation-Id"}
    for name in ("Idempotency-Key", "If-Match", "Evenkeel-Site"):
        jsonschema.validate(found[name]["example"], found[name]["schema"])
    assert "If-Match" not in parameters(document, "start_taper")


async def test_a_query_documents_its_token_and_a_list_its_pages(document: dict[str, Any]) -> None:
    assert parameters(document, "get_taper").keys() == {"taper_id", "Consistency-Token", "Correlation-Id"}
    listed = {"dose_mg", "limit", "cursor", "Consistency-Token", "Correlation-Id"}
    assert parameters(document, "list_tapers").keys() == listed


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("reduce_dose", "201 401 403 404 409 412 413 415 422 428 429 503"),
        ("start_taper", "201 401 403 404 409 413 415 422 429 503"),
        ("list_tapers", "200 401 403 404 422 429 503"),
        ("check_taper", "200 401 403 404 413 415 422 429 503"),
    ],
)
async def test_every_answer_is_documented(document: dict[str, Any], name: str, codes: str) -> None:
    responses = operation(document, name)["responses"]

    assert sorted(responses) == codes.split()
    for code, answer in responses.items():
        if code >= "400":
            assert answer == {"$ref": f"#/components/responses/Problem{code}"}
            content = document["components"]["responses"][f"Problem{code}"]["content"]
            assert content == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


async def test_fastapis_own_error_schema_is_gone(document: dict[str, Any]) -> None:
    assert not {"HTTPValidationError", "ValidationError"} & document["components"]["schemas"].keys()
    assert "HTTPValidationError" not in str(document)


async def test_a_real_problem_fits_its_schema(small: Small, document: dict[str, Any]) -> None:
    answer = await small.client.get("/v1/tapers?zip=1", headers=small.headers())

    jsonschema.validate(answer.json(), document["components"]["schemas"]["Problem"])


async def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    def references(part: Any) -> list[str]:
        if isinstance(part, dict):
            here = [part["$ref"]] if "$ref" in part else []
            return here + [one for inner in part.values() for one in references(inner)]
        return [one for inner in part for one in references(inner)] if isinstance(part, list) else []

    for reference in references(document):
        _, kind, group, name = reference.split("/")
        assert name in document[kind][group]
