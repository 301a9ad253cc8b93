"""Whole passes over a record: every lane, every stream, every patient, and who has still to catch up."""

import asyncio
from collections.abc import Callable
from typing import Final

from deploy.proof.verifier import LANE_NUMBERS, Verifier

SETTLE_SECONDS_MAX: Final = 60.0
LOOK_SECONDS: Final = 0.5


async def whole(verifier: Verifier, done: Callable[[], None] = lambda: None, rest: float = 0.0) -> None:
    """Look at everything once; `done` is called after each lane. `rest` times as long as it worked, it lets others work."""
    clock = asyncio.get_running_loop().time
    await verifier.follow()
    for lane in LANE_NUMBERS:
        worked = clock()
        async for found in verifier.lane(lane):
            if found.faults or not found.complete:
                verifier.unsure.setdefault(found.patient_id, await verifier.now())
            await asyncio.sleep(rest * (clock() - worked))
            worked = clock()
        done()
    await verifier.streams()


async def settle(verifier: Verifier, seconds_max: float = SETTLE_SECONDS_MAX) -> None:
    """Look again at who has not taken in all events, until they have; whoever has not by then is told as a fault."""
    end = asyncio.get_running_loop().time() + seconds_max
    while verifier.unsure and asyncio.get_running_loop().time() < end:
        await verifier.topics.follow(int(LOOK_SECONDS * 1000))
        await verifier.look()
        if all(f"patient {one}" in verifier.findings.faults for one in verifier.unsure):
            return
    for one in verifier.unsure:
        if f"patient {one}" not in verifier.findings.faults:
            words = f"what is shown of patient {one} has not taken in all events after {seconds_max:.0f} s"
            verifier.findings.found(f"patient {one}", [words])
