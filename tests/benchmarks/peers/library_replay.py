"""The `eventsourcing` library's own way to make a read table from a log: a projection with tracking in PostgreSQL."""

import time
from collections.abc import Mapping
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import psycopg
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner

STREAMS = 500
EVENTS_PER_SAVE = 20
TABLES = (
    "create table entry (stream uuid not null, version int not null, by int not null, primary key (stream, version))",
    "create table sum (stream uuid primary key, total bigint not null)",
)
ENTRY = "insert into entry (stream, version, by) values (%s, %s, %s)"
SUM = "insert into sum as s (stream, total) values (%s, %s) on conflict (stream) do update set total = s.total + excluded.total"


class Count(Aggregate):
    """What is counted."""

    @event("Begun")
    def __init__(self, count_id: UUID) -> None:
        """Begin at nothing."""
        self.count_id = count_id

    @staticmethod
    def create_id(count_id: UUID) -> UUID:
        """The client chooses the id."""
        return count_id

    @event("Counted")
    def count(self, by: int) -> None:
        """Count on."""


class Counting(Application[UUID]):
    """The application whose log is replayed."""


class Ledger(PostgresTrackingRecorder):
    """The same two rows for an event as our ledger keeps, and the tracking, in one transaction."""

    def keep(self, stream: UUID, version: int, by: int, tracking: Tracking) -> None:
        """Rows and tracking commit together."""
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(ENTRY, (stream, version, by))
            cursor.execute(SUM, (stream, by))


class Keeping(Projection[Ledger]):
    """Hears every event."""

    name = "keeping"

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        """One event, one transaction: so the library promises exactly-once."""
        self.view.keep(
            domain_event.originator_id, domain_event.originator_version, getattr(domain_event, "by", 0), tracking
        )


def rate(environment: Mapping[str, str], dsn: str, events: int) -> float:
    """Events per second of a replay of the whole log."""
    app = Counting(environment)
    for number in range(events // EVENTS_PER_SAVE):
        stream = uuid5(NAMESPACE_URL, str(number))
        count = Count(stream)
        for _ in range(EVENTS_PER_SAVE - 1):
            count.count(1)
        app.save(count)
    last = app.recorder.max_notification_id()
    with psycopg.connect(dsn, autocommit=True) as connection:
        for table in TABLES:
            connection.execute(table)
    started = time.perf_counter()
    with ProjectionRunner(
        application_class=Counting, projection_class=Keeping, view_class=Ledger, env=environment
    ) as runner:
        runner.wait(last, timeout=600)
    return events / (time.perf_counter() - started)
