"""The process of one fold: Faust, its guard, the watch and the small HTTP port, from the first check to the last commit."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import structlog
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from asyncpg import PostgresError

from deploy.processes.serving import serve_ops, told_to_stop
from deploy.processes.stream_parking import PostgresParking
from deploy.processes.stream_replays import Replays, replaying
from deploy.processes.stream_watch import Watch
from shared.cloudevents import from_kafka
from shared.codec import Codec
from shared.database import open_pool
from shared.failures import Failure
from shared.fold_app import FoldLimits, faust_settings, fold_app
from shared.fold_guard import EXIT_CODE, Parking, die
from shared.fold_value import Fold
from shared.health import Health
from shared.logs import configure
from shared.membership import instance_of
from shared.parking import ParkingLimits, Ratio, limits_of
from shared.service import Service
from shared.settings import Settings

PARKING_CONNECTIONS_MAX: Final = 2

log = structlog.get_logger()


class NotCopartitioned(Failure):
    """The fold's topics are missing, or do not have the same number of partitions."""


@dataclass(frozen=True)
class Process:
    """What one fold needs of its surroundings. With an `instance` of its own a killed process finds its lanes kept."""

    fold: Fold
    bootstrap: str
    database_dsn: str
    folder: Path
    host: str = "127.0.0.1"
    port: int = 0
    instance: str | None = None
    limits: FoldLimits = field(default_factory=FoldLimits)
    parking_limits: ParkingLimits = field(default_factory=ParkingLimits)

    async def run(self) -> None:
        """Fold until SIGTERM or SIGINT. Ends the process with code 70 when it cannot go on safely."""
        await check_partitions(self.fold, self.bootstrap)
        pool = await open_pool(self.database_dsn, name=self.fold.app_id, connections_max=PARKING_CONNECTIONS_MAX)
        parking = PostgresParking(pool)
        app = self._app(parking)
        app.guard.ratio = Ratio(self.parking_limits)
        watch = Watch(app, self.limits)
        health = Health(fold=watch.check)
        async with serve_ops(health, self.host, self.port) as port:
            log.info("fold.starts", app=self.fold.app_id, port=port)
            async with watching(watch), replaying(Replays(app, parking)):
                await until_told(app)
            await stop(app, self.limits.stop_seconds_max)
        await pool.close()
        log.info("fold.ends", app=self.fold.app_id)

    def _app(self, parking: Parking) -> Any:
        self.folder.mkdir(parents=True, exist_ok=True)
        codecs = {topic: Codec(vocabulary) for topic, vocabulary in self.fold.sources.items()}
        settings = faust_settings(self.bootstrap, self.limits, self.folder, self.instance)
        return fold_app(
            self.fold, lambda message: from_kafka(codecs[message.topic], message), parking, settings, self.limits
        )


async def until_told(app: Any) -> None:
    """Run the app until a signal asks to stop. If it ends by itself, so does the process."""
    ends = [asyncio.ensure_future(told_to_stop().wait()), asyncio.ensure_future(app.wait_until_stopped())]
    starts = asyncio.ensure_future(app.start())
    done, _ = await asyncio.wait([*ends, starts], return_when=asyncio.FIRST_COMPLETED)
    if starts in done and starts.exception() is None:
        done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    if ends[0] not in done:
        failed = starts.exception() if starts.done() else None
        die("Faust crashed", error=repr(failed or app.crash_reason))


async def stop(app: Any, seconds_max: float) -> None:
    """Finish what is in hand, commit it and give the lanes back; what takes too long is left to the next owner."""
    try:
        await asyncio.wait_for(app.stop(), seconds_max)
    except TimeoutError:
        die("stopping took too long", seconds=seconds_max)


@contextlib.asynccontextmanager
async def watching(watch: Watch) -> AsyncIterator[None]:
    """Watch the app meanwhile."""
    watch.start()
    looks = asyncio.ensure_future(watch.look())
    try:
        yield
    finally:
        watch.stop()
        looks.cancel()


async def check_partitions(fold: Fold, bootstrap: str) -> None:
    """Raise NotCopartitioned unless every topic of the fold has as many partitions as its output."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        found = await admin.describe_topics([*fold.sources, fold.output])
    finally:
        await admin.close()
    counts = {topic["topic"]: len(topic["partitions"]) for topic in found}
    if len(set(counts.values())) != 1 or 0 in counts.values():
        raise NotCopartitioned(", ".join(f"{topic}: {count}" for topic, count in sorted(counts.items())))


def run(process: Process) -> None:
    """Run to the end of this Python process."""
    try:
        asyncio.run(process.run())
    except (NotCopartitioned, KafkaError, PostgresError, OSError) as refused:
        detail = refused.detail if isinstance(refused, NotCopartitioned) else None
        log.critical("fold.refused", error=type(refused).__name__, detail=detail)
        sys.exit(EXIT_CODE)


def run_stream(service: Service) -> None:
    """Run the service's fold; settings come from the environment."""
    settings = Settings()
    configure(service.name, "stream", settings.log_level)
    assert service.fold is not None, f"{service.name} folds nothing"
    host, port = settings.http_host, settings.http_port
    folder = settings.data_dir / service.fold.app_id
    where = (service.fold, settings.kafka, settings.database_dsn, folder, host, port)
    run(Process(*where, instance_of(settings), parking_limits=limits_of(settings)))
