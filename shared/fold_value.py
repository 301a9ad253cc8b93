"""What a fold knows about one patient: the facts, the figures drawn from them, and how far the sources were read.

This value is a record of the output topic and an entry of the fold's table at once. It is pure: no Kafka, no clock.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import ModuleType
from typing import Any, Final
from uuid import UUID

import msgspec

from shared.event import AnyRecorded
from shared.failures import Failure

type Facts = dict[str, Any]

VALUE_BYTES_MAX: Final = 512 * 1024
"""The largest value a fold may write. A patient whose facts outgrow it is parked, and the fold must roll up more."""


class ValueTooLarge(Failure):
    """The facts of one patient have outgrown what a record may hold."""


@dataclass(frozen=True)
class Fold:
    """One stream processor: how the events of its sources become one value for each patient.

    `sources` maps each topic to the vocabulary its events are written in, `shared.events.<service>`; `output` is the
    compacted topic of the values. `apply(facts, event)` returns the facts with this event taken in: pure, and with the
    same result however the topics interleave. `figures(facts)` draws from the facts what a reader wants to see.
    Facts are kept as JSON: a Decimal, date or UUID put into them is read back as its text.
    """

    app_id: str
    sources: Mapping[str, ModuleType]
    output: str
    apply: Callable[[Facts, AnyRecorded], Facts]
    figures: Callable[[Facts], dict[str, Any]]


class Reached(msgspec.Struct, frozen=True):
    """How far one source was read for one patient."""

    lane: int
    position: int


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """One patient's record. `as_of` and `last_event_id` belong to the newest event, by the time it was recorded.

    `degraded_since` is set while the patient's later events are parked: the facts are right, but not complete.
    """

    facts: Facts = {}
    figures: Any = {}
    sources: dict[str, Reached] = {}
    last_event_id: UUID | None = None
    as_of: datetime | None = None
    degraded_since: datetime | None = None

    def has(self, topic: str, position: int) -> bool:
        """Was this event folded already?"""
        reached = self.sources.get(topic)
        return reached is not None and position <= reached.position


class _Stored(Value, frozen=True, kw_only=True):
    """The value as it lies in the table: its figures are never read back, so they stay bytes."""

    figures: msgspec.Raw = msgspec.Raw(b"{}")


EMPTY: Final = Value()

_stored = msgspec.json.Decoder(_Stored)
_read = msgspec.json.Decoder(Value)
# One set of facts has one spelling, whatever the order in which they came: byte for byte comparable, and it compresses better.
_encoder = msgspec.json.Encoder(order="deterministic")


def stored(data: bytes | None) -> Value:
    """The value in the table, without its figures; the empty value for a patient not seen yet."""
    return EMPTY if data is None else _stored.decode(data)


def read(data: bytes) -> Value:
    """A record of the output topic as its readers see it. Raises msgspec.DecodeError when it is none."""
    return _read.decode(data)


def fold_in(fold: Fold, topic: str, value: Value, event: AnyRecorded) -> Value:
    """The value with one more event. The caller has dropped what `value.has`."""
    newest = value.as_of is None or (value.as_of, value.last_event_id or UUID(int=0)) < (
        event.recorded_at,
        event.event_id,
    )
    return msgspec.structs.replace(
        value,
        # Plain types at once, so that `figures` sees the same facts now as after a restart.
        facts=msgspec.to_builtins(fold.apply(value.facts, event)),
        sources={**value.sources, topic: Reached(event.lane, event.position)},
        last_event_id=event.event_id if newest else value.last_event_id,
        as_of=event.recorded_at.astimezone(UTC) if newest else value.as_of,
    )


def written(fold: Fold, value: Value) -> bytes:
    """The record to write, figures drawn anew. Raises ValueTooLarge."""
    data = _encoder.encode(msgspec.structs.replace(value, figures=fold.figures(value.facts)))
    if len(data) > VALUE_BYTES_MAX:
        raise ValueTooLarge(f"{len(data)} bytes, {VALUE_BYTES_MAX} allowed")
    return data


def degraded(data: bytes | None, since: datetime) -> bytes:
    """The record as it was, marked: events of this patient are parked. The first mark stays."""
    value = stored(data)
    return _encoder.encode(msgspec.structs.replace(value, degraded_since=value.degraded_since or since.astimezone(UTC)))


def restored(data: bytes) -> bytes:
    """The record without its mark: nothing of this patient is parked any more."""
    return _encoder.encode(msgspec.structs.replace(stored(data), degraded_since=None))
