"""The document of scheduling: every operation is described, and every example is accepted."""

from typing import Any

from pydantic import TypeAdapter

from services.scheduling.main import SERVICE
from shared.http import create_app
from shared.settings import Settings

APP = create_app(SERVICE, Settings(database_dsn="-", keyring_dsn="-", site_keys_file="-", kafka="-"))
DOCUMENTED = {one["operationId"]: one for methods in APP.openapi()["paths"].values() for one in methods.values()}


def test_every_operation_says_what_it_does() -> None:
    for name, one in DOCUMENTED.items():
        assert one["summary"], name
        assert one["description"], name


def test_every_body_has_an_example_that_the_operation_accepts() -> None:
    for one in APP.operations:
        if one.body_field is None:
            continue
        content = DOCUMENTED[one.name]["requestBody"]["content"]["application/json"]
        assert content["examples"], one.name
        adapter = TypeAdapter[Any](one.body_field.field_info.annotation)
        for example in content["examples"].values():
            adapter.validate_json(TypeAdapter(Any).dump_json(example["value"]), strict=True)
