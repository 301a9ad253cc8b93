"""The load of a run: patients of the demonstration's ways, hot ones beside them, and windows of several sites that race for slots."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

import httpx

from deploy.demo.calendar import RUNS, Weeks
from deploy.demo.client import DemoRefused, Network
from deploy.demo.dosing import FIRST_DAY, LAST_DAY, give, order
from deploy.demo.run import again, run
from deploy.demo.ways import Journey, Patient, Way
from deploy.demo.world import MANAGER, SITES, group_of, made
from deploy.instance import Instance
from tests.faults.ledger import Ledger

PATIENTS_PER_WAVE: Final = 9
HOT_WRITERS: Final = 3
HOT_MEETINGS: Final = 25
"""Of each writer; a hot patient's value stays below what a record may hold."""
LATE_DAY: Final = 10
HOT_NUMBER: Final = 1_000
"""From here on count the hot patients of a wave."""
REQUEST_SECONDS_MAX: Final = 4.0
"""Short: what takes longer is asked again under the same key while the first try may still be at work."""
ANSWER_SECONDS_MAX: Final = 400.0


@dataclass
class Habits:
    """How the callers behave. A new key for each attempt is the planted bug of a caller."""

    new_key_each_time: bool = False
    also: dict[str, Iterator[str]] = field(default_factory=dict)
    """Services that have several addresses, and which one is next."""


@dataclass
class Noted(Network):
    """The demonstration's patient caller; everything it asks and hears stands in the ledger."""

    ledger: Ledger = field(kw_only=True)
    going: asyncio.Event = field(kw_only=True)
    """Cleared at quiet points: nobody sends a command then."""
    habits: Habits = field(kw_only=True)
    answer_seconds_max: float = ANSWER_SECONDS_MAX
    request_seconds_max: float = REQUEST_SECONDS_MAX

    async def _ask(self, method: str, place: str, headers: dict[str, str], body: Any) -> httpx.Response | None:
        key = headers.get("Idempotency-Key")
        if key is not None:
            await self.going.wait()
            attempts = self.ledger.commands[key].attempts if key in self.ledger.commands else 0
            if self.habits.new_key_each_time and attempts:
                self.ledger.commands[key].attempts += 1
                headers = headers | {"Idempotency-Key": (key := f"{key}-{attempts}")}
        if self.habits.also:
            self._urls = self._urls | {service: next(urls) for service, urls in self.habits.also.items()}
        self.ledger.asked(method, place, headers, body)
        answer = await super()._ask(method, place, headers, body)
        # A step of the services' clocks makes a sound token look as if it were from tomorrow, or over.
        if answer is None or answer.status_code == httpx.codes.UNAUTHORIZED:
            self.ledger.answered(key, None, "", None, "")
            return None
        problem = "problem" in answer.headers.get("content-type", "")
        said = answer.json() if answer.content else {}
        kind = str(said.get("type", "")).rpartition("/")[2] if problem else ""
        token = answer.headers.get("Consistency-Token", "")
        self.ledger.answered(key, answer.status_code, kind, said, token)
        return answer


class Load:
    """Wave after wave of patients until told to end."""

    def __init__(self, instance: Instance, ledger: Ledger, name: str) -> None:
        """`name` makes the ids of this run's patients."""
        self.instance, self.ledger, self.name = instance, ledger, name
        self.going = asyncio.Event()
        self.going.set()
        self.patients: list[Patient] = []
        """Everybody who has been on the way, for the checker."""
        self.finished = 0
        self.habits = Habits()
        self._ended = False

    def network(self, run_name: str) -> Noted:
        """A caller whose ids, names and keys are made from `run_name`; people's names begin with its first letters."""
        return Noted(self.instance, uuid5(RUNS, run_name).hex, ledger=self.ledger, going=self.going, habits=self.habits)

    def end(self) -> None:
        """No new wave."""
        self._ended = True

    async def run(self) -> None:
        """Waves, one after the other, until the end is near; then the last one is finished."""
        wave = 0
        while not self._ended:
            try:
                await self.wave(f"{self.name}-{wave}")
            except DemoRefused as refused:
                self.ledger.refusals.append(str(refused))
            wave += 1

    async def wave(self, name: str) -> None:
        """Some patients in all their ways, and one hot patient in every clinic."""
        async with self.network(name) as network:
            self.patients += again(network, PATIENTS_PER_WAVE)
            hot = [
                Patient(HOT_NUMBER + at, 0, Way.STRAIGHT, group_of(network.run, at), made(network.run, "hot", at))
                for at in range(len(SITES))
            ]
            self.patients += hot
            weeks = Weeks((datetime.now(UTC) - timedelta(hours=12)).date())
            ways = [run(network, PATIENTS_PER_WAVE, self._done), *(self.hot(network, weeks, one) for one in hot)]
            ends = await asyncio.gather(*ways, return_exceptions=True)
            for failed in (one for one in ends if isinstance(one, BaseException)):
                raise failed

    def _done(self) -> None:
        self.finished += 1

    async def hot(self, network: Noted, weeks: Weeks, patient: Patient) -> None:
        """Several people write to one patient at once, while four windows race for each of the patient's slots."""
        journey = Journey(network, weeks, patient)
        await journey.arrive()
        writers = [self._meetings(journey, writer) for writer in range(HOT_WRITERS)]
        await asyncio.gather(self._races(journey), self._late_hour(journey), *writers)
        self._done()

    async def _late_hour(self, journey: Journey) -> None:
        """A telephone hour late in the evening: at most sites it is tomorrow already in Greenwich.

        By a counsellor of its own: those of the groups may not be there yet.
        """
        leader_id = journey_id(journey, "late leader")
        name = f"L. {journey.network.run[:4]}-{journey.patient.number}"
        person = {"short_name": name, "full_name": name, "professions": ["counsellor"], "joined_on": "2024-01-08"}
        await journey.do("PUT", f"scheduling/staff/{leader_id}", person, MANAGER, "late leader")
        place = f"scheduling/sessions/{journey.id('late')}"
        start, end = (journey.weeks.at(LATE_DAY, journey.zone, 20, minute) for minute in (0, 50))
        patient_id = str(journey.patient.patient_id)
        body = {
            "kind": "cbt", "place": "telehealth", "leader_id": str(leader_id), "starts_at": start,
            "ends_at": end, "patient_ids": [patient_id],
        }  # fmt: skip
        await journey.do("PUT", place, body, "front_desk", "book late hour")
        lines = [{"patient_id": patient_id, "status": "attended"}]
        sheet = {"started_at": start, "ended_at": end, "lines": lines}
        await journey.do("POST", f"{place}/attendance-sheet", sheet, "counsellor", "late hour held")

    async def _meetings(self, journey: Journey, writer: int) -> None:
        patient_id = journey.patient.patient_id
        for number in range(HOT_MEETINGS):
            day, minutes = 7 + number % 14, 30 + 5 * writer
            body = {"kind": "na", "attended_on": journey.weeks.on(day), "minutes": minutes, "evidence": "signature"}
            meeting = journey_id(journey, "meeting", writer, number)
            place = f"scheduling/patients/{patient_id}/support-meetings/{meeting}"
            await journey.do("PUT", place, body, "front_desk", f"meeting {writer}/{number}")

    async def _races(self, journey: Journey) -> None:
        await order(journey)
        for day in range(FIRST_DAY, LAST_DAY):
            await self._race(journey, day, journey.patient.medicine.parts_mg[0])

    async def _race(self, journey: Journey, day: int, dose_mg: str) -> None:
        """Two windows of the home site and both other sites want to give the same slot; one window may."""
        sites = (journey.site, *(site for site, _, _ in SITES))
        tries = (give(journey, day, dose_mg, f"race {day} {at}", site=site) for at, site in enumerate(sites))
        found = sorted(answer["status"] for answer in await asyncio.gather(*tries))
        if found != [201, 409, 409, 409]:
            self.ledger.refusals.append(f"four windows, one slot, and the answers {found}")


def journey_id(journey: Journey, *what: object) -> UUID:
    """An id of this journey's own."""
    return made(journey.network.run, *what, journey.patient.number)
