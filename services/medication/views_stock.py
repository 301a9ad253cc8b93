"""Stock as it is read: what a site holds, what moved, what does not agree, and what waits for a signature."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID

from shared.http import Page, QueryDoor, Row


class BottleState(StrEnum):
    """Where a bottle is."""

    CLOSED = "closed"
    OPEN = "open"
    EMPTY = "empty"
    IN_TRANSIT = "in_transit"
    GONE = "gone"


@dataclass(frozen=True)
class BottleLine:
    """One bottle; `balance_mg` is what it holds by the book. `alarm` is null where book and count agree."""

    bottle_id: UUID
    product_id: str
    medicine: str
    strength_mg: Decimal
    lot: str
    expires_on: date
    source: str
    status: BottleState
    balance_mg: Decimal
    received_at: datetime
    received_by: str
    opened_at: datetime | None
    counted_at: datetime | None
    alarm: bool | None


@dataclass(frozen=True)
class MovementLine:
    """What went into a bottle (above zero) or out of it (below)."""

    event_id: UUID
    bottle_id: UUID
    product_id: str
    lot: str
    strength_mg: Decimal
    kind: str
    amount_mg: Decimal
    dose_id: UUID | None
    actor: str
    document: str | None
    moved_at: datetime
    recorded_at: datetime


@dataclass(frozen=True)
class DiscrepancyLine:
    """A difference between what was expected and what was found; open until `settled_at`."""

    event_id: UUID
    product_id: str
    bottle_id: UUID
    kind: str
    expected_mg: Decimal
    found_mg: Decimal
    alarm: bool
    found_by: str
    found_at: datetime
    finding: str | None
    adjusted_mg: Decimal | None
    settled_by: str | None
    settled_at: datetime | None


@dataclass(frozen=True)
class WasteLine:
    """What was thrown away, and who signed that they saw it."""

    waste_id: UUID
    product_id: str
    bottle_id: UUID
    amount_mg: Decimal
    reason: str
    wasted_by: str
    wasted_at: datetime
    witnesses: list[str]
    witnesses_left: int


@dataclass(frozen=True)
class TransferLine:
    """A bottle between two sites."""

    transfer_id: UUID
    product_id: str
    bottle_id: UUID
    from_site_id: str
    to_site_id: str
    amount_mg: Decimal
    document: str
    status: str
    sent_by: str
    sent_at: datetime
    received_by: str | None
    ended_at: datetime | None


def plain(row: Row) -> Row:
    """The driver reads 10000 mg as 1E+4; people read it as 10000."""
    return {name: Decimal(f"{one:f}") if isinstance(one, Decimal) else one for name, one in row.items()}


_BOTTLES: Final = """
select b.bottle_id, b.product_id, b.medicine, b.strength_mg, b.lot, b.expires_on, b.source, b.status, b.balance_mg, b.received_at,
       b.received_by, b.opened_at, b.counted_at, d.alarm
from view.stock_bottle b
left join view.stock_discrepancy d on d.site_id = b.site_id and d.bottle_id = b.bottle_id and d.settled_at is null
where b.site_id = $1 and ($2::text is null or b.product_id = $2) and ($3::text is null or b.status = $3)
  and ($3::text is not null or b.status in ('closed', 'open', 'in_transit'))"""


async def bottles(
    door: QueryDoor, site_id: str, product_id: str | None, status: BottleState | None
) -> Page[BottleLine]:
    """What is here or on its way, unless another status is asked for."""
    page = await door.page(_BOTTLES, site_id, product_id, status, key=("product_id", "bottle_id"))
    return Page([BottleLine(**plain(row) | {"status": BottleState(row["status"])}) for row in page.items], page.next)


async def movements(
    door: QueryDoor, site_id: str, product_id: str | None, bottle_id: UUID | None, dose_id: UUID | None
) -> Page[MovementLine]:
    """The newest first."""
    sql = """select event_id, bottle_id, product_id, lot, strength_mg, kind, amount_mg, dose_id, actor, document, moved_at,
                 recorded_at from view.stock_movement
             where site_id = $1 and ($2::text is null or product_id = $2) and ($3::uuid is null or bottle_id = $3)
               and ($4::uuid is null or dose_id = $4)"""
    key = ("recorded_at", "event_id", "bottle_id")
    page = await door.page(sql, site_id, product_id, bottle_id, dose_id, key=key, descending=True)
    return page.each(lambda row: MovementLine(**plain(row)))


async def discrepancies(door: QueryDoor, site_id: str, *, unsettled: bool | None) -> Page[DiscrepancyLine]:
    """By when they were found."""
    sql = """select event_id, product_id, bottle_id, kind, expected_mg, found_mg, alarm, found_by, found_at, finding, adjusted_mg,
                 settled_by, settled_at from view.stock_discrepancy
             where site_id = $1 and ($2::boolean is null or (settled_at is null) = $2)"""
    page = await door.page(sql, site_id, unsettled, key=("found_at", "event_id"))
    return page.each(lambda row: DiscrepancyLine(**plain(row)))


async def wastes(door: QueryDoor, site_id: str, *, unsigned: bool | None) -> Page[WasteLine]:
    """By when they were thrown away."""
    sql = """select waste_id, product_id, bottle_id, amount_mg, reason, wasted_by, wasted_at, witnesses, witnesses_left
             from view.stock_waste where site_id = $1 and ($2::boolean is null or (witnesses_left > 0) = $2)"""
    page = await door.page(sql, site_id, unsigned, key=("wasted_at", "waste_id"))
    return page.each(lambda row: WasteLine(**plain(row)))


async def transfers(door: QueryDoor, site_id: str, status: str | None) -> Page[TransferLine]:
    """To and from the site, by when they were sent."""
    sql = """select transfer_id, product_id, bottle_id, from_site_id, to_site_id, amount_mg, document, status, sent_by, sent_at,
                 received_by, ended_at from view.stock_transfer where site_id = $1 and ($2::text is null or status = $2)"""
    page = await door.page(sql, site_id, status, key=("sent_at", "transfer_id"))
    return page.each(lambda row: TransferLine(**plain(row)))


async def poured_for(door: QueryDoor, pour_id: UUID) -> Decimal | None:
    """What is on record as poured for a dose and not put back, None when nothing is."""
    sql = "select -sum(amount_mg) as poured_mg from view.stock_movement where pour_id = $1"
    row = await door.one(sql, pour_id)
    return row["poured_mg"] or None
