"""The proof beside the committed offset: what is missing is noticed, and what can be read again is read again."""

from uuid import UUID

import httpx
import pytest

from shared.divergence import cut
from tests.shared.fold.driving import Ward
from tests.shared.fold.supervising import supervised
from tests.shared.fold.working import until

pytestmark = pytest.mark.broker


async def test_a_lane_with_a_gap_halts_and_the_others_go_on(a_ward: Ward) -> None:
    """T11: an event is missing in the topic. The lane is read once more from its start, then it stands still."""
    worker = a_ward.start(instance="one")
    for number in range(4):
        await a_ward.count(number, "first")
    await a_ward.settles()
    assert await worker.stop() == 0
    worker = a_ward.start(instance="one")
    a_ward.next_position("north", 1)  # this position never arrives
    await a_ward.count(1, "after the gap")
    del a_ward.counted[a_ward.patient(1)]["after the gap"]
    await a_ward.producer.flush()
    assert await worker.ends(60) == 70
    worker = a_ward.start(instance="one")
    for number in (0, 2, 3):
        await a_ward.count(number, "others")

    await a_ward.settles()
    halted = await worker.says("fold.halted")
    assert (halted["lane"], halted["expected"], halted["found"]) == (1, 2, 3)
    port = (await worker.says("fold.starts"))["port"]
    async with httpx.AsyncClient() as client:
        ready = await client.get(f"http://127.0.0.1:{port}/readyz")
    assert ready.status_code == 503
    assert "position 2 is missing before 3" in ready.text
    assert await worker.stop() == 0


async def test_a_lane_that_halted_goes_on_when_its_beginning_was_put_right(a_ward: Ward) -> None:
    """P1: a lane begins in the middle, as after a lost topic; what lies there is deleted and everything comes in order."""
    for note in ("one", "two", "three"):
        await a_ward.count(1, note)
    first = a_ward.sent.pop(0)
    await a_ward.lose(a_ward.topic("north"), {})
    await a_ward.refill()
    async with supervised(a_ward) as codes:
        await until(lambda: a_ward.workers and a_ward.workers[-1].said("fold.halted"), 40.0)
        await cut(a_ward.bootstrap, a_ward.topic("north"), [1])
        a_ward.sent.insert(0, first)
        await a_ward.refill()

        await a_ward.settles()
        assert codes == [70]
        assert a_ward.workers[0].said("fold.dies")[0]["reason"] == "a halted lane begins anew"


async def test_values_that_are_lost_are_folded_again(a_ward: Ward) -> None:
    """P1: the output topic is gone, the committed offsets are not."""
    worker = a_ward.start()
    for number in range(20):
        await a_ward.count(number, "one")
        await a_ward.count(number, "two", service="west")
    await a_ward.settles()
    assert await worker.stop() == 0
    await a_ward.lose(a_ward.output, {"cleanup.policy": "compact"})
    a_ward.start()
    for number in range(20):
        await a_ward.count(number, "three")

    await a_ward.settles()


async def test_a_refilled_source_is_read_from_its_start_and_changes_nothing_twice(a_ward: Ward) -> None:
    """P1: the source was lost and the relay sends all it has; other offsets, other duplicates, the same events."""
    worker = a_ward.start()
    await a_ward.count(0, "one")
    await a_ward.again()
    await a_ward.again()
    await a_ward.count(0, "two")
    await a_ward.settles()
    assert await worker.stop() == 0
    await a_ward.lose(a_ward.topic("north"), {})
    await a_ward.refill()
    a_ward.start()
    await a_ward.count(0, "three")
    await a_ward.count(4, "same lane")

    await a_ward.settles()


async def test_a_history_that_diverged_halts_the_lane_also_after_a_restart(a_ward: Ward) -> None:
    """T13: the last event that was folded comes again as another one; the id of the last one is in the commit's mark."""
    worker = a_ward.start()
    await a_ward.count(0, "one")
    await a_ward.count(1, "elsewhere")
    await a_ward.settles()
    await a_ward.commits()
    assert await worker.stop() == 0
    worker = a_ward.start()
    record = a_ward.sent[0]
    headers = [(name, str(UUID(int=9)).encode() if name == "ce_id" else value) for name, value in record["headers"]]
    await a_ward.producer.send_and_wait(**record | {"headers": headers})
    halted = await worker.says("fold.halted")
    await a_ward.count(0, "after it")
    del a_ward.counted[a_ward.patient(0)]["after it"]
    await a_ward.count(1, "goes on")

    await a_ward.settles()
    assert (halted["lane"], "another event than the one folded" in halted["reason"]) == (0, True)
    worker.kill()
