"""Events that a restored log lacks and the topic still has, as the very rows they were."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.cloudevents import event_id_of, sequence_of
from shared.codec import Undecodable
from shared.database import Connection

POLL_MS: Final = 500
RECORDS_MAX: Final = 1000

_KNOWN: Final = "select position, event_id from log.event where lane = $1 and position = any($2)"

type Row = dict[str, Any]


@dataclass
class Surviving:
    """A lane held against its topic: up to `common` they are one; behind that, the rows that only the topic has."""

    lane: int
    common: int = 0
    rows: list[Row] = field(default_factory=list)


async def surviving(kafka: str, topic: str, lane: int, log: Connection) -> Surviving:
    """Read the lane's partition from its start. Raises KafkaError and Undecodable."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False, auto_offset_reset="earliest")
    tp, found = TopicPartition(topic, lane), Surviving(lane)
    await consumer.start()
    try:
        consumer.assign([tp])
        end = (await consumer.end_offsets([tp]))[tp]
        await consumer.seek_to_beginning(tp)
        while await consumer.position(tp) < end:
            for messages in (await consumer.getmany(timeout_ms=POLL_MS, max_records=RECORDS_MAX)).values():
                await _sort(found, messages, log)
    finally:
        await consumer.stop()
    return found


async def _sort(found: Surviving, messages: Any, log: Connection) -> None:
    positions = [sequence_of(message) for message in messages]
    known = {row["position"]: row["event_id"] for row in await log.fetch(_KNOWN, found.lane, positions)}
    for position, message in zip(positions, messages, strict=True):
        last = found.rows[-1]["position"] if found.rows else found.common
        if position <= last:
            continue  # sent twice
        if not found.rows and known.get(position) == event_id_of(message):
            found.common = position
        elif position == last + 1:
            found.rows.append(row_of(message))


def row_of(message: Any) -> Row:
    """The row of `log.event` that this record was made from, `data` as PostgreSQL wrote it. Raises Undecodable."""
    try:
        head = {name: value.decode() for name, value in message.headers}
        return _row(head, message.key.decode(), message.value)
    except (KeyError, ValueError, AttributeError, msgspec.MsgspecError) as error:
        raise Undecodable(f"a record of {message.topic} is no event of ours") from error


def _row(head: Mapping[str, str], key: str, value: bytes) -> Row:
    data, sealed = _content(value)
    return {
        "lane": int(head["ce_lane"]),
        "position": int(head["ce_sequence"]),
        "stream": head["ce_subject"],
        "version": int(head["ce_streamversion"]),
        "event_id": UUID(head["ce_id"]),
        "type": head["ce_type"].split(".", 2)[2],
        "schema_version": int(head["ce_schemaversion"]),
        "key": key,
        "site_id": head["ce_siteid"],
        "patient_id": _uuid(head.get("ce_patientid")),
        "effective_at": datetime.fromisoformat(head["ce_effectiveat"]),
        "recorded_at": datetime.fromisoformat(head["ce_time"]),
        "corrects": _uuid(head.get("ce_corrects")),
        "actor": head["ce_actor"],
        "correlation_id": UUID(head["ce_correlationid"]),
        "causation_id": _uuid(head.get("ce_causationid")),
        "traceparent": head.get("ce_traceparent"),
        "data": data,
        "sealed": sealed,
    }


def _content(value: bytes) -> tuple[str, bytes | None]:
    """What stood in `data` and `sealed`: the sealed fields travel as the last member of the value."""
    encoded = msgspec.json.decode(value, type=dict[str, Any]).get("sealed")
    text = value.decode()
    if encoded is None:
        return text, None
    member = f'"sealed": "{encoded}"}}'
    rest = text.removesuffix(member)
    return f"{rest.removesuffix(', ')}}}", base64.b64decode(encoded, validate=True)


def _uuid(text: str | None) -> UUID | None:
    return UUID(text) if text else None
