"""How fast one guarded fold takes events in."""

import time
from pathlib import Path

from shared.lanes import LANES
from tests.embedded import TestKafka, TestPostgres
from tests.shared.fold.driving import Ward

PATIENTS = 500
SETTLED_SECONDS_MAX = 120.0


async def rate(postgres: TestPostgres, kafka: TestKafka, folder: Path, events: int) -> float:
    """Events per second of one worker. Starting it is not counted."""
    dsn = (await postgres.service_database("ward")).dsn("stream")
    async with Ward(kafka.bootstrap, dsn, folder, LANES) as ward:
        for number in range(events):
            await ward.count(number % PATIENTS, f"note {number}")
        await ward.producer.flush()
        worker = ward.start(instance="bench")
        await worker.says("fold.assigned")
        started = time.perf_counter()
        await ward.settles(SETTLED_SECONDS_MAX)
        folded = time.perf_counter() - started
        await worker.stop()
        return events / folded
