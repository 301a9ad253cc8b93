"""Plan state over HTTP: whose day it is, and what a reader is told while an event waits to be repaired."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from services.intake import views_plan_state
from shared.events import scheduling
from tests.intake.recording import Book
from tests.intake.running import Clinic, registered


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
async def test_today_is_the_date_at_the_patients_site(clinic: Clinic, zone: str) -> None:
    """T44: the two zones are 25 hours apart, so one of them has another date than this machine."""
    patient = await registered(clinic)
    opened = Book("scheduling").write(f"site-{clinic.site}", scheduling.SiteOpened("Riverside", zone, (), "counting"))
    for one in views_plan_state.site_writes(opened):
        await clinic.worker.execute(one.sql, *one.args)

    before = datetime.now(ZoneInfo(zone)).date()
    today = (await clinic.get(f"patients/{patient}/plan-state")).json()["today"]["on"]

    assert today in {before.isoformat(), datetime.now(ZoneInfo(zone)).date().isoformat()}


async def test_a_site_whose_zone_is_unknown_is_read_in_utc(clinic: Clinic) -> None:
    patient = await registered(clinic)

    today = (await clinic.get(f"patients/{patient}/plan-state")).json()["today"]["on"]

    assert abs(datetime.fromisoformat(today).date() - datetime.now(UTC).date()) <= timedelta(days=1)


async def test_a_parked_event_is_told_with_every_answer_about_its_patient(clinic: Clinic) -> None:
    """T30."""
    parked, well = await registered(clinic), await registered(clinic)
    await clinic.worker.execute(
        """insert into projection.parked (consumer, topic, partition, record_offset, key, reason, headers)
           values ('intake-plan-state-v1', 'intake.events.v1', 0, $1, $2, 'Undecodable', '{}')""",
        uuid4().int % 2**60,
        parked,
    )

    for path in ("patients", "plan-states"):
        items = (await clinic.get(path)).json()["items"]
        since = {one["patient_id"]: one["degraded_since"] for one in items}
        assert since[parked] is not None
        assert since[well] is None
    assert (await clinic.get(f"patients/{parked}/plan-state")).json()["degraded_since"] is not None


async def test_a_patient_without_any_event_has_no_plan_state(clinic: Clinic) -> None:
    assert (await clinic.get(f"patients/{uuid4()}/plan-state")).status_code == 404
