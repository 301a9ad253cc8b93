"""The dosing authority over HTTP: guests who are asked for, taken and given back, broken glass, and the conflict report."""

import secrets
from typing import Any
from uuid import uuid4

import pytest

from services.medication import examples
from tests.medication.running import Clinic
from tests.medication.window import ago, body, give, guest, signed


def other_site() -> str:
    """A second site of the test's own."""
    return f"site-{secrets.token_hex(4)}"


async def test_a_stay_from_request_to_return_is_shown_at_both_sites(clinic: Clinic) -> None:
    """M5: the home site is refused meanwhile and told whom to ask; afterwards it doses again, two epochs later."""
    order, away = str(uuid4()), other_site()
    patient = await signed(clinic, order)
    stay = await guest(clinic, patient, order, away)

    refused = (await clinic.post(f"orders/{order}/doses", body(examples.DOSE))).json()
    assert refused["type"].endswith("/dosing-authority-elsewhere")
    named = (refused["holder_site_id"], refused["rule"], refused["may_override"])
    assert named == (away, "dosing-authority", "a prescriber, by breaking the glass for one dose with a reason")
    for site in (clinic.site, away):
        (line,) = (await clinic.get(f"sites/{site}/guest-dosing?status=under_way", site=site))["items"]
        assert (line["guest_site_id"], line["asked_site_id"], line["epoch"]) == (away, clinic.site, 2)
        assert line["degraded_since"] is None

    await clinic.done(await clinic.post(f"{stay}/return", {}, site=away))
    (line,) = (await clinic.get(f"sites/{away}/guest-dosing", site=away))["items"]
    assert (line["status"], line["end_reason"], line["ended_on"]) == ("ended", "back_early", ago(0))
    sheet = await clinic.get(f"patients/{patient}/dosing-authority", site=away)
    assert (sheet["site_id"], sheet["epoch"], sheet["guest_id"]) == (clinic.site, 3, None)
    await clinic.done(await clinic.post(f"orders/{order}/doses", body(examples.DOSE)))


async def test_two_doses_out_of_touch_stand_in_the_report_of_both_sites_until_settled(clinic: Clinic) -> None:
    """I8, M4: the second one is written down in a physician's name, and counts for nothing but the report."""
    order, away = str(uuid4()), other_site()
    await signed(clinic, order)
    given = await clinic.done(await clinic.post(f"orders/{order}/doses", body(examples.DOSE)))
    dose = given["stream"].removeprefix("dose-")
    glass = {"dose_mg": "16", "reason": "The line is down; the patient has the paper record with him."}
    second = await clinic.done(await clinic.post(f"orders/{order}/broken-glass-doses", glass, "prescriber", site=away))
    assert {"DoseConflictFound", "GlassBroken"} <= {one["type"] for one in second["events"]}

    for site in (clinic.site, away):
        found = (await clinic.get(f"sites/{site}/dosing-conflicts", site=site))["items"]
        assert {(one["kind"], one["given_site_id"], one["dose_id"]) for one in found} == {
            ("glass_broken", away, dose),
            ("dosed_twice", away, dose),
        }
    settled = await clinic.post(
        f"doses/{dose}/conflict-settlements", body(examples.SETTLEMENT), "prescriber", version=2
    )
    await clinic.done(settled)
    assert (await clinic.get(f"sites/{away}/dosing-conflicts?unsettled=true", site=away))["items"] == []
    again = await clinic.post(f"doses/{dose}/conflict-settlements", body(examples.SETTLEMENT), "prescriber", version=3)
    assert again.json()["type"].endswith("/no-conflict-here")
    (line,) = (await clinic.get(f"doses?order_id={order}"))["items"]
    assert (line["status"], line["dose_mg"], line["given_site_id"]) == ("administered", "16", clinic.site)


async def test_a_second_order_of_one_substance_needs_a_prescriber_for_the_date(clinic: Clinic) -> None:
    """The refusal names the rule and who may override it; the override holds for that date alone."""
    first, second = str(uuid4()), str(uuid4())
    patient = await signed(clinic, first)
    await signed(clinic, second, patient_id=patient)
    for day in (2, 1):
        await give(clinic, first, day)

    async def other(day: int) -> Any:
        entered = {"dose_mg": "16", "dosing_on": ago(day), "given_at": f"{ago(day)}T17:00:00Z"}
        return await clinic.post(f"orders/{second}/doses", entered)

    refused = (await other(2)).json()
    assert refused["type"].endswith("/another-order-dosed-today")
    assert (refused["order_id"], refused["rule"]) == (first, "one-order-a-day")
    allow = body(examples.SECOND_ORDER, dosing_on=ago(2))
    await clinic.done(await clinic.post(f"orders/{second}/second-order-overrides", allow, "prescriber"))
    await clinic.done(await other(2))
    assert (await other(1)).status_code == 409


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"until_on": ago(1)}, "until_on"),
        ({"until_on": ago(-40)}, "until_on"),
        ({"from_on": "tomorrow"}, "from_on"),
        ({"order_id": "riverside-1"}, "order_id"),
        ({"days": 3}, "days"),
    ],
)
async def test_a_request_that_makes_no_sense_is_refused_by_field(
    clinic: Clinic, change: dict[str, str], field: str
) -> None:
    """H1: nothing is half-stored."""
    order = str(uuid4())
    patient = await signed(clinic, order)
    before = await clinic.stored()
    asked = {"order_id": order, "from_on": ago(0), "until_on": ago(-3), "reason": "Visits family."} | change
    refused = await clinic.put(f"patients/{patient}/guest-dosing/{uuid4()}", asked, site=other_site())

    assert refused.status_code == 422, refused.text
    assert refused.json()["field"] == field
    assert await clinic.stored() == before
