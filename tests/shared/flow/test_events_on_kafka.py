"""An event on Kafka is a CloudEvent that the official library reads, and comes back as it was."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from cloudevents.kafka import KafkaMessage, from_binary

from shared.cloudevents import from_kafka, sealed_of, sequence_of, to_kafka
from shared.codec import Undecodable, UnknownEvent
from tests.shared.flow.ledger import CODEC
from tests.shared.log.counter import Counted


def row(**changes: Any) -> dict[str, Any]:
    now = datetime(2026, 11, 23, 14, 0, 0, 123456, tzinfo=UTC)
    return {
        "lane": 3, "position": 17, "stream": "counter-Ä", "version": 2, "event_id": uuid4(), "type": "Counted", "schema_version": 1,
        "key": "Ä", "site_id": "riverside", "patient_id": None, "effective_at": now, "recorded_at": now, "corrects": None,
        "actor": "tester", "correlation_id": uuid4(), "causation_id": None, "traceparent": None, "data": '{"by": 4}', "sealed": b"\x00\xff",
    } | changes  # fmt: skip


def message(made: dict[str, Any], **changes: Any) -> Any:
    key, value, headers = to_kafka("counter", made)
    return SimpleNamespace(**({"key": key, "value": value, "headers": headers} | changes))


def test_an_event_comes_back_as_it_was() -> None:
    made = row(patient_id=uuid4(), corrects=uuid4(), causation_id=uuid4(), traceparent="00-aa-bb-01")
    back = from_kafka(CODEC, message(made))

    assert back.data == Counted(4, None)
    assert sealed_of(message(made)) == b"\x00\xff"
    same = (
        "lane",
        "position",
        "stream",
        "version",
        "event_id",
        "type",
        "site_id",
        "patient_id",
        "effective_at",
        "recorded_at",
    )
    assert {name: getattr(back, name) for name in same} == {name: made[name] for name in same}
    assert (back.corrects, back.causation_id, back.traceparent) == (
        made["corrects"],
        made["causation_id"],
        "00-aa-bb-01",
    )


def test_the_official_library_reads_our_events() -> None:
    """T49: headers are UTF-8, and the value is never null."""
    made = message(row())
    event = from_binary(KafkaMessage(dict(made.headers), made.key, made.value), data_unmarshaller=lambda data: data)

    assert event["specversion"] == "1.0"
    assert event["type"] == "evenkeel.counter.Counted"
    assert event["subject"] == "counter-Ä"
    assert event.data == made.value
    assert event.data is not None


def test_an_event_without_fields_has_a_value_all_the_same() -> None:
    """T49: null would be a tombstone on a compacted topic."""
    assert message(row(data="{}", sealed=None)).value == b"{}"
    assert message(row(data="{}")).value == b'{"sealed": "AP8="}'


def test_sequences_sort_as_text() -> None:
    """T49."""
    texts = [dict(message(row(position=position)).headers)["ce_sequence"] for position in (1, 9, 10, 99, 100, 2**62)]

    assert texts == sorted(texts)
    assert {len(text) for text in texts} == {19}
    assert sequence_of(message(row(position=2**62))) == 2**62


@pytest.mark.parametrize(
    "change",
    [{"value": None}, {"value": b"nonsense"}, {"value": b'{"by": "x"}'}, {"value": b"{}"}, {"value": b'{"by": NaN}'},
     {"value": b"\xff\xfe"}, {"value": b"[1]"}, {"headers": []}, {"headers": [("ce_sequence", b"1")]}],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_read_is_said_without_quoting_it(change: dict[str, Any]) -> None:
    with pytest.raises(Undecodable) as refused:
        from_kafka(CODEC, message(row(), **change))
    assert "nonsense" not in str(refused.value)


def test_an_unknown_event_or_version_is_named() -> None:
    for made in (row(type="Vanished"), row(schema_version=9)):
        with pytest.raises(UnknownEvent):
            from_kafka(CODEC, message(made))
