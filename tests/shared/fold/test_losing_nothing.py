"""Whatever ends a worker, each event changes the state once."""

import asyncio
import random

import pytest

from tests.shared.fold.driving import Ward
from tests.shared.fold.supervising import supervised
from tests.shared.fold.working import until

pytestmark = pytest.mark.broker


@pytest.mark.parametrize("point", ["folding", "held", "uncommitted"])
async def test_an_event_whose_worker_dies_at_any_step_is_folded_once(a_ward: Ward, point: str) -> None:
    """T18, T19: SIGKILL while folding, with the record held back beyond a commit, and with the record out but no commit."""
    flag = a_ward.flag(point)
    async with supervised(a_ward, kill={} if point == "folding" else {point: flag}) as codes:
        for number in range(8):
            await a_ward.count(number, "one", act=f"kill:{flag}" if point == "folding" else "")
            await a_ward.pass_by(number)
            await a_ward.count(number, "two", service="south")

        await a_ward.settles()
        assert codes == [-9]


async def test_killed_again_and_again_under_load_the_table_equals_the_fold(a_ward: Ward) -> None:
    """T18, T19: random SIGKILLs; then a fresh worker recovers the table from the output and goes on from it."""
    dice, redone = random.Random(7), 0
    async with supervised(a_ward):
        for burst in range(4):
            for number in range(600):
                await a_ward.count(number % 40, f"{burst}.{number}", service=dice.choice(["north", "south", "west"]))
            await a_ward.producer.flush()
            seen = a_ward.written
            await until(lambda seen=seen: a_ward.written > seen, 20)
            await asyncio.sleep(dice.random() / 2)
            a_ward.workers[-1].kill()
            redone += a_ward.written - (sum(a_ward.positions.values()) - await a_ward.lag())
        for number in range(40):
            await a_ward.count(number, "last")
        await a_ward.settles()

    assert redone > 0, "no event was folded but not committed: the kills did not bite"
    assert a_ward.written == 2440, "an event that comes again changes nothing, so it writes nothing"


async def test_a_polite_stop_finishes_or_gives_back(a_ward: Ward) -> None:
    """T17: SIGTERM in the middle of an event."""
    worker = a_ward.start()
    await a_ward.count(0, "first")
    await a_ward.settles()
    for number in range(10):
        await a_ward.count(number, "slow", act="sleep:0.2")
    await a_ward.producer.flush()
    seen = a_ward.written
    await until(lambda: a_ward.written > seen, 5)

    assert await worker.stop() == 0
    a_ward.start()
    await a_ward.settles()
    assert a_ward.written == 11, "a polite stop commits what it folded"


async def test_a_failure_that_passes_is_tried_again(a_ward: Ward) -> None:
    """T14: an exception once; the event is folded at the second attempt."""
    a_ward.start()
    await a_ward.count(0, "stumbles", act=f"stumble:{a_ward.flag('stumbled')}")
    await a_ward.count(0, "next")

    await a_ward.settles()
    assert await a_ward.parked() == []


async def test_an_event_that_fails_always_is_parked_and_stays_parked(a_ward: Ward) -> None:
    """T14: after the exception and a restart the event is parked, with all later ones of its patient; others flow."""
    worker = a_ward.start(instance="one")
    await a_ward.count(0, "good")
    await a_ward.settles()
    await a_ward.count(0, "bad", act="raise")
    await a_ward.count(0, "later")
    await a_ward.count(4, "same lane, other patient")
    for note in ("bad", "later"):
        del a_ward.counted[a_ward.patient(0)][note]
    await a_ward.settles()
    await a_ward.parks(2)
    worker.kill()
    a_ward.start(instance="one")
    await a_ward.count(0, "after the restart", service="west")
    del a_ward.counted[a_ward.patient(0)]["after the restart"]
    await a_ward.count(4, "after the restart")
    await a_ward.settles()

    assert [row.reason for row in await a_ward.parks(3)] == ["ValueError", "Behind", "Behind"]
    assert a_ward.values[a_ward.patient(0)].degraded_since is not None
    assert a_ward.values[a_ward.patient(4)].degraded_since is None


async def test_a_plain_agent_loses_the_event_of_an_exception(a_ward: Ward) -> None:
    """T14, the mutant: Faust's own agent with the same settings commits past the event it failed on."""
    worker = a_ward.start(plain=True, instance="one")
    await a_ward.count(0, "good")
    await a_ward.settles()
    await a_ward.count(0, "stumbles", act=f"stumble:{a_ward.flag('stumbled')}")
    await a_ward.count(0, "next")
    del a_ward.counted[a_ward.patient(0)]["stumbles"]
    await a_ward.settles()
    await a_ward.commits()
    worker.kill()
    a_ward.start(plain=True, instance="one")
    await a_ward.count(0, "after the restart")

    await a_ward.settles()
    assert "stumbles" not in a_ward.times()[a_ward.patient(0)]
