"""The AsyncAPI 3 document: which topics there are, what travels on them, and how a reader proves that it lost nothing."""

from collections.abc import Mapping
from typing import Any

from deploy.contracts.schemas import Schema

type Document = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_UUID: Schema = {"type": "string", "format": "uuid"}
_INSTANT: Schema = {"type": "string", "format": "date-time"}

# CloudEvents 1.0, binary content mode on Kafka.
HEADERS: Schema = {
    "type": "object",
    "required": [
        "ce_specversion",
        "ce_id",
        "ce_source",
        "ce_type",
        "ce_time",
        "ce_subject",
        "ce_sequence",
        "content-type",
    ],
    "properties": {
        "ce_specversion": {"const": "1.0"},
        "ce_id": _UUID | {"description": "The event's id; the same in every copy."},
        "ce_source": _TEXT | {"examples": ["/evenkeel/medication"]},
        "ce_type": _TEXT | {"examples": ["evenkeel.medication.DoseReduced"]},
        "ce_time": _INSTANT | {"description": "When the database stored the event."},
        "ce_subject": _TEXT | {"description": "The stream, such as `taper-<id>`."},
        "ce_sequence": {
            "type": "string",
            "pattern": "^[0-9]{19}$",
            "description": "Position in the partition's lane. The next event's is exactly one more; one that is not higher is a duplicate.",
        },
        "ce_streamversion": _TEXT | {"description": "The event's place in its stream, from 1."},
        "ce_schemaversion": _TEXT,
        "ce_siteid": _TEXT,
        "ce_patientid": _UUID,
        "ce_effectiveat": _INSTANT | {"description": "When it was true."},
        "ce_corrects": _UUID | {"description": "The event that this one corrects."},
        "ce_actor": _TEXT,
        "ce_correlationid": _UUID,
        "ce_causationid": _UUID,
        "ce_traceparent": _TEXT,
        "content-type": {"const": "application/json"},
    },
}

# A table's changelog is the output topic: one record per patient, the newest wins, null never occurs.
STATE: Schema = {
    "type": "object",
    "required": ["facts", "figures", "sources", "last_event_id", "as_of"],
    "properties": {
        "facts": {"type": "object", "description": "What was learned, by id; the figures follow from it."},
        "figures": {"type": "object", "description": "What a reader is shown."},
        "sources": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "required": ["lane", "position"],
                "properties": {"lane": {"type": "integer"}, "position": {"type": "integer"}},
            },
            "description": "Per source topic: the position up to which this patient's events are included.",
        },
        "last_event_id": _UUID,
        "as_of": _INSTANT,
        "degraded_since": {
            "anyOf": [_INSTANT, {"type": "null"}],
            "description": "Set while one of the patient's events is parked.",
        },
    },
}


def document(version: str, events: Mapping[str, Mapping[str, Schema]], outputs: Mapping[str, str]) -> Document:
    """`events` are the schemas per service, `outputs` the compacted topics with a sentence each."""
    channels: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    for service, schemas in events.items():
        channel = f"{service}-events"
        channels[channel] = _channel(
            f"{service}.events.v1", f"What happened in {service}.", [f"{service}.{name}" for name in schemas]
        )
        for name, schema in schemas.items():
            messages[f"{service}.{name}"] = _message(name, schema, {"$ref": "#/components/schemas/CloudEventHeaders"})
    for topic, sentence in outputs.items():
        name = topic.removesuffix(".v1")
        channels[name.replace(".", "-")] = _channel(topic, sentence, [name])
        messages[name] = _message(name, STATE, None) | {"summary": sentence}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Evenkeel events",
            "version": version,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
            "description": "CloudEvents 1.0 in binary mode on Kafka. The key is the patient's id, so that one patient's events stay in order.",
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": {
            f"publish-{name}": {
                "action": "send",
                "channel": {"$ref": f"#/channels/{name}"},
                "messages": [{"$ref": f"#/channels/{name}/messages/{key}"} for key in channel["messages"]],
            }
            for name, channel in channels.items()
        },
        "components": {"messages": messages, "schemas": {"CloudEventHeaders": HEADERS}},
    }


def _channel(topic: str, sentence: str, names: list[str]) -> Document:
    return {
        "address": topic,
        "description": sentence,
        "messages": {name.replace(".", "-"): {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {"kafka": {"topic": topic, "partitions": 16, "bindingVersion": "0.5.0"}},
    }


def _message(name: str, schema: Schema, headers: Schema | None) -> Document:
    payload = _inlined(
        {key: value for key, value in schema.items() if key not in {"$schema", "$id", "$defs"}}, schema.get("$defs", {})
    )
    message: Document = {"name": name, "title": name, "contentType": "application/json", "payload": payload}
    if "description" in schema:
        message["summary"] = schema["description"]
    return message | ({"headers": headers} if headers else {})


def _inlined(node: Any, definitions: Mapping[str, Schema]) -> Any:
    """References inside one event's schema are written out, because AsyncAPI resolves them against the whole document."""
    if isinstance(node, dict):
        if "$ref" in node:
            return _inlined(definitions[node["$ref"].rsplit("/", 1)[1]], definitions)
        return {key: _inlined(value, definitions) for key, value in node.items()}
    return [_inlined(one, definitions) for one in node] if isinstance(node, list) else node
