"""Trap T39: a change that breaks a released schema is refused by the build."""

from copy import deepcopy
from typing import Any

import pytest

from deploy.contracts.compatibility import breaks

RELEASED: dict[str, Any] = {
    "DoseReduced.v1": {
        "type": "object",
        "properties": {
            "dose_mg": {"type": "string", "format": "decimal"},
            "medicine": {"enum": ["buprenorphine", "methadone"]},
            "steps": {"type": "array", "items": {"$ref": "#/$defs/Step"}},
            "note": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        },
        "required": ["dose_mg", "medicine", "steps"],
        "$defs": {"Step": {"type": "object", "properties": {"days": {"type": "integer"}}, "required": ["days"]}},
    }
}


def changed(**paths: Any) -> dict[str, Any]:
    copy = deepcopy(RELEASED)
    for path, value in paths.items():
        *way, last = path.split("__")
        node = copy["DoseReduced.v1"]
        for one in way:
            node = node[one]
        if value is None:
            del node[last]
        else:
            node[last] = value
    return copy


def test_the_same_schemas_break_nothing() -> None:
    """T39."""
    assert breaks(RELEASED, deepcopy(RELEASED)) == []


def test_a_new_optional_field_a_new_event_and_new_words_break_nothing() -> None:
    """T39."""
    grown = changed(properties__reason={"type": "string"}, description="Better words.") | {
        "TaperStarted.v1": {"type": "object"}
    }

    assert breaks(RELEASED, grown) == []


@pytest.mark.parametrize(
    ("current", "sentence"),
    [
        (changed(properties__dose_mg=None), ".dose_mg: the field is gone"),
        (changed(required=["dose_mg", "medicine", "steps", "note"]), ".note: the field is newly required"),
        (changed(properties__dose_mg={"type": "number"}), "`type` was 'string' and is 'number'"),
        (changed(properties__medicine={"enum": ["buprenorphine"]}), "`enum` was"),
        (changed(properties__note={"anyOf": [{"type": "string"}]}), "number of alternatives"),
        (changed(**{"$defs__Step__properties__days": {"type": "string"}}), ".steps[].days: `type`"),
        (changed(**{"$defs__Step__required": ["days", "dose"]}), ".steps[].dose: the field is newly required"),
        ({}, "the event is gone"),
    ],
    ids=["removed", "newly required", "type", "enum", "nullable", "nested type", "nested required", "event gone"],
)
def test_a_broken_promise_is_named(current: dict[str, Any], sentence: str) -> None:
    """T39."""
    found = breaks(RELEASED, current)

    assert any(sentence in one for one in found)


def test_an_old_version_may_go_when_a_newer_one_stands_beside_it() -> None:
    """T39: the newer version's upcast reads the old events."""
    newer = {"DoseReduced.v2": {"type": "object", "properties": {}}}

    assert breaks(RELEASED, newer) == []
