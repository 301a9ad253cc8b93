"""The document of intake: every operation is described, has a worked example where it takes a body, and names its problems."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from services.intake.main import SERVICE
from shared.http import create_app
from shared.operations import Operation
from shared.settings import Settings


@pytest.fixture(scope="module")
def operations(tmp_path_factory: pytest.TempPathFactory) -> list[Operation]:
    folder = tmp_path_factory.mktemp("openapi")
    settings = Settings(database_dsn="-", keyring_dsn="-", site_keys_file=folder / "keys", kafka="-")
    app = create_app(SERVICE, settings)
    app.openapi()
    return list(app.operations)


def described(operations: list[Operation]) -> dict[str, Any]:
    settings = Settings(database_dsn="-", keyring_dsn="-", site_keys_file="-", kafka="-")
    document = create_app(SERVICE, settings).openapi()
    return {one["operationId"]: one for methods in document["paths"].values() for one in methods.values()}


def test_every_operation_says_what_it_does(operations: list[Operation]) -> None:
    for name, one in described(operations).items():
        assert one["description"], name


def test_every_body_has_an_example_that_the_operation_accepts(operations: list[Operation]) -> None:
    documented = described(operations)
    for one in operations:
        if one.body_field is None:
            continue
        content = documented[one.name]["requestBody"]["content"]["application/json"]
        assert content["examples"], one.name
        adapter = TypeAdapter[Any](one.body_field.field_info.annotation)
        for example in content["examples"].values():
            adapter.validate_json(TypeAdapter(Any).dump_json(example["value"]), strict=True)
