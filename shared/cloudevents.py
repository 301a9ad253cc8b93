"""Events on Kafka: CloudEvents 1.0 in binary mode, the key is whose event it is, the value is what happened."""

import base64
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

import msgspec

from shared.codec import Codec, Undecodable
from shared.database import Record
from shared.event import AnyRecorded, Recorded

SEQUENCE_DIGITS: Final = 19

type Headers = list[tuple[str, bytes]]

# Each header, the field of the record that it carries, how it is written and how it is read.
_HEADERS: Final[tuple[tuple[str, str, Callable[[Any], str], Callable[[str], Any]], ...]] = (
    ("ce_id", "event_id", str, UUID),
    ("ce_time", "recorded_at", datetime.isoformat, datetime.fromisoformat),
    ("ce_subject", "stream", str, str),
    ("ce_sequence", "position", f"{{:0{SEQUENCE_DIGITS}d}}".format, int),
    ("ce_lane", "lane", str, int),
    ("ce_streamversion", "version", str, int),
    ("ce_schemaversion", "schema_version", str, int),
    ("ce_siteid", "site_id", str, str),
    ("ce_effectiveat", "effective_at", datetime.isoformat, datetime.fromisoformat),
    ("ce_actor", "actor", str, str),
    ("ce_correlationid", "correlation_id", str, UUID),
    ("ce_patientid", "patient_id", str, UUID),
    ("ce_corrects", "corrects", str, UUID),
    ("ce_causationid", "causation_id", str, UUID),
    ("ce_traceparent", "traceparent", str, str),
)
_OPTIONAL: Final[Mapping[str, Any]] = dict.fromkeys(("patient_id", "corrects", "causation_id", "traceparent"))


class Message(Protocol):
    """A Kafka record as it came, the value still bytes."""

    topic: str
    partition: int
    offset: int
    timestamp: float
    key: bytes | None
    value: bytes | None
    headers: Any


def topic_of(service: str) -> str:
    """Where a service's events are published."""
    return f"{service}.events.v1"


def to_kafka(service: str, row: Record | Mapping[str, Any]) -> tuple[bytes, bytes, Headers]:
    """A row of `log.event` as key, value and headers. The value is never null: that would delete it on a compacted topic (T49)."""
    data: str = row["data"]
    if row["sealed"] is not None:
        member = f'"sealed": "{base64.b64encode(row["sealed"]).decode()}"'
        data = f"{{{member}}}" if data == "{}" else f"{data[:-1]}, {member}}}"
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_source", f"/evenkeel/{service}".encode()),
        ("ce_type", f"evenkeel.{service}.{row['type']}".encode()),
        ("content-type", b"application/json"),
    ]
    headers += [(name, write(row[field]).encode()) for name, field, write, _ in _HEADERS if row[field] is not None]
    return row["key"].encode(), data.encode(), headers


def header_of(message: Message, name: str) -> bytes | None:
    """The first header of this name."""
    return next((bytes(value) for key, value in message.headers or () if key == name), None)


def sequence_of(message: Message) -> int:
    """The event's position in its lane. Raises Undecodable."""
    value = header_of(message, "ce_sequence") or b""
    if len(value) != SEQUENCE_DIGITS or not value.isdigit():
        raise Undecodable("no ce_sequence of 19 digits")
    return int(value)


def event_id_of(message: Message) -> UUID:
    """The event's id. Raises Undecodable."""
    try:
        return UUID((header_of(message, "ce_id") or b"").decode())
    except ValueError as error:
        raise Undecodable("no ce_id") from error


def sealed_of(message: Message) -> bytes | None:
    """The event's personal fields, still sealed. Raises Undecodable."""
    try:
        sealed = msgspec.json.decode(message.value or b"", type=dict[str, Any]).get("sealed")
        return base64.b64decode(sealed) if sealed is not None else None
    except (msgspec.MsgspecError, ValueError, TypeError) as error:
        raise Undecodable("the value is no JSON object") from error


def from_kafka(codec: Codec, message: Message, personal: bytes | None = None) -> AnyRecorded:
    """The event of a record; `personal` is what was sealed, opened. Raises Undecodable or UnknownEvent, quoting no value."""
    if message.value is None:
        raise Undecodable("the value is null")
    try:
        head = {name: value.decode() for name, value in message.headers}
        service, _, kind = head["ce_type"].removeprefix("evenkeel.").partition(".")
        record = {**_OPTIONAL} | {
            field: read(head[name]) for name, field, _, read in _HEADERS if name in head or field not in _OPTIONAL
        }
    except (KeyError, ValueError) as error:
        raise Undecodable(f"headers: {type(error).__name__}") from error
    data = codec.decode(kind, record["schema_version"], message.value, personal)
    return Recorded(service=service, type=kind, data=data, **record)
