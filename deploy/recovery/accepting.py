"""Goes on from a restored log as it stands: whatever has read further forgets what it read, and is filled from the log again."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata

from deploy.databases import SERVICES
from deploy.proof.chain import Link, beginning
from deploy.proof.checkpoints import Kind, Story
from deploy.proof.sealing import Seal
from deploy.proof.walking import walk
from deploy.recovery.survey import Survey
from deploy.topics import connected, create
from shared.cloudevents import topic_of
from shared.database import Connection
from shared.lanes import LANES
from shared.service import Service

GONE_SECONDS_MAX: Final = 60.0
LOOK_SECONDS: Final = 0.2

_TABLES: Final = """
select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'view' and c.relkind in ('r', 'p') and not c.relispartition
"""
_FORGET: Final = "delete from projection.checkpoint where projection = any($1)"
_NOT_DUE: Final = "delete from timer.due_item where done_at is null"
_UNPARK: Final = "delete from projection.parked where consumer = any($1)"
_BACK: Final = """
update projection.checkpoint set next_offset = 0, last_sequence = $4, last_event_id = $5
where projection = any($1) and topic = $2 and partition = $3 and last_sequence > $4
"""
_FROM_START: Final = "update projection.checkpoint set next_offset = 0 where projection = any($1) and topic = any($2)"
_EVENT: Final = "select event_id from log.event where lane = $1 and position = $2"
_CAUSED: Final = "select type, count(*) as many from log.event where causation_id = any($1) group by type order by type"
_CURSORS: Final = (
    "update log.relay_cursor r set position = least(position, l.head) from log.lane l where l.lane = r.lane"
)


def services() -> dict[str, Service]:
    """Every service as one value; what reads which topic is written there."""
    return {name: import_module(f"services.{name}.main").SERVICE for name in SERVICES}


def keep(path: Path, surveys: Sequence[Survey]) -> int:
    """Write the events that only the topics have into a new file, for people to look at; how many there are."""
    rows = [(one.service, row) for one in surveys for lane in one.lanes for row in lane.surviving]
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        for service, row in rows:
            file.write(
                msgspec.json.encode({"service": service, **row, "data": msgspec.Raw(row["data"].encode())}) + b"\n"
            )
    return len(rows)


async def caused(connections: Mapping[str, Connection], surveys: Sequence[Survey]) -> list[str]:
    """What the services have done because of events that will be gone; it stays, and somebody has to look at it."""
    ids = [row["event_id"] for one in surveys for lane in one.lanes for row in lane.surviving]
    return [
        f"{service}: {row['many']} × {row['type']}"
        for service, connection in connections.items()
        for row in await connection.fetch(_CAUSED, ids)
    ]


async def accept(owners: Mapping[str, Connection], kafka: str, surveys: Sequence[Survey]) -> None:
    """Make the logs as they stand the only history. Raises KafkaError and TimeoutError; it may then be repeated."""
    parted = [one for one in surveys if one.lanes]
    everything = services()
    lost = {topic_of(one.service) for one in parted}
    folds = [one.fold for one in everything.values() if one.fold and lost & set(one.fold.sources)]
    outputs = {fold.output for fold in folds}
    for fold in folds:
        await _forget_offsets(kafka, fold.app_id, list(fold.sources))
    await remake(kafka, sorted(lost | outputs))
    for service, owner in owners.items():
        async with owner.transaction():
            await _readers(owner, everything[service], lost | outputs)
            await _policies(owner, owners, everything[service], parted)
            await owner.execute(_CURSORS)


async def remake(kafka: str, topics: Sequence[str]) -> None:
    """Delete these topics and make them again, empty: relays fill the events in, folds the values."""
    admin = await connected(kafka)
    try:
        present = set(await admin.list_topics())
        if there := [topic for topic in topics if topic in present]:
            await admin.delete_topics(there)
        async with asyncio.timeout(GONE_SECONDS_MAX):
            while set(there) & set(await admin.list_topics()):  # noqa: ASYNC110 - what is waited for lies in the broker
                await asyncio.sleep(LOOK_SECONDS)
    finally:
        await admin.close()
    await create(kafka)


async def _readers(owner: Connection, service: Service, topics: set[str]) -> None:
    """Empty the read tables when any of their projections has read one of these topics; all are projected again."""
    names = [one.name for one in service.projections]
    read = {topic for one in service.projections for topic in (getattr(one, "topics", ()) or (one.topic,))}  # type: ignore[union-attr]
    if not read & topics:
        return
    for name in names:
        await owner.execute(
            "select projection.retire($1)", name
        )  # a side that is being built stands on the lost history
    tables = [row["name"] for row in await owner.fetch(_TABLES)]
    await owner.execute(f"truncate {', '.join(tables)}")
    await owner.execute(_NOT_DUE)  # the projections that made them make them again
    await owner.execute(_FORGET, names)
    await owner.execute(_UNPARK, [*names, *([service.fold.app_id] if service.fold else ())])


async def _policies(
    owner: Connection, owners: Mapping[str, Connection], service: Service, parted: Sequence[Survey]
) -> None:
    """Policies go on behind the last event that both histories share; what they did once they do not do again."""
    names = [one.name for one in service.policies]
    for one in parted:
        topic = topic_of(one.service)
        await owner.execute(_FROM_START, names, [topic])
        for lane in one.lanes:
            event_id = await owners[one.service].fetchval(_EVENT, lane.lane, lane.common)
            await owner.execute(_BACK, names, topic, lane.lane, lane.common, event_id)


async def _forget_offsets(kafka: str, group: str, topics: Sequence[str]) -> None:
    """A fold begins at the start again: what its group has committed is about topics that are gone."""
    consumer: Any = AIOKafkaConsumer(bootstrap_servers=kafka, group_id=group, enable_auto_commit=False)
    partitions = [TopicPartition(topic, lane) for topic in topics for lane in range(LANES)]
    await consumer.start()
    try:
        consumer.assign(partitions)
        end = asyncio.get_running_loop().time() + GONE_SECONDS_MAX
        while True:
            try:
                await consumer.commit({tp: OffsetAndMetadata(0, "") for tp in partitions})
            except KafkaError:  # a killed worker is a member until its session ends
                if asyncio.get_running_loop().time() > end:
                    raise
                await asyncio.sleep(LOOK_SECONDS)
            else:
                return
    finally:
        await consumer.stop()


async def sign_anew(seal: Seal, log: Connection, ends: Mapping[int, int], at: datetime, reason: str) -> None:
    """Put on record, for good, that the chains of these lanes begin again behind these positions, and why."""
    links: dict[int, Link] = {}
    for lane, end in ends.items():
        links[lane] = beginning(seal.service, lane)
        async for steps in walk(log, Story(seal.service), lane, until=end):
            links[lane] = steps[-1].link
    seal.read()
    with seal.checkpoints.held():
        seal.checkpoints.append(seal.key, seal.story, links, at, kind=Kind.RESTORATION, reason=reason)
    seal.read()
