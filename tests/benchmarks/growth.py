"""Whether an event costs the same when the log is long: commands per second at ever more stored events."""

import asyncio
import time
from collections.abc import Callable
from typing import Final
from uuid import UUID, uuid4

from tests.embedded import TestPostgres
from tests.shared.log.bench import OpenLog, open_log

STREAMS: Final = 5_000
EVENTS_PER_COMMAND: Final = 50
AT_ONCE: Final = 64
MEASURED_COMMANDS: Final = 4_000


async def costs(postgres: TestPostgres, stored: tuple[int, ...], progress: Callable[[int], None]) -> dict[int, float]:
    """Microseconds per command of one event, AT_ONCE under way, with so many events stored; no HTTP in between."""
    found: dict[int, float] = {}
    async with open_log(await postgres.service_database("intake")) as bench:
        patients = [uuid4() for _ in range(STREAMS)]
        held = len(patients)
        await _each(bench, patients, held, 1, progress)  # every stream is known to the log from here on
        for goal in stored:
            await _each(bench, patients, (goal - held) // EVENTS_PER_COMMAND, EVENTS_PER_COMMAND, progress)
            seconds = await _each(bench, patients, MEASURED_COMMANDS, 1, progress)
            held = goal + MEASURED_COMMANDS
            found[goal] = seconds / MEASURED_COMMANDS * 1e6
    return found


async def _each(
    bench: OpenLog, streams: list[UUID], commands: int, events: int, progress: Callable[[int], None]
) -> float:
    """So many commands of so many events, spread over the streams; the seconds they took."""
    numbers, started = iter(range(commands)), time.perf_counter()

    async def client() -> None:
        for number in numbers:
            await bench.add(streams[number % len(streams)], events=events)
            progress(events)

    await asyncio.gather(*(client() for _ in range(AT_ONCE)))
    return time.perf_counter() - started
