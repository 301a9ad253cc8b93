"""Records that the harness itself puts into a topic: one that nobody can read, and one that comes too early."""

import asyncio
import signal
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.demo.calendar import Weeks
from deploy.demo.ways import Journey
from shared.cloudevents import to_kafka
from tests.faults.chaos import Run
from tests.faults.check_log import Violation
from tests.faults.check_topics import PLANTED
from tests.faults.load import Noted

TOPIC: Final = "scheduling.events.v1"
CONSUMERS: Final = {"scheduling": "scheduling", "intake-plan-state-v1": "intake"}
"""Who has to park what cannot be read, and in whose database."""
MEETINGS: Final = "/support-meetings/"
PARKED_SECONDS_MAX: Final = 20.0
HALTED_SECONDS_MAX: Final = 30.0


@dataclass(frozen=True)
class Poison:
    """Where the record lies that nobody can read."""

    key: str
    partition: int
    offset: int


async def poison(run: Run) -> Poison:
    """Among the records of a patient to whom several people write right now."""
    key = await _busy_patient(run)
    lane = await _value(run, "select lane from log.event where key = $1 limit 1", key)
    sent = await _send(run, lane, key.encode(), b'{"half": ', [])
    run.parked |= {key}
    run.ledger.fault("poison", key, lane=lane, offset=sent)
    return Poison(key, lane, sent)


async def _busy_patient(run: Run) -> str:
    """A patient of whom a meeting has just been written down."""
    while True:
        asked = [one.path for one in run.ledger.commands.values() if MEETINGS in one.path and one.acknowledged]
        if asked:
            return asked[-1].split("/")[1]
        await asyncio.sleep(0.2)


async def _send(run: Run, lane: int, key: bytes, value: bytes, headers: list[tuple[str, bytes]]) -> int:
    producer = AIOKafkaProducer(bootstrap_servers=run.system.kafka, acks="all")
    await producer.start()
    try:
        marked = [*headers, (PLANTED, b"1")]
        sent = await producer.send_and_wait(TOPIC, value, key, partition=lane, headers=marked)
    finally:
        await producer.stop()
    return int(sent.offset)


async def parked(run: Run, planted: Poison) -> list[Violation]:
    """The record is parked with all later ones of its patient, by each who reads them; the patient is shown as degraded."""
    end = asyncio.get_running_loop().time() + PARKED_SECONDS_MAX
    wanted = await _to_park(run, planted)
    while True:
        found: list[Violation] = []
        for consumer, service in CONSUMERS.items():
            missing = wanted - await _parked_by(run, service, consumer, planted)
            if missing:
                found.append(
                    Violation(
                        "parked", f"{consumer} did not park {len(missing)} of {len(wanted)} records of {planted.key}"
                    )
                )
        if not found or asyncio.get_running_loop().time() > end:
            return found
        await asyncio.sleep(1.0)


async def _to_park(run: Run, planted: Poison) -> set[int]:
    """Offsets: the planted record, and what follows it under its key and was not there before."""
    consumer = AIOKafkaConsumer(bootstrap_servers=run.system.kafka, enable_auto_commit=False)
    await consumer.start()
    try:
        tp = TopicPartition(TOPIC, planted.partition)
        consumer.assign([tp])
        await consumer.seek_to_beginning(tp)
        end, last, wanted = (await consumer.end_offsets([tp]))[tp], 0, set[int]()
        while await consumer.position(tp) < end:
            for message in (await consumer.getmany(timeout_ms=500)).get(tp, []):
                position = int(dict(message.headers).get("ce_sequence", b"0"))
                new, last = position > last, max(last, position)
                if message.key == planted.key.encode() and message.offset >= planted.offset and (new or not position):
                    wanted.add(message.offset)
    finally:
        await consumer.stop()
    return wanted


async def _parked_by(run: Run, service: str, consumer: str, planted: Poison) -> set[int]:
    connection = await asyncpg.connect(run.system.dsn(service))
    try:
        rows = await connection.fetch(
            "select record_offset from projection.parked where consumer = $1 and topic = $2 and partition = $3",
            *(consumer, TOPIC, planted.partition),
        )
    finally:
        await connection.close()
    return {row["record_offset"] for row in rows}


async def gap(run: Run) -> list[Violation]:
    """While the relay sleeps the second of two new events is put into the topic; then the relay sends both."""
    patient = run.load.patients[-1]
    run.load.going.clear()
    await run.breaking.heal()
    before = await run.settled(HALTED_SECONDS_MAX, HALTED_SECONDS_MAX)
    run.load.going.set()
    assert run.system.kill("scheduling-worker", signal.SIGSTOP)
    async with run.load.network("gap") as network:
        first, second = [await _meeting(Journey(network, _weeks(), patient), network) for _ in range(2)]
    run.ledger.fault("gap", TOPIC)
    row = await _row(run, second)
    key, value, headers = to_kafka("scheduling", row)
    await _send(run, row["lane"], key, value, headers)
    run.system.kill("scheduling-worker", signal.SIGCONT)
    end = asyncio.get_running_loop().time() + HALTED_SECONDS_MAX
    while asyncio.get_running_loop().time() < end:
        if await _halted(run, row["lane"]):
            return before
        await asyncio.sleep(0.5)
    shown = await _value(run, "select count(*) from view.attendance where attendance_id = $1::uuid", first)
    lost = [] if shown else [Violation("rows", f"attendance {first} is missing, and nothing has halted")]
    return [*before, *lost, Violation("gap", f"lane {row['lane']} went on over a gap")]


def _weeks() -> Weeks:
    return Weeks((datetime.now(UTC) - timedelta(hours=12)).date())


async def _meeting(journey: Journey, network: Noted) -> str:
    body = {"kind": "na", "attended_on": journey.weeks.on(10), "minutes": 60, "evidence": "signature"}
    place = f"scheduling/patients/{journey.patient.patient_id}/support-meetings/{uuid4()}"
    done = await network.command("PUT", place, body, role="front_desk", site=journey.site, step=place)
    return str(done["stream"]).split("-", 1)[1]


async def _row(run: Run, attendance_id: str) -> Any:
    connection = await asyncpg.connect(run.system.dsn("scheduling"))
    try:
        sql = "select *, data::text as data from log.event where stream = $1 order by version desc limit 1"
        return await connection.fetchrow(sql, f"attendance-{attendance_id}")
    finally:
        await connection.close()


async def _halted(run: Run, lane: int) -> bool:
    async with httpx.AsyncClient(timeout=3.0, trust_env=False) as client:
        try:
            said = (await client.get(f"{run.system.process('scheduling-worker')['ops']}/readyz")).text
        except httpx.HTTPError:
            return False
    return f'"{TOPIC}/{lane}"' in said


async def _value(run: Run, sql: str, *args: object) -> Any:
    connection = await asyncpg.connect(run.system.dsn("scheduling"))
    try:
        return await connection.fetchval(sql, *args)
    finally:
        await connection.close()
