"""The chain of a lane: each event's hash covers every column of it and the hash of the event before, so nothing can be changed alone."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import msgspec

from shared.database import Record

FORMAT: Final = "evenkeel log chain v1"
# In the order of the table; `data` is PostgreSQL's own text of it, so that no number is rounded on the way.
COLUMNS: Final = (
    *("lane", "position", "stream", "version", "event_id", "type", "schema_version", "key", "site_id", "patient_id"),
    *("effective_at", "recorded_at", "corrects", "actor", "correlation_id", "causation_id", "traceparent"),
    *("data", "sealed"),
)
SELECTED: Final = ", ".join("data::text as data" if name == "data" else name for name in COLUMNS)


@dataclass(frozen=True, slots=True)
class Link:
    """Where a lane's chain stands: after the event at `position`, whose id goes along for a quick look. Position 0 is the beginning."""

    position: int
    event_id: UUID | None
    hash: bytes


def beginning(service: str, lane: int) -> Link:
    """The chain of a lane before its first event."""
    return Link(0, None, hashlib.sha256(f"{FORMAT}\n{service}\n{lane}\n".encode()).digest())


def canonical(row: Record | Mapping[str, Any]) -> bytes:
    """Every column of an event as one line of JSON: times in UTC, bytes in base 64, absent ones null.

    Personal fields are in it as they are stored, sealed: destroying a patient's key changes nothing here.
    """
    return msgspec.json.encode(
        {name: msgspec.Raw(row[name].encode()) if name == "data" else row[name] for name in COLUMNS}
    )


def after(link: Link, position: int, event_id: UUID, line: bytes) -> Link:
    """The chain with one event more, given as its canonical line."""
    return Link(position, event_id, hashlib.sha256(link.hash + line).digest())
