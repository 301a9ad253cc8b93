"""How what happens to a stock changes the rows: bottles, movements, differences, waste, and bottles between sites."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, assert_never
from uuid import UUID

from shared.event import AnyRecorded
from shared.events.medication import (
    BottleArrived,
    BottleCalledBack,
    BottleCounted,
    BottleOpened,
    BottleReceived,
    BottleReturned,
    BottleSent,
    DiscrepancyFound,
    DiscrepancySettled,
    DosePoured,
    MedicineWasted,
    PourLeftOut,
    PourPutBack,
    StockEvent,
    WasteWitnessed,
)
from shared.projector import Write

type Travelled = BottleSent | BottleCalledBack | BottleArrived | BottleReturned

_BOTTLE: Final = """
insert into view.stock_bottle (site_id, bottle_id, product_id, medicine, strength_mg, lot, expires_on, source, status, balance_mg,
    received_at, received_by)
values ($1, $2, $3, $4, $5, $6, $7, $8, 'closed', 0, $9, $10)
on conflict (site_id, bottle_id) do update set source = excluded.source, status = 'closed', received_at = excluded.received_at,
    received_by = excluded.received_by, opened_at = null, counted_at = null"""
# The bottle's balance follows its movements; one that is emptied or filled again changes its status with it.
_MOVED: Final = """
with moved as (
    update view.stock_bottle set balance_mg = balance_mg + $4::numeric,
        status = case when balance_mg + $4 = 0 and status in ('open', 'closed')
                      then case when $5 = 'wasted' then 'gone' else 'empty' end
                      when balance_mg + $4 > 0 and status = 'empty' then 'open' else status end
    where site_id = $2 and bottle_id = $3 returning product_id, lot, strength_mg
)
insert into view.stock_movement (event_id, bottle_id, site_id, product_id, lot, strength_mg, kind, amount_mg, pour_id, dose_id,
    actor, document, moved_at, recorded_at)
select $1::uuid, $3, $2, product_id, lot, strength_mg, $5::text, $4, $6::uuid, $7::uuid, $8::text, $9::text, $10::timestamptz,
    $11::timestamptz from moved"""
_STATUS: Final = "update view.stock_bottle set status = $3 where site_id = $1 and bottle_id = $2"
_SENT: Final = """
insert into view.stock_transfer (transfer_id, site_id, product_id, bottle_id, from_site_id, to_site_id, amount_mg, document, status,
    sent_by, sent_at)
select $1::uuid, place, $2, $3::uuid, $4, $5, $6::numeric, $7, 'in_transit', $8, $9::timestamptz
from unnest(array[$4, $5]::text[]) as place"""
_SENDING_OVER: Final = (
    "update view.stock_transfer set status = $2, received_by = $3, ended_at = $4 where transfer_id = $1"
)


def writes(recorded: AnyRecorded) -> Sequence[Write]:
    """How an event of a stock changes the rows."""
    event: StockEvent = recorded.data
    match event:
        case BottleReceived():
            about = (
                event.product_id,
                event.medicine,
                event.strength_mg,
                event.lot,
                event.expires_on,
                event.source.value,
            )
            known = (event.site_id, event.bottle_id, *about, recorded.recorded_at, event.received_by)
            return [Write(_BOTTLE, known), moved(recorded, event, event.source.value, event.amount_mg, event.document)]
        case BottleOpened():
            sql = "update view.stock_bottle set status = 'open', opened_at = $3 where site_id = $1 and bottle_id = $2"
            return [Write(sql, (event.site_id, event.bottle_id, recorded.recorded_at))]
        case DosePoured() | PourPutBack() | PourLeftOut():
            return poured(recorded, event)
        case MedicineWasted() | WasteWitnessed():
            return wasted(recorded, event)
        case BottleCounted() | DiscrepancyFound() | DiscrepancySettled():
            return counted(recorded, event)
        case BottleSent() | BottleCalledBack() | BottleArrived() | BottleReturned():
            return travelled(recorded, event)
        case _:
            assert_never(event)


def moved(
    recorded: AnyRecorded,
    event: BottleReceived | MedicineWasted | DiscrepancySettled | Travelled,
    kind: str,
    amount_mg: Decimal,
    document: str | None = None,
) -> Write:
    """One bottle holds more or less; `recorded` says who and when."""
    when = (recorded.effective_at, recorded.recorded_at)
    what = (recorded.event_id, event.site_id, event.bottle_id, amount_mg, kind)
    return Write(_MOVED, (*what, None, None, recorded.actor, document, *when))


def poured(recorded: AnyRecorded, event: DosePoured | PourPutBack | PourLeftOut) -> Sequence[Write]:
    """A movement for each bottle that a dose came from, or never came from; what is left out moves nothing."""
    if isinstance(event, PourLeftOut):
        return []
    kind, sign = ("poured", -1) if isinstance(event, DosePoured) else ("put_back", 1)
    at = event.poured_at if isinstance(event, DosePoured) else recorded.effective_at
    by = event.poured_by if isinstance(event, DosePoured) else recorded.actor
    dose = (event.pour_id, event.dose_id, by, None, at, recorded.recorded_at)
    return [
        Write(_MOVED, (recorded.event_id, event.site_id, one.bottle_id, sign * one.amount_mg, kind, *dose))
        for one in event.parts
    ]


def wasted(recorded: AnyRecorded, event: MedicineWasted | WasteWitnessed) -> Sequence[Write]:
    """What was thrown away, and who has signed that they saw it."""
    if isinstance(event, WasteWitnessed):
        sql = "update view.stock_waste set witnesses = witnesses || $2::text, witnesses_left = $3 where waste_id = $1"
        return [Write(sql, (event.waste_id, event.witness, event.witnesses_left))]
    sql = """insert into view.stock_waste (waste_id, site_id, product_id, bottle_id, amount_mg, reason, wasted_by, wasted_at,
                 witnesses, witnesses_left)
             values ($1, $2, $3, $4, $5, $6, $7, $8, '{}', $9)"""
    about = (event.waste_id, event.site_id, event.product_id, event.bottle_id, event.amount_mg, event.reason.value)
    told = (event.wasted_by, recorded.effective_at, event.witnesses_needed)
    return [Write(sql, (*about, *told)), moved(recorded, event, "wasted", -event.amount_mg)]


def counted(recorded: AnyRecorded, event: BottleCounted | DiscrepancyFound | DiscrepancySettled) -> Sequence[Write]:
    """A difference is open until a second person has settled it, or a count agrees with the book again."""
    where = (event.site_id, event.bottle_id)
    if isinstance(event, DiscrepancyFound):
        sql = """insert into view.stock_discrepancy (event_id, site_id, product_id, bottle_id, kind, expected_mg, found_mg, alarm,
                     found_by, found_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"""
        about = (recorded.event_id, event.site_id, event.product_id, event.bottle_id, event.kind.value)
        told = (event.expected_mg, event.found_mg, event.alarm, event.found_by, recorded.recorded_at)
        return [over(recorded, *where, "counted_anew", Decimal(0)), Write(sql, (*about, *told)), seen(recorded, *where)]
    if isinstance(event, BottleCounted):
        return [over(recorded, *where, "counted_anew", Decimal(0)), seen(recorded, *where)]
    settled = over(recorded, *where, event.finding.value, event.adjusted_mg)
    book = [moved(recorded, event, "adjusted", event.adjusted_mg)] if event.adjusted_mg else []
    return [settled, *book, seen(recorded, *where)]


def over(recorded: AnyRecorded, site_id: str, bottle_id: UUID, finding: str, adjusted_mg: Decimal) -> Write:
    """No difference of the bottle is open any more."""
    sql = """update view.stock_discrepancy set finding = $3, adjusted_mg = $4, settled_by = $5, settled_at = $6
             where site_id = $1 and bottle_id = $2 and settled_at is null"""
    return Write(sql, (site_id, bottle_id, finding, adjusted_mg, recorded.actor, recorded.recorded_at))


def seen(recorded: AnyRecorded, site_id: str, bottle_id: UUID) -> Write:
    """When somebody last looked into the bottle."""
    sql = "update view.stock_bottle set counted_at = $3 where site_id = $1 and bottle_id = $2"
    return Write(sql, (site_id, bottle_id, recorded.recorded_at))


def travelled(recorded: AnyRecorded, event: Travelled) -> Sequence[Write]:
    """A bottle left, came back, or is away for good."""
    where, at = (event.site_id, event.bottle_id), recorded.recorded_at
    match event:
        case BottleSent():
            about = (event.transfer_id, event.product_id, event.bottle_id, event.site_id, event.to_site_id)
            told = (event.amount_mg, event.document, event.sent_by, at)
            sent = Write(_SENT, (*about, *told))
            return [
                Write(_STATUS, (*where, "in_transit")),
                moved(recorded, event, "sent", -event.amount_mg, event.document),
                sent,
            ]
        case BottleCalledBack():
            back = Write(_SENDING_OVER, (event.transfer_id, "called_back", event.called_back_by, at))
            return [Write(_STATUS, (*where, "closed")), moved(recorded, event, "called_back", event.amount_mg), back]
        case BottleArrived():
            arrived = Write(_SENDING_OVER, (event.transfer_id, "arrived", event.received_by, at))
            return [Write(_STATUS, (*where, "gone")), arrived]
        case BottleReturned():
            out = moved(recorded, event, "returned", -event.amount_mg, event.document)
            return [Write(_STATUS, (*where, "gone")), out]
        case _:
            assert_never(event)
