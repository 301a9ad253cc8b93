"""Dealing with parked events: look at them, apply them again in order, edit or discard one; what was done is an event."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec

from deploy.operating import Opened
from shared.checkpoint import Reader
from shared.cloudevents import event_id_of, from_kafka
from shared.codec import Undecodable
from shared.database import Pool
from shared.decider import Decider
from shared.events.parking import ParkedEventDiscarded, ParkedEventEdited, ParkedEventsRetried, ParkingEvent
from shared.failures import Failure
from shared.log import Act, Context, PersonErased, Subject
from shared.parking import ParkedRecord, settle, waiting
from shared.projecting import NOT_THE_EVENT
from shared.projector import CHANNEL

FOLD_SECONDS_MAX: Final = 30.0
FOLD_LOOK_SECONDS: Final = 0.2
EVERYWHERE: Final = "operations"
"""The site of what is done about a record that does not say its own."""

_LIST: Final = """
select consumer, key, count(*) as events, min(parked_at) as since, (array_agg(reason order by number))[1] as reason
from projection.parked group by consumer, key order by since
"""
_SHOW: Final = """
select number, consumer, key, topic, partition, sequence, reason, headers, value, original is not null as edited, parked_at
from projection.parked where ($1::text is null or key = $1) and ($2::bigint is null or number = $2) order by number
"""
_LOCK: Final = """
select 1 from projection.checkpoint c where projection = $1
    and exists (select from projection.parked p where (p.consumer, p.key, p.topic, p.partition) = ($1, $2, c.topic, c.partition))
order by topic, partition for update
"""
_EDIT: Final = "update projection.parked set original = coalesce(original, value), value = $2 where number = $1"
_ASK: Final = """
insert into projection.replay (consumer, key, partition) values ($1, $2, $3)
on conflict (consumer, key) do update set asked_at = clock_timestamp()
"""
_ANSWERED: Final = "select not exists (select from projection.replay where consumer = $1 and key = $2)"

# Nothing is decided here: the operator has.
decider: Final = Decider[None]("parking", None, lambda _, event: [event], lambda state, _: state)


class NothingParked(Failure):
    """Nothing is parked under this key or number."""


class NotEditable(Failure):
    """The event could not be read with this content either; nothing was changed."""


class FoldSilent(Failure):
    """The stream process has not answered; the replay is asked for and happens when it runs."""


@dataclass(frozen=True)
class Waiting:
    """The parked events of one key of one consumer, counted."""

    service: str
    consumer: str
    key: str
    events: int
    since: datetime
    reason: str


@dataclass(frozen=True)
class Parked:
    """One parked event. `content` are its plain fields; what is sealed stays so."""

    number: int
    consumer: str
    key: str
    topic: str
    lane: int
    position: int | None
    reason: str
    headers: Mapping[str, str]
    content: str
    edited: bool
    parked_at: datetime


@dataclass(frozen=True)
class Replayed:
    """What came of a replay: how many events were applied, how many wait still, and why the first of them does."""

    done: int
    left: int
    reason: str | None = None


@dataclass(frozen=True)
class Doing:
    """Who acts, and why."""

    author: str
    reason: str


async def counted(service: str, pool: Pool) -> list[Waiting]:
    """Everything parked, by consumer and key, the longest waiting first."""
    return [Waiting(service, **dict(row)) for row in await pool.fetch(_LIST)]


async def shown(pool: Pool, key: str | None = None, number: int | None = None) -> list[Parked]:
    """The parked events of a key, or one by its number, in the order in which they came. Raises NothingParked."""
    rows = await pool.fetch(_SHOW, key, number)
    if not rows:
        raise NothingParked
    return [
        Parked(
            row["number"],
            row["consumer"],
            row["key"],
            row["topic"],
            row["partition"],
            row["sequence"],
            row["reason"],
            dict(row["headers"]),
            _without_sealed(row["value"]),
            row["edited"],
            row["parked_at"],
        )
        for row in rows
    ]


async def retry(here: Opened, key: str, doing: Doing) -> dict[str, Replayed]:
    """Apply what is parked under a key again, consumer by consumer. Raises NothingParked, FoldSilent."""
    found = await shown(here.pool, key)
    replayed: dict[str, Replayed] = {}
    for consumer in dict.fromkeys(one.consumer for one in found):
        first, *_ = mine = [one for one in found if one.consumer == consumer]
        await _record(here, first, doing, ParkedEventsRetried(consumer, key, len(mine), doing.reason))
        replayed[consumer] = await replay(here, consumer, key, first.lane)
    return replayed


async def edit(here: Opened, number: int, content: Mapping[str, Any], doing: Doing) -> Parked:
    """Give a consumer other plain fields for one parked event. Raises NothingParked, NotEditable."""
    (one,) = await shown(here.pool, number=number)
    (record,) = [each for each in await waiting(here.pool, one.consumer, one.key) if each.number == number]
    sealed = _members(record.value).get("sealed")
    value = msgspec.json.encode(dict(content) | ({"sealed": sealed} if sealed is not None else {}))
    record.value = value
    try:
        from_kafka(here.codecs(one.consumer)[record.topic], record)
    except (Failure, KeyError) as error:
        raise NotEditable from error
    event_id, plain = _event_id(record), msgspec.json.encode(content).decode()
    place = (one.topic, one.lane, one.position, event_id)
    await _record(here, one, doing, ParkedEventEdited(one.consumer, one.key, *place, plain, doing.reason))
    await here.pool.execute(_EDIT, number, value)
    return one


async def discard(here: Opened, number: int, doing: Doing) -> Replayed:
    """Go on without one parked event: what waits behind it is applied. Raises NothingParked, FoldSilent."""
    (one,) = await shown(here.pool, number=number)
    (record,) = [each for each in await waiting(here.pool, one.consumer, one.key) if each.number == number]
    place = (one.topic, one.lane, one.position, _event_id(record))
    await _record(here, one, doing, ParkedEventDiscarded(one.consumer, one.key, *place, doing.reason))
    await settle(here.pool, [number], None)
    return await replay(here, one.consumer, one.key, one.lane)


async def replay(here: Opened, consumer: str, key: str, lane: int) -> Replayed:
    """Apply what a consumer has parked under a key, in order, up to the first that still cannot be. Raises FoldSilent."""
    reader = here.readers().get(consumer)
    if reader is not None:
        return await replay_rows(here.pool, reader, key)
    before = len(await waiting(here.pool, consumer, key))
    await here.pool.execute(_ASK, consumer, key, lane)
    try:
        async with asyncio.timeout(FOLD_SECONDS_MAX):
            while not await here.pool.fetchval(_ANSWERED, consumer, key):  # noqa: ASYNC110 - it lies in the database
                await asyncio.sleep(FOLD_LOOK_SECONDS)
    except TimeoutError as silent:
        raise FoldSilent from silent
    left = await waiting(here.pool, consumer, key)
    return Replayed(max(0, before - len(left)), len(left), left[0].reason if left else None)


async def replay_rows(pool: Pool, reader: Reader, key: str) -> Replayed:
    """For a consumer that keeps rows: all in one transaction, with the live reader of these partitions held back meanwhile."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(_LOCK, reader.name, key)
        records = await waiting(connection, reader.name, key)
        done: list[int] = []
        failed: tuple[int, str] | None = None
        for record in records:
            try:
                async with connection.transaction():
                    await reader.again(connection, record)
            except NOT_THE_EVENT:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, the event stays parked with its reason
                failed = (record.number, type(error).__name__)
                break
            done.append(record.number)
        await settle(connection, done, failed)
        await connection.execute("select pg_notify($1, $2)", CHANNEL, reader.name)
    return Replayed(len(done), len(records) - len(done), failed[1] if failed else None)


async def _record(here: Opened, one: Parked, doing: Doing, event: ParkingEvent) -> None:
    """Write down what is about to be done, in the patient's own lane and sealed with the patient's own key."""
    context = Context(f"operator:{doing.author}", one.headers.get("ce_siteid", EVERYWHERE), uuid4())
    stream_id, patient_id = f"{one.consumer}.{one.key}", _patient_of(one)
    act = Act(decider, stream_id, event, Subject(patient_id))
    try:
        await here.log.handle([act], context, f"operator:{uuid4()}", b"parking")
    except PersonErased:
        # Nothing can be sealed for this patient any more; the reason is not the patient's, so it is kept apart.
        act = Act(decider, f"{stream_id}.erased", event)
        await here.log.handle([act], context, f"operator:{uuid4()}", b"parking")


def _patient_of(one: Parked) -> UUID | None:
    """A parked event may be wrong about everything: its patient counts when its key says the same."""
    said = one.headers.get("ce_patientid")
    try:
        return UUID(said) if said is not None and said == one.key else None
    except ValueError:
        return None


def _event_id(record: ParkedRecord) -> UUID | None:
    try:
        return event_id_of(record)
    except Undecodable:
        return None


def _members(value: bytes | None) -> dict[str, Any]:
    try:
        return msgspec.json.decode(value or b"", type=dict[str, Any])
    except msgspec.MsgspecError:
        return {}


def _without_sealed(value: bytes | None) -> str:
    members = _members(value)
    if not members:
        return (value or b"").decode("utf-8", "backslashreplace")
    return msgspec.json.encode(members | ({"sealed": "…"} if "sealed" in members else {})).decode()
