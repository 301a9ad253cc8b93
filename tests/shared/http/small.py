"""A service small enough to read at once: a taper is started and lowered, and listed by site."""

import dataclasses
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import assert_never
from uuid import UUID

from fastapi import APIRouter

from shared.access import Purpose, Reach, Role, allow
from shared.decider import Decider, command
from shared.event import Personal, event
from shared.failures import Refused
from shared.http import Accepted, Commands, Page, Queries
from shared.log import Act, Subject
from shared.projector import Projection
from shared.service import Service
from shared.units import Milligrams, Prose, SiteId


@event()
class SmallTaperStarted:
    """A taper began."""

    patient_id: UUID
    dose_mg: Decimal
    steps_mg: tuple[Decimal, ...]
    note: Personal[str | None]


@event()
class SmallDoseReduced:
    """The dose was lowered."""

    dose_mg: Decimal
    effective_on: date


type Event = SmallTaperStarted | SmallDoseReduced


@dataclass(frozen=True)
class Taper:
    dose_mg: Decimal | None = None


@command
class Step:
    dose_mg: Milligrams


@command
class StartTaper:
    patient_id: UUID
    dose_mg: Milligrams
    steps: tuple[Step, ...] = ()
    note: Prose | None = None


@command
class ReduceDose:
    dose_mg: Milligrams
    effective_on: date


class TaperStartedBefore(Refused):
    """This taper was started before."""


class DoseNotLower(Refused):
    """A taper only ever lowers the dose."""


def decide(taper: Taper, asked: StartTaper | ReduceDose) -> Sequence[Event]:
    match asked:
        case StartTaper():
            if taper.dose_mg is not None:
                raise TaperStartedBefore
            steps = tuple(step.dose_mg for step in asked.steps)
            return [SmallTaperStarted(asked.patient_id, asked.dose_mg, steps, asked.note)]
        case ReduceDose():
            if taper.dose_mg is None or asked.dose_mg > taper.dose_mg:
                raise DoseNotLower
            if asked.dose_mg == taper.dose_mg:
                return []
            return [SmallDoseReduced(asked.dose_mg, asked.effective_on)]
        case _:
            assert_never(asked)


def evolve(taper: Taper, happened: Event) -> Taper:
    return dataclasses.replace(taper, dose_mg=happened.dose_mg)


decider = Decider("smalltaper", Taper(), decide, evolve)


@dataclass(frozen=True)
class SmallTaper:
    taper_id: UUID
    site_id: SiteId
    dose_mg: Decimal
    started_at: datetime


@dataclass(frozen=True)
class TaperNow:
    dose_mg: Decimal
    version: int


router = APIRouter(prefix="/v1")


@router.put("/tapers/{taper_id}", status_code=201)
async def start_taper(taper_id: UUID, command: StartTaper, door: Commands) -> Accepted:
    """Start a taper; one per patient and dose."""
    twins = await door.rows("select 1 from view.small_taper where taper_id = $1", taper_id)
    if twins:
        raise TaperStartedBefore
    return await door.handle(Act(decider, taper_id, command, Subject(command.patient_id)))


@router.post("/tapers/{taper_id}/dose-reductions", status_code=201)
async def reduce_dose(taper_id: UUID, command: ReduceDose, door: Commands) -> Accepted:
    """Lower the dose."""
    return await door.handle(Act(decider, taper_id, command, expected=door.expected()))


@router.post("/network/tapers/{taper_id}/dose-reductions", status_code=201)
async def reduce_dose_anywhere(taper_id: UUID, command: ReduceDose, door: Commands) -> Accepted:
    """Lower the dose of another site's patient."""
    return await door.handle(Act(decider, taper_id, command, expected=door.expected()))


@router.get("/tapers")
async def list_tapers(door: Queries, dose_mg: Milligrams | None = None) -> Page[SmallTaper]:
    """Which tapers does the caller's site have?"""
    sql = (
        "select taper_id, site_id, dose_mg, started_at from view.small_taper where $1::numeric is null or dose_mg = $1"
    )
    page = await door.page(sql, dose_mg, key=("started_at", "taper_id"))
    return page.each(lambda row: SmallTaper(**row))


@router.get("/tapers/{taper_id}")
async def get_taper(taper_id: UUID, door: Queries) -> SmallTaper:
    """How does one taper stand, as far as the view knows?"""
    sql = "select taper_id, site_id, dose_mg, started_at from view.small_taper where taper_id = $1"
    return SmallTaper(**await door.one(sql, taper_id))


@router.get("/tapers/{taper_id}/now")
async def get_taper_now(taper_id: UUID, door: Queries) -> TaperNow:
    """How does one taper stand now?"""
    taper, version = await door.state(decider, taper_id)
    return TaperNow(taper.dose_mg or Decimal(0), version)


@router.get("/network/tapers")
async def list_tapers_of_all_sites(door: Queries) -> list[SmallTaper]:
    """Which tapers does the network have?"""
    rows = await door.rows("select taper_id, site_id, dose_mg, started_at from view.small_taper order by started_at")
    return [SmallTaper(**row) for row in rows]


@router.post("/taper-checks")
async def check_taper(command: StartTaper, door: Queries) -> TaperNow:
    """What if? Touches no record."""
    return TaperNow(command.dose_mg, int(door.now < datetime(2000, 1, 1, tzinfo=UTC)))


@router.get("/fault")
async def fail_unforeseen() -> TaperNow:
    """Break, with a name in the message that nobody may see."""
    raise KeyError("Jane Roe")


CLINICAL = allow(Role.NURSE, Role.PRESCRIBER, Role.NETWORK_MANAGER, purposes=frozenset({Purpose.TREATMENT}))

RULES = {
    "start_taper": CLINICAL,
    "reduce_dose": CLINICAL,
    "reduce_dose_anywhere": allow(Role.PRESCRIBER, reach=Reach.NETWORK),
    "list_tapers": allow(*Role),
    "get_taper": allow(Role.NURSE, Role.PRESCRIBER, Role.COUNSELLOR, Role.NETWORK_MANAGER),
    "get_taper_now": CLINICAL,
    "list_tapers_of_all_sites": allow(Role.OPERATOR, reach=Reach.NETWORK),
    "check_taper": CLINICAL,
    "fail_unforeseen": allow(Role.OPERATOR),
}

SMALL = Service(
    name="small",
    vocabulary=sys.modules[__name__],
    router=router,
    rules=RULES,
    migrations=Path(__file__).parent / "migrations",
    projections=(Projection("small_taper", ("small.events.v1",), lambda _recorded: []),),
)
