"""Events on Kafka: CloudEvents 1.0 in binary mode, the key is whose event it is, the value is what happened."""

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

import msgspec

from shared.codec import Codec, Undecodable
from shared.database import Record
from shared.event import AnyRecorded, Recorded

SEQUENCE_DIGITS: Final = 19

type Headers = list[tuple[str, bytes]]


class Message(Protocol):
    """What we read of a Kafka record."""

    @property
    def key(self) -> bytes | None: ...  # noqa: D102 - Kafka's own words

    @property
    def value(self) -> bytes | None: ...  # noqa: D102 - same

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...  # noqa: D102 - same


def topic_of(service: str) -> str:
    """Where a service's events are published."""
    return f"{service}.events.v1"


def to_kafka(service: str, row: Record | Mapping[str, Any]) -> tuple[bytes, bytes, Headers]:
    """A row of `log.event` as key, value and headers. The value is never null: that would delete it on a compacted topic (T49)."""
    data: str = row["data"]
    if row["sealed"] is not None:
        member = f'"sealed": "{base64.b64encode(row["sealed"]).decode()}"'
        data = f"{{{member}}}" if data == "{}" else f"{data[:-1]}, {member}}}"
    optional = {
        "ce_patientid": row["patient_id"],
        "ce_corrects": row["corrects"],
        "ce_causationid": row["causation_id"],
        "ce_traceparent": row["traceparent"],
    }
    always = {
        "ce_specversion": "1.0",
        "ce_id": row["event_id"],
        "ce_source": f"/evenkeel/{service}",
        "ce_type": f"evenkeel.{service}.{row['type']}",
        "ce_time": row["recorded_at"].isoformat(),
        "ce_subject": row["stream"],
        "ce_sequence": f"{row['position']:0{SEQUENCE_DIGITS}d}",
        "ce_lane": row["lane"],
        "ce_streamversion": row["version"],
        "ce_schemaversion": row["schema_version"],
        "ce_siteid": row["site_id"],
        "ce_effectiveat": row["effective_at"].isoformat(),
        "ce_actor": row["actor"],
        "ce_correlationid": row["correlation_id"],
        "content-type": "application/json",
    }
    named = always | {name: value for name, value in optional.items() if value is not None}
    return row["key"].encode(), data.encode(), [(name, str(value).encode()) for name, value in named.items()]


def sequence_of(message: Message) -> int:
    """The event's position in its lane. Raises Undecodable."""
    value = next((value for name, value in message.headers if name == "ce_sequence"), b"")
    if len(value) != SEQUENCE_DIGITS or not value.isdigit():
        raise Undecodable("no ce_sequence of 19 digits")
    return int(value)


def event_id_of(message: Message) -> UUID:
    """The event's id. Raises Undecodable."""
    try:
        return UUID(next(value for name, value in message.headers if name == "ce_id").decode())
    except (StopIteration, ValueError) as error:
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
        return _recorded(codec, head, message.value, personal)
    except (KeyError, ValueError, UnicodeDecodeError) as error:
        raise Undecodable(f"headers: {type(error).__name__}") from error


def _recorded(codec: Codec, head: dict[str, str], value: bytes, personal: bytes | None) -> AnyRecorded:
    service, _, kind = head["ce_type"].removeprefix("evenkeel.").partition(".")
    version = int(head["ce_schemaversion"])
    return Recorded(
        service=service,
        lane=int(head["ce_lane"]),
        position=int(head["ce_sequence"]),
        stream=head["ce_subject"],
        version=int(head["ce_streamversion"]),
        event_id=UUID(head["ce_id"]),
        type=kind,
        schema_version=version,
        site_id=head["ce_siteid"],
        patient_id=_uuid(head.get("ce_patientid")),
        effective_at=datetime.fromisoformat(head["ce_effectiveat"]),
        recorded_at=datetime.fromisoformat(head["ce_time"]),
        corrects=_uuid(head.get("ce_corrects")),
        actor=head["ce_actor"],
        correlation_id=UUID(head["ce_correlationid"]),
        causation_id=_uuid(head.get("ce_causationid")),
        traceparent=head.get("ce_traceparent"),
        data=codec.decode(kind, version, value, personal),
    )


def _uuid(text: str | None) -> UUID | None:
    return UUID(text) if text else None
