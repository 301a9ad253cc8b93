"""One JSON Schema per event, as it travels on Kafka: plain fields in the open, personal fields sealed."""

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import msgspec

from shared.codec import Codec

type Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SCHEMA_BASE = "https://evenkeel.example/schemas"


def event_schemas(service: str, vocabulary: ModuleType) -> dict[str, Schema]:
    """Every event of one service: name such as `DoseReduced.v1` to its schema."""
    codec = Codec(vocabulary)
    return {f"{name}.v{codec.version_of(name)}": _schema(service, name, codec) for name in sorted(codec.types)}


def _schema(service: str, name: str, codec: Codec) -> Schema:
    (reference,), components = msgspec.json.schema_components((codec.types[name],), ref_template="#/$defs/{name}")
    body: Schema = dict(components.pop(reference["$ref"].rsplit("/", 1)[1]))
    personal = codec.personal_fields(name)
    body["properties"] = {field: one for field, one in body["properties"].items() if field not in personal}
    body["required"] = [field for field in body.get("required", []) if field not in personal]
    if personal:
        body["properties"]["sealed"] = {
            "type": "string",
            "contentEncoding": "base64",
            "description": f"Sealed with the patient's own key (AES-256-GCM): {', '.join(sorted(personal))}.",
        }
    head = {"$schema": DIALECT, "$id": f"{SCHEMA_BASE}/{service}/{name}.v{codec.version_of(name)}.json"}
    needed = set(_references(body))
    while more := {found for one in needed for found in _references(components[one])} - needed:
        needed |= more
    definitions = {one: components[one] for one in sorted(needed)}
    return head | body | ({"$defs": definitions} if definitions else {})


def _references(node: object) -> Iterator[str]:
    """The names under `$defs` that a schema points to."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value.rsplit("/", 1)[1]
            else:
                yield from _references(value)
    elif isinstance(node, list):
        for one in node:
            yield from _references(one)
