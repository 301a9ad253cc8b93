"""The document of medication: every operation is described, has a worked example where it takes a body or a path."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from services.medication.main import SERVICE
from shared.http import create_app
from shared.settings import Settings

APP = create_app(SERVICE, Settings(database_dsn="-", keyring_dsn="-", site_keys_file=Path("-"), kafka="-"))
DESCRIBED = {one["operationId"]: one for methods in APP.openapi()["paths"].values() for one in methods.values()}


@pytest.mark.parametrize("name", DESCRIBED)
def test_every_operation_says_what_it_does(name: str) -> None:
    assert DESCRIBED[name]["description"]
    assert DESCRIBED[name]["summary"]


@pytest.mark.parametrize("operation", [one for one in APP.operations if one.body_field], ids=lambda one: one.name)
def test_every_body_has_an_example_that_the_operation_accepts(operation: Any) -> None:
    content = DESCRIBED[operation.name]["requestBody"]["content"]["application/json"]
    adapter = TypeAdapter[Any](operation.body_field.field_info.annotation)

    assert content["examples"]
    for example in content["examples"].values():
        adapter.validate_json(TypeAdapter(Any).dump_json(example["value"]), strict=True)


@pytest.mark.parametrize("name", DESCRIBED)
def test_every_id_in_a_path_has_an_example(name: str) -> None:
    for parameter in DESCRIBED[name].get("parameters", ()):
        if parameter.get("in") == "path":
            assert parameter.get("example") or parameter["schema"].get("examples"), parameter["name"]
