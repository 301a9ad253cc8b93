"""Replays a site's stocks for the report of a period, a part at a time, so that no dose waits for it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from services.medication.formulary import formulary
from services.medication.printing import csv_of, html_of
from services.medication.site_time import zone_of
from services.medication.stock import decider
from services.medication.stock_report import COLUMNS, Report, ReportLine, Told
from services.medication.stock_state import stock_id
from shared.failures import Invalid
from shared.http import QueryDoor

EVENTS_AT_ONCE: Final = 1000
"""Events that are read and replayed before others get their turn."""

_EVENTS: Final = """
select version, type, effective_at, data::text as data from log.event
where stream = $1 and version > $2 and recorded_at < coalesce($3, 'infinity'::timestamptz) order by version limit $4"""


class PeriodBackwards(Invalid):
    """The last day lies before the first."""


@dataclass(frozen=True)
class StockReport:
    """The mass balance of every lot at a site in a period of its own calendar, as known at `as_of`."""

    site_id: str
    zone: str
    from_on: date
    until_on: date
    as_of: datetime
    lines: list[ReportLine]


@dataclass(frozen=True)
class Asked:
    """Which days, and as known when."""

    from_on: date
    until_on: date
    as_of: datetime | None = None


async def reported(door: QueryDoor, site_id: str, asked: Asked) -> StockReport:
    """By replay of the events, those of every product that the formulary has ever had. Raises NotFound for a site unknown."""
    if asked.until_on < asked.from_on:
        raise PeriodBackwards(field="until_on")
    zone = await zone_of(door, site_id)
    report = Report(begins(asked.from_on, zone), begins(asked.until_on + timedelta(days=1), zone))
    for product_id in formulary().products if door.sites is None or site_id in door.sites else ():
        async for part in events(door, decider.stream(stock_id(site_id, product_id)), asked.as_of):
            report.add(part)
    return StockReport(site_id, zone, asked.from_on, asked.until_on, asked.as_of or door.now, report.lines())


def begins(on: date, zone: str) -> datetime:
    """When the day begins at the site."""
    return datetime.combine(on, time.min, ZoneInfo(zone))


async def events(door: QueryDoor, stream: str, as_of: datetime | None) -> AsyncIterator[list[Told]]:
    """The stock's events in parts."""
    version = 0
    while rows := await door.rows(_EVENTS, stream, version, as_of, EVENTS_AT_ONCE):
        yield [told(row) for row in rows]
        version = rows[-1]["version"]
        await asyncio.sleep(0)


def told(row: dict[str, Any]) -> Told:
    """An event's own words; a pour was true when the dose was given."""
    data = msgspec.json.decode(row["data"], type=dict[str, Any])
    at = datetime.fromisoformat(data["poured_at"]) if row["type"] == "DosePoured" else row["effective_at"]
    return Told(row["type"], at, data)


def as_csv(report: StockReport) -> bytes:
    """A line for each lot."""
    return csv_of(("site_id", "from_on", "until_on", *COLUMNS), [_about(report) + _cells(one) for one in report.lines])


def as_html(report: StockReport) -> bytes:
    """A page to sign and to keep."""
    title = f"Controlled substances at {report.site_id}, {report.from_on} to {report.until_on}"
    about = f"Milligrams, by product, strength and lot; days in {report.zone}; as known at {report.as_of:%Y-%m-%d %H:%M %Z}."
    head = [name.removesuffix("_mg").replace("_", " ") for name in COLUMNS]
    foot = "Checked by ______________________ and ______________________ on ______________"
    return html_of(title, about, head, [_cells(one) for one in report.lines], foot)


def _about(report: StockReport) -> list[str]:
    return [report.site_id, report.from_on.isoformat(), report.until_on.isoformat()]


def _cells(line: ReportLine) -> list[str]:
    return [one if isinstance(one, str) else f"{one:f}" for one in (getattr(line, name) for name in COLUMNS)]
