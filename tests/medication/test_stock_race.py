"""Two processes pour from one bottle over a real database: no dose without its pour, no pour twice, nothing below zero."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.medication import authority, care, dosing, order, stock
from services.medication.dose import AdministerDose, DoseAlreadyAdministered
from services.medication.dosing import Slot, taken
from services.medication.dosing_slot import Place, slot_id
from services.medication.main import SERVICE
from services.medication.stock import NotEnoughOpen
from services.medication.stock_state import stock_id
from shared.codec import Codec
from shared.database import Connection, connect
from shared.events.medication import DoseAdministered, DosePoured
from shared.log import Act, Context, Given, Log, Outcome, Subject
from shared.log.reading import COLUMNS, recorded
from tests.embedded import TestPostgres
from tests.medication.bottles import BOTTLE, CONCENTRATE, SHELF, TODAY, opening, receive
from tests.medication.running import log_of, settings_for
from tests.medication.situations import DRAFT, MONDAY, NINE_O_CLOCK, SIGN
from tests.shared.http.running import Issuer

SLOTS, ENOUGH_FOR = 60, 25
DOSE_MG = Decimal(40)


@dataclass
class Race:
    """Two processes' ways into one log, and a look at what is on disk."""

    logs: tuple[Log, Log]
    owner: Connection

    async def on_disk[E](self, kind: type[E]) -> list[E]:
        """Every event of a kind."""
        rows = await self.owner.fetch(f"select {COLUMNS} from log.event where type = $1", kind.__name__)
        return [recorded(SERVICE.name, Codec(SERVICE.vocabulary), row).data for row in rows]


@pytest.fixture
async def race(postgres: TestPostgres, tmp_path: Path) -> AsyncIterator[Race]:
    """A fresh database with two API processes of one site, and one open bottle that is too small for all."""
    database = await postgres.service_database("medication", [SERVICE.migrations])
    settings = settings_for(database, Issuer(tmp_path / "jwks.json"))
    owner = await connect(database.superuser_dsn, name="test")
    async with log_of(database, settings) as left, log_of(database, settings) as right:
        yield Race((left, right), owner)
    await owner.close()


async def begin(race: Race, of: UUID) -> None:
    """The bottle arrives and is opened."""
    arrived = receive(BOTTLE, int(DOSE_MG) * ENOUGH_FOR + 7)
    for command in (arrived, opening()):
        await act(race.logs[0], uuid4().hex, Act(stock.decider, of, command))


async def act(log: Log, key: str, *acts: Act) -> Outcome:
    """One request."""
    context = Context(actor="nurse-kim", site_id="riverside", correlation_id=uuid4())
    return await log.handle(acts, context, key, b"-")


async def signed(race: Race) -> Slot:
    """Monday's slot of a new patient on the concentrate."""
    patient, order_id = uuid4(), uuid4()
    changes: dict[str, Any] = {"patient_id": patient, "product": CONCENTRATE, "split_doses_mg": (DOSE_MG,)}
    await act(race.logs[0], uuid4().hex, Act(order.decider, order_id, replace(DRAFT, **changes), Subject(patient)))
    await act(race.logs[0], uuid4().hex, Act(order.decider, order_id, replace(SIGN, order_id=order_id)))
    state, _ = await race.logs[0].state(order.decider, order_id)
    given = (
        Given(order.decider, order_id),
        Given(care.decider, patient),
        Given(authority.decider, patient),
    )
    place = Place(order_id, MONDAY, 1, TODAY)
    return Slot(slot_id(patient, order_id, MONDAY, 1), place, order.prescribed(state), None, given)


async def give(log: Log, slot: Slot, key: str) -> str:
    """One window's attempt, sent twice as after a lost answer."""
    administer = AdministerDose(slot.place, DOSE_MG, NINE_O_CLOCK, "nurse-kim", "riverside")
    try:
        first = await act(log, key, *taken(slot, administer, None))
        again = await act(log, key, *taken(slot, administer, None))
    except DoseAlreadyAdministered:
        return "given elsewhere"
    except NotEnoughOpen:
        return "nothing left"
    assert first.stored == again.stored
    return "given"


async def run(race: Race) -> list[str]:
    """Every slot at both windows at once."""
    slots = [await signed(race) for _ in range(SLOTS)]
    tries = [give(log, slot, uuid4().hex) for slot in slots for log in race.logs]
    return await asyncio.gather(*tries)


async def test_parallel_doses_never_take_a_bottle_below_zero_and_each_is_poured_once(race: Race) -> None:
    """V1, I8: sixty slots, two windows each, a bottle for twenty-five doses."""
    shelf = stock_id(SHELF.site_id, SHELF.product_id)
    await begin(race, shelf)

    answers = await run(race)

    doses, pours = await race.on_disk(DoseAdministered), await race.on_disk(DosePoured)
    assert answers.count("given") == len(doses) == len(pours) == ENOUGH_FOR
    assert len({one.dose_id for one in pours}) == ENOUGH_FOR
    state, _ = await race.logs[1].state(stock.decider, shelf)
    assert state.bottles[BOTTLE].balance_mg == 7
    assert sum(one.amount_mg for one in pours) == DOSE_MG * ENOUGH_FOR


async def test_without_the_one_row_both_windows_pour_the_same_milligrams(
    race: Race, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same race with the guard removed: each window looks at a book of its own of the one bottle."""
    books = (uuid4(), uuid4())
    for book in books:
        await begin(race, book)
    monkeypatch.setattr(dosing, "poured", own_book(dosing.poured, books))

    await run(race)

    pours = await race.on_disk(DosePoured)
    assert sum(one.amount_mg for one in pours) > DOSE_MG * ENOUGH_FOR + 7


def own_book(poured: Callable[..., Act], books: tuple[UUID, UUID]) -> Callable[..., Act]:
    """By the slot, so that neither book is used up."""

    def mutant(slot: Slot, administer: AdministerDose) -> Act:
        return replace(poured(slot, administer), stream_id=books[slot.dose_id.int % 2])

    return mutant
