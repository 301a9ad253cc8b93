"""The dispensing log of a site: what was given there on a day, to whom, from which lot, by whom (21 CFR 1304.24)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from services.medication.printing import csv_of, html_of
from services.medication.site_time import zone_of
from services.medication.views_stock import plain
from services.medication.views_stock_report import begins
from shared.event import AnyRecorded
from shared.events.medication import DetoxDoseGiven, DoseAdministered, DoseConflictFound, DoseReplaced, DoseVoided
from shared.http import QueryDoor
from shared.projector import Write

LINES_MAX: Final = 5_000
"""Doses of one site and day; a log that is longer says so in its last line."""


@dataclass(frozen=True)
class DispensedLine:
    """One dose consumed at the site. Without a book of the product, strength and lots are unknown."""

    event_id: UUID
    dose_id: UUID
    patient_id: UUID
    order_id: UUID
    home_site_id: str
    medicine: str
    products: list[str]
    strengths_mg: list[Decimal]
    lots: list[str]
    given_at: datetime
    dose_mg: Decimal
    given_by: str
    voided_at: datetime | None
    voided_by: str | None
    degraded_since: datetime | None


@dataclass(frozen=True)
class DispensingLog:
    """A day of the site's calendar, in the order in which the doses were given; `complete` is false where it was cut off."""

    site_id: str
    zone: str
    on: date
    complete: bool
    lines: list[DispensedLine]


def writes(recorded: AnyRecorded) -> Sequence[Write]:
    """How an event of a dosing slot changes the log of the site where it was given."""
    event = recorded.data
    match event:
        case DoseAdministered() | DoseConflictFound() | DoseReplaced():
            sql = """insert into view.dispensing (event_id, site_id, home_site_id, patient_id, dose_id, order_id, medicine, dose_mg,
                         given_at, given_by) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"""
            where = (recorded.event_id, event.site_id, event.home_site_id, event.patient_id, UUID(recorded.subject_id))
            what = (event.order_id, event.medicine, event.dose_mg, event.given_at, event.observed_by)
            return [Write(sql, (*where, *what))]
        case DoseVoided():
            sql = "update view.dispensing set voided_at = $2, voided_by = $3 where event_id = $1"
            return [Write(sql, (recorded.corrects, recorded.recorded_at, event.confirmed_by))]
        case _:
            return []


def detox_writes(recorded: AnyRecorded) -> Sequence[Write]:
    """A dose by a withdrawal protocol stands in the log too; its order is the course."""
    event = recorded.data
    if not isinstance(event, DetoxDoseGiven):
        return []
    sql = """insert into view.dispensing (event_id, site_id, home_site_id, patient_id, dose_id, order_id, medicine, dose_mg,
                 given_at, given_by) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"""
    where = (recorded.event_id, event.site_id, event.home_site_id, event.patient_id, event.dose_id)
    what = (UUID(recorded.subject_id), event.medicine, event.dose_mg, event.given_at, event.observed_by)
    return [Write(sql, (*where, *what))]


_LOG: Final = f"""
select g.event_id, g.dose_id, g.patient_id, g.order_id, g.home_site_id, g.medicine, g.given_at, g.dose_mg, g.given_by, g.voided_at,
       g.voided_by, coalesce(m.products, '{{}}') as products, coalesce(m.strengths_mg, '{{}}') as strengths_mg,
       coalesce(m.lots, '{{}}') as lots, projection.degraded_since(g.patient_id::text) as degraded_since
from view.dispensing g
left join lateral (
    select array_agg(product_id order by bottle_id) as products, array_agg(strength_mg order by bottle_id) as strengths_mg,
           array_agg(lot order by bottle_id) as lots
    from view.stock_movement s
    where s.site_id = g.site_id and s.dose_id = g.dose_id and s.kind = 'poured' and s.moved_at = g.given_at
) m on true
where g.site_id = $1 and g.given_at >= $2 and g.given_at < $3
order by g.given_at, g.event_id limit {LINES_MAX + 1}"""  # noqa: S608 - the limit is ours


async def of_day(door: QueryDoor, site_id: str, on: date | None) -> DispensingLog:
    """Today at the site, unless a day is given. Raises NotFound for a site unknown."""
    zone = await zone_of(door, site_id)
    day = on or door.now.astimezone(begins(door.now.date(), zone).tzinfo).date()
    rows = await door.rows(_LOG, site_id, begins(day, zone), begins(day + timedelta(days=1), zone))
    lines = [DispensedLine(**plain(row)) for row in rows[:LINES_MAX]]
    return DispensingLog(site_id, zone, day, len(rows) <= LINES_MAX, lines)


HEAD: Final = (
    *(
        "given at",
        "patient",
        "substance",
        "product",
        "strength mg",
        "lot",
        "consumed mg",
        "taken home mg",
        "dispensed by",
        "remark",
    ),
)


def as_csv(log: DispensingLog) -> bytes:
    """A line for each dose; one that was voided stays, and says so."""
    return csv_of(HEAD, [_cells(log, one) for one in log.lines])


def as_html(log: DispensingLog) -> bytes:
    """A page to keep."""
    title = f"Dispensing log of {log.site_id}, {log.on}"
    about = f"Times in {log.zone}. Confidential: 42 CFR Part 2." + (
        "" if log.complete else " This log is not complete."
    )
    return html_of(title, about, HEAD, [_cells(log, one) for one in log.lines])


def _cells(log: DispensingLog, line: DispensedLine) -> list[str]:
    at = line.given_at.astimezone(begins(log.on, log.zone).tzinfo)
    lots = [", ".join(one) for one in (line.products, [f"{one:f}" for one in line.strengths_mg], line.lots)]
    remark = "" if line.voided_at is None else f"voided by {line.voided_by}"
    if line.degraded_since is not None:
        remark = "; ".join(filter(None, (remark, "some of the patient's events wait to be repaired")))
    who = (f"{at:%H:%M:%S}", str(line.patient_id), line.medicine)
    return [*who, *lots, f"{line.dose_mg:f}", "0", line.given_by, remark]
