"""What cannot be folded is parked as it came, and keeps nobody else waiting."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
import pytest

from shared.fold_value import VALUE_BYTES_MAX
from tests.shared.fold import ward
from tests.shared.fold.driving import Ward
from tests.shared.fold.records import Record, record_of

pytestmark = pytest.mark.broker

GOOD = ward.Counted("poison", 1)


def header(record: Record, name: str, value: bytes | None) -> Record:
    """The record with one header changed, or without it."""
    kept = [(key, text) for key, text in record[2] if key != name]
    return record[0], record[1], kept if value is None else [*kept, (name, value)]


def value(data: bytes | None) -> Callable[[Record], Any]:
    return lambda record: (record[0], data, record[2])


POISONS: dict[str, Callable[[Record], Any]] = {
    "invalid JSON": value(b'{"note": '),
    "a missing field": value(b'{"note": "poison"}'),
    "a wrong type": value(b'{"note": "poison", "amount": "many"}'),
    "NaN": value(b'{"note": "poison", "amount": NaN}'),
    "not UTF-8": value(b'{"note": "\xff\xfe", "amount": 1}'),
    "null": value(None),
    "not an object": value(b"[]"),
    "too much": value(b'{"amount": 1, "note": "' + b"x" * VALUE_BYTES_MAX + b'"}'),
    "an unknown version": lambda record: header(record, "ce_schemaversion", b"99"),
    "an unknown type": lambda record: header(record, "ce_type", b"evenkeel.north.Weighed"),
    "no id": lambda record: header(record, "ce_id", None),
    "no position": lambda record: header(record, "ce_sequence", None),
    "another patient's header": lambda record: header(record, "ce_patientid", str(UUID(int=999)).encode()),
    "another lane's header": lambda record: header(record, "ce_lane", b"15"),
}
KEYLESS: dict[str, bytes | None] = {"no key": None, "a key that is not UTF-8": b"\xff\xfe"}


async def test_each_poison_is_parked_with_its_bytes_and_the_others_flow(a_ward: Ward) -> None:
    """T15: one patient for each kind of poison, good events before, between and after."""
    a_ward.start()
    for number in range(120):
        await a_ward.count(number, "before")
    await a_ward.settles()
    sent: list[tuple[int, bytes | None]] = []
    for number, spoil in enumerate(POISONS.values()):
        lane = number % a_ward.partitions
        position = a_ward.next_position("south", lane)
        record = record_of(a_ward.codec, "south", lane, position, GOOD, patient=a_ward.patient(number))
        key, data, headers = spoil(record)
        await a_ward.send("south", lane, key, data, headers)
        sent.append((number, data))
    for key in KEYLESS.values():
        position = a_ward.next_position("west", 0)
        _, data, headers = record_of(a_ward.codec, "west", 0, position, GOOD, patient=a_ward.patient(500))
        await a_ward.send("west", 0, key, data, headers)
    for number in range(100, 120):
        await a_ward.count(number, "after", service="west")
    await a_ward.settles()

    by_key = {row.key: row for row in await a_ward.parks(len(POISONS) + len(KEYLESS))}
    for number, data in sent:
        assert by_key[str(a_ward.patient(number))].value == data
        assert a_ward.values[a_ward.patient(number)].degraded_since is not None
    for number in range(100, 120):
        assert a_ward.values[a_ward.patient(number)].degraded_since is None
    assert {"", "\\xff\\xfe"} <= by_key.keys()


async def test_an_event_about_no_patient_is_passed_by(a_ward: Ward) -> None:
    a_ward.start()
    for number in range(8):
        await a_ward.pass_by(number, service="south")
        await a_ward.count(number, "patient", service="south")

    await a_ward.settles()
    assert a_ward.written == 8
    assert await a_ward.parked() == []


async def test_when_too_much_fails_the_fold_stands_still(a_ward: Ward) -> None:
    """T29: a bad deploy fails on everything; it must not empty the topics into parking."""
    worker = a_ward.start()
    for number in range(100):
        await a_ward.count(number, "bad deploy", act="raise")
    await a_ward.producer.flush()

    halted = await worker.says("fold.halted")
    assert "program" in halted["reason"]
    assert 0 < len(await a_ward.parked()) < 30
    assert await a_ward.lag() >= 70
    port = (await worker.says("fold.starts"))["port"]
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"http://127.0.0.1:{port}/readyz")).status_code == 503
    assert await worker.stop() == 0
