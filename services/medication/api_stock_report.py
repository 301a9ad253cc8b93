"""Routes: the report of a period and the dispensing log of a day, to read, to keep as a table and to print."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query

from services.medication import views_dispensing, views_stock_report
from services.medication.paths import AtSite
from services.medication.printing import Csv, Html
from services.medication.views_dispensing import DispensingLog
from services.medication.views_stock_report import Asked, StockReport
from shared.http import Queries
from shared.units import Instant

router = APIRouter(tags=["stock"])

type FromOn = Annotated[date, Query(description="The first day, at the site.", examples=["2025-11-01"])]
type UntilOn = Annotated[date, Query(description="The last day, at the site.", examples=["2025-11-30"])]
type AsOf = Annotated[
    Instant | None, Query(description="As it was known then; now, unless given.", examples=["2025-12-01T12:00:00Z"])
]
type OnDay = Annotated[date | None, Query(description="Today at the site, unless given.", examples=["2025-11-04"])]


@router.get("/sites/{site_id}/stock-report")
async def get_stock_report(
    site_id: AtSite, door: Queries, from_on: FromOn, until_on: UntilOn, as_of: AsOf = None
) -> StockReport:
    """What was there, what came, what went and what is there, by lot, for any period? Replayed from the events."""
    return await views_stock_report.reported(door, site_id, Asked(from_on, until_on, as_of))


@router.get("/sites/{site_id}/stock-report.csv", response_class=Csv)
async def get_stock_report_csv(
    site_id: AtSite, door: Queries, from_on: FromOn, until_on: UntilOn, as_of: AsOf = None
) -> bytes:
    """The same as a table."""
    report = await views_stock_report.reported(door, site_id, Asked(from_on, until_on, as_of))
    return views_stock_report.as_csv(report)


@router.get("/sites/{site_id}/stock-report.html", response_class=Html)
async def print_stock_report(
    site_id: AtSite, door: Queries, from_on: FromOn, until_on: UntilOn, as_of: AsOf = None
) -> bytes:
    """The same as a page to sign."""
    report = await views_stock_report.reported(door, site_id, Asked(from_on, until_on, as_of))
    return views_stock_report.as_html(report)


@router.get("/sites/{site_id}/dispensing-log")
async def get_dispensing_log(site_id: AtSite, door: Queries, on: OnDay = None) -> DispensingLog:
    """What was given at the site on a day, to whom, from which lot and by whom, also on orders of other sites?"""
    return await views_dispensing.of_day(door, site_id, on)


@router.get("/sites/{site_id}/dispensing-log.csv", response_class=Csv)
async def get_dispensing_log_csv(site_id: AtSite, door: Queries, on: OnDay = None) -> bytes:
    """The same as a table."""
    return views_dispensing.as_csv(await views_dispensing.of_day(door, site_id, on))


@router.get("/sites/{site_id}/dispensing-log.html", response_class=Html)
async def print_dispensing_log(site_id: AtSite, door: Queries, on: OnDay = None) -> bytes:
    """The same as a page to keep."""
    return views_dispensing.as_html(await views_dispensing.of_day(door, site_id, on))
