"""Records as the relay writes them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from shared.cloudevents import Headers, to_kafka
from shared.codec import Codec

type Record = tuple[bytes, bytes, Headers]


def record_of(
    codec: Codec, service: str, lane: int, position: int, data: Any, *, patient: UUID | None, key: str | None = None
) -> Record:
    """Key, value and headers of one event. Without a patient it is about the subject `key`."""
    encoded = codec.encode(data)
    row = {
        "lane": lane,
        "position": position,
        "stream": f"count-{key or patient}",
        "version": position,
        "event_id": uuid4(),
        "type": encoded.type,
        "schema_version": encoded.schema_version,
        "site_id": "riverside",
        "patient_id": patient,
        "key": key or str(patient),
        "effective_at": datetime.now(UTC),
        "recorded_at": datetime.now(UTC),
        "corrects": None,
        "actor": "tests",
        "correlation_id": uuid4(),
        "causation_id": None,
        "traceparent": None,
        "data": encoded.data.decode(),
        "sealed": None,
    }
    return to_kafka(service, row)
