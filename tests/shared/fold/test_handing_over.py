"""Lanes that change hands: in the middle of recovery, and from a worker that does not know that it lost them."""

import asyncio

import pytest

from tests.shared.fold.driving import Ward
from tests.shared.fold.supervising import supervised
from tests.shared.fold.working import until

pytestmark = pytest.mark.broker


async def test_a_second_worker_that_joins_during_recovery_changes_nothing(a_ward: Ward) -> None:
    """T22: the values replay while the lanes are dealt anew; afterwards each table equals the fold."""
    first = a_ward.start()
    for number in range(1500):
        await a_ward.count(number % 60, f"{number // 60}", service="south")
    await a_ward.settles()
    assert await first.stop() == 0
    one = a_ward.start(slow_recovery=0.004)
    await one.says("tests.recovering")
    two = a_ward.start(slow_recovery=0.004)
    await two.says("tests.recovering")
    assert not one.said("fold.assigned"), "the first had recovered before the second came: the test does not bite"
    for number in range(60):
        await a_ward.count(number, "after")

    await a_ward.settles()
    assert all(value.figures["events"] == 26 for value in a_ward.values.values())


async def test_a_worker_that_wakes_up_too_late_overwrites_nothing(a_ward: Ward) -> None:
    """T18: a frozen worker's lanes are given away; when it wakes up with events in hand it ends without a word."""
    frozen = a_ward.start()
    await a_ward.count(0, "first")
    await a_ward.settles()
    for number in range(200):
        await a_ward.count(number % 20, f"slow {number}", act="sleep:0.01")
    await a_ward.producer.flush()
    await until(lambda: a_ward.written > 5, 10)
    frozen.freeze()
    async with supervised(a_ward) as codes:
        await a_ward.settles()
        before = dict(a_ward.values)
        frozen.thaw()

        assert await frozen.ends(60) == 70
        assert frozen.said("fold.dies")[0]["reason"] == "the process was paused"
        await asyncio.sleep(1.5)  # so long a record that was still in its sockets has time to be noticed
        await a_ward.settles()
        assert {patient: value.facts for patient, value in before.items()} == {
            patient: value.facts for patient, value in a_ward.values.items()
        }
        assert set(codes) <= {70}


@pytest.mark.parametrize("noticed", ["at the next look", "at the next write"])
async def test_a_value_that_somebody_else_wrote_is_folded_again(a_ward: Ward, noticed: str) -> None:
    """T18: one writer for each lane; a stale value written from outside is noticed, and the events win."""
    by_writing = noticed == "at the next write"
    worker = a_ward.start(instance="one", limits={"look_seconds": 30.0} if by_writing else {})
    key = str(a_ward.patient(0)).encode()
    await a_ward.count(0, "one")
    await a_ward.settles()
    stale = a_ward.raw_values[key]
    await a_ward.count(0, "two")
    await a_ward.settles()
    await a_ward.producer.send_and_wait(a_ward.output, stale, key=key, partition=0)
    if by_writing:
        await a_ward.count(4, "another patient of the lane")
        await a_ward.producer.flush()

    assert await worker.ends(60) == 70
    assert "another process wrote" in worker.said("fold.dies")[0]["reason"]
    a_ward.start(instance="one")
    await a_ward.settles()
