"""A projection as small as can be, on the counter's events: one row per event, and a sum that would show a second effect."""

from collections.abc import Sequence

from shared.codec import Codec
from shared.database import Pool, connect, open_pool
from shared.event import AnyRecorded
from shared.projecting import EventReader
from shared.projector import Projection, Projector, Write
from shared.settings import Settings
from tests.embedded import ServiceDatabase, TestKafka
from tests.shared.log import counter as vocabulary
from tests.shared.log.bench import settings_of

CODEC = Codec(vocabulary)

TABLES = """
create table view.entry (event_id uuid primary key, key text not null, version int not null, by int not null, seen bigserial);
create table view.sum (key text primary key, total bigint not null);
grant select, insert, update on view.entry, view.sum to intake_worker;
grant usage on sequence view.entry_seen_seq to intake_worker;
"""


def on(recorded: AnyRecorded) -> Sequence[Write]:
    """Rows of one event; a poisoned one cannot be applied."""
    if not isinstance(recorded.data, vocabulary.Counted):
        return []
    if recorded.data.by == 666:
        raise ValueError("poison")
    return [
        Write(
            "insert into view.entry (event_id, key, version, by) values ($1, $2, $3, $4)",
            (recorded.event_id, recorded.key, recorded.version, recorded.data.by),
        ),
        Write(
            "insert into view.sum as s (key, total) values ($1, $2) on conflict (key) do update set total = s.total + excluded.total",
            (recorded.key, recorded.data.by),
        ),
    ]


async def make_tables(database: ServiceDatabase) -> None:
    """Once per database."""
    owner = await connect(database.dsn("owner"), name="tables")
    await owner.execute(TABLES)
    await owner.close()


def reader_of(topic: str, name: str = "ledger") -> EventReader:
    """What the projector runs."""
    return EventReader(Projection(name, (topic,), on), {topic: CODEC})


async def worker_pool(database: ServiceDatabase) -> Pool:
    """As the worker's role."""
    return await open_pool(database.dsn("worker"), name="test worker", connections_max=4)


def worker_settings(database: ServiceDatabase, kafka: TestKafka) -> Settings:
    """What a worker is started with."""
    return settings_of(database, "worker", kafka=kafka.bootstrap)


def projector_of(pool: Pool, settings: Settings, topic: str, name: str = "ledger") -> Projector:
    """One projector; its group is the topic's own."""
    return Projector(reader_of(topic, name), pool, settings, group=f"{topic}.{name}")
