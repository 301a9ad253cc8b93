"""Two processes at one site race for the same dosing slots over a real database: exactly one dose in each."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.medication import care, order
from services.medication import dose as doses
from services.medication.dose import AdministerDose, DoseAlreadyAdministered
from services.medication.dosing_slot import Place, slot_id
from services.medication.main import SERVICE
from shared.codec import Codec
from shared.database import Connection, connect
from shared.events.medication import OrderHoldReason
from shared.log import Act, Context, Given, Log, Outcome, Subject
from shared.log.reading import COLUMNS, recorded
from tests.embedded import TestPostgres
from tests.medication.running import log_of, settings_for
from tests.medication.situations import DRAFT, MONDAY, NINE_O_CLOCK, SIGN
from tests.shared.http.running import Issuer

SLOTS = 200
PATIENTS = 10
WINDOWS = ("left", "right")


@dataclass
class Race:
    """Two processes' ways into one log, and a look at what is on disk."""

    logs: dict[str, Log]
    owner: Connection


type SlotOf = Callable[[UUID, UUID, date, str], UUID]


def true_slot(patient: UUID, order_id: UUID, on: date, _site: str) -> UUID:
    """The slot's stream, as it is."""
    return slot_id(patient, order_id, on, 1)


def slot_of_the_site(patient: UUID, order_id: UUID, on: date, site: str) -> UUID:
    """The mutant: the id is made not unique, each site writes to a stream of its own."""
    return UUID(int=slot_id(patient, order_id, on, 1).int ^ WINDOWS.index(site))


@pytest.fixture
async def race(postgres: TestPostgres, tmp_path: Path) -> AsyncIterator[Race]:
    """A fresh database with an API process's log for each of two sites."""
    database = await postgres.service_database("medication", [SERVICE.migrations])
    settings = settings_for(database, Issuer(tmp_path / "jwks.json"))
    owner = await connect(database.superuser_dsn, name="test")
    async with log_of(database, settings) as left, log_of(database, settings) as right:
        yield Race(dict(zip(WINDOWS, (left, right), strict=True)), owner)
    await owner.close()


async def act(log: Log, site: str, *acts: Act) -> Outcome:
    """One request under a key of its own."""
    context = Context(actor=f"nurse-{site}", site_id=site, correlation_id=uuid4())
    return await log.handle(acts, context, uuid4().hex, b"-")


async def signed(race: Race) -> tuple[UUID, UUID]:
    """An order of 16 mg a day for a new patient."""
    patient, order_id = uuid4(), uuid4()
    draft = order.DraftOrder(**{**vars(DRAFT), "patient_id": patient})
    home = race.logs["left"]
    await act(home, "riverside", Act(order.decider, order_id, draft, Subject(patient)))
    await act(home, "riverside", Act(order.decider, order_id, SIGN))
    return patient, order_id


@dataclass(frozen=True)
class Wanted:
    """One slot that both sites want to dose."""

    patient: UUID
    order_id: UUID
    on: date


async def give(race: Race, site: str, wanted: Wanted, slot_of: SlotOf) -> str:
    """One site's attempt, and how it ended."""
    place = Place(wanted.order_id, wanted.on, 1, wanted.on)
    administer = AdministerDose(place, Decimal(16), NINE_O_CLOCK, f"nurse-{site}", "riverside")
    given = (Given(order.decider, wanted.order_id), Given(care.decider, wanted.patient))
    stream_id = slot_of(wanted.patient, wanted.order_id, wanted.on, site)
    try:
        await act(race.logs[site], site, Act(doses.decider, stream_id, administer, Subject(wanted.patient), given))
    except DoseAlreadyAdministered as refused:
        return f"refused, given in {refused.facts['site_id']}"
    return f"given at {site}"


async def run(race: Race, slot_of: SlotOf) -> list[tuple[str, str]]:
    """Both sites at once, twenty dates of ten patients each, a few slots at a time; who asks first is chance."""
    chance = Random(7)
    orders = [await signed(race) for _ in range(PATIENTS)]
    slots = [Wanted(*one, MONDAY + timedelta(days=day)) for one in orders for day in range(SLOTS // PATIENTS)]
    few = asyncio.Semaphore(8)

    async def both(wanted: Wanted, sites: Sequence[str]) -> tuple[str, str]:
        async with few:
            first, second = await asyncio.gather(*(give(race, site, wanted, slot_of) for site in sites))
        return first, second

    return list(await asyncio.gather(*(both(wanted, chance.sample(WINDOWS, 2)) for wanted in slots)))


async def doses_on_disk(race: Race) -> Counter[Any]:
    """How many doses the log holds for each patient and date, whatever their streams are called."""
    rows = await race.owner.fetch(f"select {COLUMNS} from log.event where type = 'DoseAdministered'")
    events = [recorded("medication", Codec(SERVICE.vocabulary), row).data for row in rows]
    return Counter((one.patient_id, one.order_id, one.dosing_on, one.split) for one in events)


async def test_of_two_windows_exactly_one_doses_each_slot(race: Race) -> None:
    """I8: 200 slots, each wanted by two processes at the same moment."""
    answers = await run(race, true_slot)

    on_disk = await doses_on_disk(race)
    assert (len(on_disk), set(on_disk.values())) == (SLOTS, {1})
    for first, second in answers:
        assert sorted((first[:7], second[:7])) == ["given a", "refused"]
        assert any(one.endswith("in riverside") for one in (first, second)), "the refusal names the site"
    winners = Counter(one for answer in answers for one in answer if one.startswith("given"))
    assert len(winners) == 2, "no race if one window always wins"


async def test_without_the_unique_slot_both_windows_dose(race: Race) -> None:
    """I8: the same race with the guard removed, so that the test above is known to bite."""
    answers = await run(race, slot_of_the_site)

    on_disk = await doses_on_disk(race)
    assert set(on_disk.values()) == {2}
    assert all(first.startswith("given") and second.startswith("given") for first, second in answers)


async def test_a_hold_and_a_dose_at_the_same_moment_have_an_order(race: Race) -> None:
    """No dose is stored after its order was held: the dose looks at the order's version when it is committed."""
    for _ in range(40):
        patient, order_id = await signed(race)
        hold = Act(order.decider, order_id, order.HoldOrder(OrderHoldReason.IMPAIRMENT, MONDAY, None))
        held, given = await asyncio.gather(
            act(race.logs["left"], "riverside", hold),
            give_or_refused(race, patient, order_id),
        )
        if given is not None:
            versions = {one.version for one in held.stored}
            assert versions == {3}
            assert given.recorded_at <= held.recorded_at


async def give_or_refused(race: Race, patient: UUID, order_id: UUID) -> Outcome | None:
    """The other site's dose, None when the hold came first."""
    administer = AdministerDose(Place(order_id, MONDAY, 1, MONDAY), Decimal(16), NINE_O_CLOCK, "nurse-lee", "riverside")
    given = (Given(order.decider, order_id), Given(care.decider, patient))
    stream_id = slot_id(patient, order_id, MONDAY, 1)
    try:
        return await act(
            race.logs["right"], "hilltop", Act(doses.decider, stream_id, administer, Subject(patient), given)
        )
    except order.OrderOnHold:
        return None
