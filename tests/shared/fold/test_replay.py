"""What a fold has parked is folded when an operator asks: in order, each event once, whatever dies meanwhile."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from shared.database import connect
from tests.shared.fold.driving import Ward
from tests.shared.fold.supervising import supervised

pytestmark = pytest.mark.broker


async def execute(a_ward: Ward, sql: str, *args: object) -> None:
    """As the worker's role: an operator has its rights."""
    connection = await connect(a_ward.dsn.replace("ward_stream:", "ward_worker:"), name="tests")
    try:
        await connection.execute(sql, *args)
    finally:
        await connection.close()


async def ask(a_ward: Ward, number: int) -> None:
    await execute(
        a_ward,
        "insert into projection.replay (consumer, key, partition) values ($1, $2, $3)",
        a_ward.app_id,
        str(a_ward.patient(number)),
        number % a_ward.partitions,
    )


async def park(a_ward: Ward) -> Path:
    """Patient 1's second event fails until the file is there; events of all services wait behind it, nobody else does."""
    fixed = Path(a_ward.flag("fixed"))
    for number in range(8):
        await a_ward.count(number, "before")
    await a_ward.count(1, "poison", act=f"raise-until:{fixed}")
    await a_ward.producer.flush()
    await a_ward.parks(1)
    for service in ("north", "south", "west", "north"):
        await a_ward.count(1, f"behind {service} {a_ward.positions[service, 1]}", service=service)
    await a_ward.count(5, "same lane")
    await a_ward.producer.flush()
    await a_ward.parks(5)
    return fixed


async def test_a_repaired_patient_is_folded_in_order_and_goes_on(a_ward: Ward) -> None:
    """T28: parked events of all sources, and newer ones that come meanwhile; the process goes on as it was."""
    worker = a_ward.start()
    (await park(a_ward)).touch()
    assert a_ward.values[a_ward.patient(1)].degraded_since is not None
    await ask(a_ward, 1)
    for number in range(30):
        await a_ward.count(1, f"meanwhile {number}", service=("north", "south")[number % 2])
        await a_ward.count(5, f"meanwhile {number}")
    while await a_ward.parked():
        await asyncio.sleep(0.3)
        if await a_ward.parked():
            await execute(a_ward, "delete from projection.replay")
            await ask(a_ward, 1)
    await a_ward.count(1, "after")
    await a_ward.settles()

    assert a_ward.values[a_ward.patient(1)].degraded_since is None
    assert worker.said("fold.dies") == []
    assert await worker.stop() == 0


async def test_what_still_fails_stays_parked_with_all_behind_it(a_ward: Ward) -> None:
    worker = a_ward.start()
    await park(a_ward)
    await ask(a_ward, 1)
    await worker.says("fold.replayed")

    assert [one.reason for one in await a_ward.parked()] == ["ValueError", *["Behind"] * 4]
    assert a_ward.values[a_ward.patient(1)].degraded_since is not None


async def test_a_fold_goes_on_without_a_discarded_event(a_ward: Ward) -> None:
    worker = a_ward.start()
    await park(a_ward)
    await execute(a_ward, "delete from projection.parked where consumer = $1 and reason = 'ValueError'", a_ward.app_id)
    del a_ward.counted[a_ward.patient(1)]["poison"]
    await ask(a_ward, 1)

    await a_ward.settles()
    await worker.says("fold.replayed")
    assert await a_ward.parked() == []


async def test_a_crash_between_the_value_and_the_parking_folds_nothing_twice(a_ward: Ward) -> None:
    """T28: the value is on Kafka, the events are still parked; the next process replays them and drops them."""
    async with supervised(a_ward, kill={"replayed": a_ward.flag("killed")}) as codes:
        (await park(a_ward)).touch()
        await ask(a_ward, 1)
        await a_ward.settles()
        while await a_ward.parked():  # noqa: ASYNC110 - it lies in the database
            await asyncio.sleep(0.1)
        await a_ward.count(1, "after")
        await a_ward.settles()

    assert -9 in codes


async def test_taking_events_out_before_the_value_is_written_would_lose_them(a_ward: Ward) -> None:
    """A mutant without the guard."""
    worker = a_ward.start(kill={"answered": ""}, instance="one")
    (await park(a_ward)).touch()
    await a_ward.commits()
    await ask(a_ward, 1)
    assert await worker.ends(20) == -9
    a_ward.start(instance="one")
    await a_ward.count(5, "later")
    del a_ward.counted[a_ward.patient(1)]
    await until_lane_is_read(a_ward)

    assert await a_ward.parked() == []
    assert set(a_ward.values[a_ward.patient(1)].facts["times"]) == {"before"}


async def until_lane_is_read(a_ward: Ward) -> None:
    def read() -> Any:
        return "later" in a_ward.values[a_ward.patient(5)].facts["times"]

    async with asyncio.timeout(40):
        while not read():  # noqa: ASYNC110 - it lies in Kafka
            await asyncio.sleep(0.1)
