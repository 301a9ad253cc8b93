"""Everybody's way, all at once, with a bar that shows how many have arrived."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from deploy.demo.calendar import Weeks
from deploy.demo.client import Network
from deploy.demo.dosing import medicate
from deploy.demo.ways import Journey, Patient, Way, meet, patients_of
from deploy.demo.world import GROUP_SIZE, SITES, found_group, group_of, open_sites

PATIENTS_AT_ONCE_MAX: Final = 12


async def run(network: Network, patients: int, done: Callable[[], None]) -> tuple[Weeks, list[Patient]]:
    """Open the clinics, then every patient's way; `done` is told after each."""
    weeks = Weeks((datetime.now(UTC) - timedelta(hours=12)).date())
    await open_sites(network)
    groups = await asyncio.gather(*(found_group(network, weeks, number) for number in range(_groups(patients))))
    everybody = patients_of(network, list(groups), patients)
    journeys = {one.number: Journey(network, weeks, one) for one in everybody}
    at_once = asyncio.Semaphore(PATIENTS_AT_ONCE_MAX)

    async def in_turn(patient: Patient, *, last: bool) -> None:
        async with at_once:
            journey = journeys[patient.number]
            if not last:
                await journey.arrive()
                return
            await journey.therapy()
            await medicate(journey)
            if patient.way is Way.DISCHARGE:
                await journey.discharge()
            done()

    await asyncio.gather(*(in_turn(one, last=False) for one in everybody))
    await asyncio.gather(*(meet(network, group, everybody) for group in groups))
    await asyncio.gather(*(in_turn(one, last=True) for one in everybody))
    return weeks, everybody


def again(network: Network, patients: int) -> list[Patient]:
    """The same patients, once they have been on their way."""
    return patients_of(network, [group_of(network.run, number) for number in range(_groups(patients))], patients)


def _groups(patients: int) -> int:
    return max(len(SITES), -(-patients // GROUP_SIZE))
