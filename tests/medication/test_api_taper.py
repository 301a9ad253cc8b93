"""Tapers over HTTP: started, confirmed, dosed, held, resumed, completed; the schedule follows."""

from datetime import date
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree as ET

import pytest

from services.medication import examples
from tests.medication.running import Clinic
from tests.medication.window import ago, body, confirm, give, signed, steps, tapered, today


async def test_a_taper_from_its_start_to_its_target(clinic: Clinic) -> None:
    order, taper = str(uuid4()), str(uuid4())
    await tapered(clinic, order, taper, "14", "8", "4")
    for step, days_ago, dose_mg in ((1, 10, "14"), (2, 6, "8"), (3, 2, "4")):
        await confirm(clinic, taper, step, days_ago)
        given = await give(clinic, order, days_ago, dose_mg)
        assert {"DoseAdministered", "MedicineTaken", "TaperStepTaken"} <= {one["type"] for one in given["events"]}

    assert (await clinic.get(f"tapers/{taper}"))["status"] == "completed"
    schedule = await clinic.get(f"tapers/{taper}/schedule")
    assert [one["status"] for one in schedule["figures"]["steps"]] == ["taken"] * 3
    assert (schedule["figures"]["status"], schedule["figures"]["projected_end_on"]) == ("completed", ago(2))
    assert (schedule["today"]["dose_mg"], schedule["degraded_since"]) == ("4", None)
    assert schedule["sources"]["medication.events.v1"]["position"] > 0
    (due,) = (await clinic.get(f"sites/{clinic.site}/dosing-list"))["items"]
    assert due["ordered_mg"] == "4"


async def test_the_dose_stays_until_a_step_is_confirmed(clinic: Clinic) -> None:
    order, taper = str(uuid4()), str(uuid4())
    await tapered(clinic, order, taper, "14", "4")
    await give(clinic, order, 3, "16")
    late = await clinic.get(f"tapers/{taper}/schedule")
    assert (late["today"]["decision_overdue_days"], late["today"]["dose_mg"]) == (10, "16")
    assert late["figures"]["deviation_mg"] == "12"

    await confirm(clinic, taper, 1, 0)
    refused = await clinic.post(f"orders/{order}/doses", {"dose_mg": "16"})
    assert (refused.status_code, refused.json()["ordered_mg"]) == (409, "14")
    moved = await clinic.get(f"tapers/{taper}/schedule")
    assert [one["moved_days"] for one in moved["figures"]["steps"]] == [10, 10]
    waiting = await clinic.get(f"taper-schedules?decision_due_by={today().replace(year=today().year + 1)}")
    assert taper in {one["taper_id"] for one in waiting["items"]}
    assert (await clinic.get(f"taper-schedules?decision_due_by={ago(0)}"))["items"] == []


async def test_a_held_taper_keeps_the_dose_and_moves_the_rest(clinic: Clinic) -> None:
    order, taper = str(uuid4()), str(uuid4())
    await tapered(clinic, order, taper, "14", "8", "4", first_days_ago=6, every_days=7)
    await confirm(clinic, taper, 1, 6)
    await confirm(clinic, taper, 2, 5)
    held = await clinic.done(await clinic.post(f"tapers/{taper}/holds", body(examples.TAPER_HOLD, held_on=ago(4))))
    assert [one["status"] for one in (await clinic.get(f"tapers/{taper}/schedule"))["figures"]["steps"]] == [
        "confirmed",
        "held",
        "held",
    ]
    (due,) = (await clinic.get(f"sites/{clinic.site}/dosing-list?on={ago(-1)}"))["items"]
    assert due["ordered_mg"] == "14"

    resumption = {"resumed_on": ago(1)}
    assert (await clinic.post(f"tapers/{taper}/resumption", resumption, "prescriber")).status_code == 428
    stale = await clinic.post(f"tapers/{taper}/resumption", resumption, "prescriber", version=1)
    assert stale.status_code == 412
    await clinic.done(
        await clinic.post(f"tapers/{taper}/resumption", resumption, "prescriber", version=held["version"])
    )
    sheet = await clinic.get(f"tapers/{taper}")
    assert [one["starts_on"] for one in sheet["steps"]] == [ago(6), ago(-4), ago(-11)]
    assert [one["effective_on"] for one in sheet["steps"]] == [ago(6), None, None]


async def test_a_void_reopens_the_step_and_the_schedule_follows(clinic: Clinic) -> None:
    """T42."""
    order, taper = str(uuid4()), str(uuid4())
    await tapered(clinic, order, taper, "14", "4")
    await confirm(clinic, taper, 1, 10)
    given = await give(clinic, order, 9, "14")
    dose = given["stream"].removeprefix("dose-")
    await clinic.done(
        await clinic.post(f"doses/{dose}/void-requests", body(examples.VOID_REQUEST), version=1, name="kim")
    )
    headers = clinic.headers("nurse", name="lee", If_Match='"2"')
    voided = await clinic.done(await clinic.client.post(f"/v1/doses/{dose}/void", headers=headers))

    assert [one["type"] for one in voided["events"]] == ["DoseVoided", "MedicineNotTaken", "TaperStepReopened"]
    step = (await clinic.get(f"tapers/{taper}/schedule"))["figures"]["steps"][0]
    assert (step["status"], step["doses_taken"]) == ("confirmed", 0)


async def test_a_step_taken_at_home_is_reported(clinic: Clinic) -> None:
    order, taper = str(uuid4()), str(uuid4())
    await tapered(clinic, order, taper, "14", "0")
    await confirm(clinic, taper, 1, 10)
    await clinic.done(await clinic.post(f"tapers/{taper}/taken-steps", body(examples.TAKEN_STEP, taken_on=ago(9))))
    await confirm(clinic, taper, 2, 5)
    done = await clinic.done(await clinic.post(f"tapers/{taper}/taken-steps", {"step": 2, "taken_on": ago(5)}))

    assert [one["type"] for one in done["events"]] == ["TaperStepTaken", "TaperCompleted"]
    refused = await clinic.post(f"orders/{order}/doses", {"dose_mg": "2"})
    assert refused.json()["type"].endswith("/nothing-ordered")
    assert (await clinic.get(f"sites/{clinic.site}/dosing-list"))["items"] == []


async def test_the_end_of_the_order_stops_its_taper(clinic: Clinic) -> None:
    order, taper = str(uuid4()), str(uuid4())
    await tapered(clinic, order, taper, "14", "4")
    ended = await clinic.done(
        await clinic.post(f"orders/{order}/discontinuation", body(examples.DISCONTINUATION), "prescriber")
    )

    assert [one["type"] for one in ended["events"]] == ["OrderDiscontinued", "MedicineOrderEnded", "TaperStopped"]
    assert (await clinic.get("taper-schedules?status=stopped"))["items"][0]["taper_id"] == taper


async def test_a_stopped_taper_makes_room_for_a_later_one(clinic: Clinic) -> None:
    order, first, second = (str(uuid4()) for _ in range(3))
    await tapered(clinic, order, first, "14", "4")
    await confirm(clinic, first, 1, 10)
    plan = {"order_id": order, "target_dose_mg": "8", "steps": steps("12", "8", first_days_ago=0)}
    taken = await clinic.put(f"tapers/{second}", plan, "prescriber")
    assert (taken.status_code, taken.json()["taper_id"]) == (409, first)

    await clinic.done(await clinic.post(f"tapers/{first}/stop", body(examples.STOP, stopped_on=ago(1)), "prescriber"))
    await clinic.done(await clinic.put(f"tapers/{second}", plan, "prescriber"))
    assert (await clinic.get(f"tapers/{second}"))["start_dose_mg"] == "14"
    assert (await clinic.get(f"orders/{order}"))["taper_id"] == second


async def test_the_story_opens_the_assessments(clinic: Clinic) -> None:
    order, taper = str(uuid4()), str(uuid4())
    await tapered(clinic, order, taper, "14", "4")
    await confirm(clinic, taper, 1, 10)

    events = (await clinic.get(f"tapers/{taper}/story"))["events"]
    assert events[1]["content"]["assessment"] == "No craving."
    assert events[1]["effective_at"][:10] == ago(10)


@pytest.mark.parametrize(
    ("change", "kind", "field"),
    [
        ({"steps": []}, "invalid", "steps"),
        ({"steps": steps("14", "15")}, "dose-rises", "steps[1].dose_mg"),
        ({"steps": steps("14", "13")}, "dose-not-dispensable", "steps[1].dose_mg"),
        ({"steps": steps("14", "4", every_days=0)}, "steps-out-of-order", "steps[1].starts_on"),
        ({"steps": steps("14", "8")}, "target-not-reached", "target_dose_mg"),
        ({"steps": steps("4", first_days_ago=90)}, "starts-too-long-ago", "steps[0].starts_on"),
        ({"steps": [{"starts_on": "9999-12-31", "dose_mg": "4"}]}, "step-too-far-ahead", "steps[0].starts_on"),
        ({"steps": [{"starts_on": date.min.isoformat(), "dose_mg": "4"}]}, "starts-too-long-ago", "steps[0].starts_on"),
        ({"steps": steps("14", "4"), "caps": 1}, "invalid", "caps"),
    ],
)
async def test_a_plan_that_cannot_be_is_refused_by_name(
    clinic: Clinic, change: dict[str, Any], kind: str, field: str
) -> None:
    """H1."""
    order = str(uuid4())
    await signed(clinic, order)
    before = await clinic.stored()
    refused = await clinic.put(f"tapers/{uuid4()}", {"order_id": order, "target_dose_mg": "4"} | change, "prescriber")

    assert refused.status_code == 422, refused.text
    assert (refused.json()["type"].rsplit("/", 1)[1], refused.json()["field"]) == (kind, field)
    assert await clinic.stored() == before


async def test_a_nurse_may_hold_but_not_confirm_resume_or_stop(clinic: Clinic) -> None:
    order, taper = str(uuid4()), str(uuid4())
    await tapered(clinic, order, taper, "14", "4")

    for route, note in (
        ("confirmations", body(examples.CONFIRMATION)),
        ("resumption", {}),
        ("stop", body(examples.STOP)),
    ):
        assert (await clinic.post(f"tapers/{taper}/{route}", note, "nurse", version=1)).status_code == 403
    await clinic.done(await clinic.post(f"tapers/{taper}/holds", body(examples.TAPER_HOLD, held_on=None), "nurse"))


async def test_schedules_stay_at_their_site(clinic: Clinic) -> None:
    """T50."""
    order, taper = str(uuid4()), str(uuid4())
    await tapered(clinic, order, taper, "14", "4")
    elsewhere = clinic.headers("prescriber", site="hilltop")

    for path in (f"tapers/{taper}", f"tapers/{taper}/schedule", f"tapers/{taper}/story"):
        assert (await clinic.client.get(f"/v1/{path}", headers=elsewhere)).status_code == 404
    assert (await clinic.get("taper-schedules", "prescriber", site="hilltop"))["items"] == []


async def test_methadone_is_held_to_its_label(clinic: Clinic) -> None:
    order, taper = str(uuid4()), str(uuid4())
    await signed(clinic, order, product_id="methadone-concentrate", split_doses_mg=["40"])
    plan = {"order_id": order, "target_dose_mg": "30", "steps": steps("36", "30", first_days_ago=0, every_days=14)}
    before = await clinic.stored()
    refused = await clinic.put(f"tapers/{taper}", plan, "prescriber")
    assert (refused.status_code, refused.json()["field"]) == (409, "steps[0].dose_mg")
    assert refused.json()["type"].endswith("/cap-exceeded")
    assert refused.json()["policy_id"] == "methadone-taper-label"
    assert await clinic.stored() == before

    design = {
        "shape": "percent_of_current",
        "scale": "exponential",
        "scale_mg": "10",
        "basis": "ideal",
        "rounding": "up",
    }
    reasoned = plan | {"rationale": "Agreed.", "design": design, "template_id": "methadone-taper-slow"}
    await clinic.done(await clinic.put(f"tapers/{taper}", reasoned, "prescriber"))
    (told,) = (await clinic.get(f"tapers/{taper}/story", "prescriber"))["events"]
    assert told["content"]["rationale"] == "Agreed."
    assert told["content"]["caps_exceeded"] == ["methadone-taper-label", "methadone-taper-slow"]
    assert told["content"]["design"] == design


async def test_the_templates_of_a_medicine_are_shown_with_their_source(clinic: Clinic) -> None:
    shown = (await clinic.get("taper-templates?medicine=methadone"))["items"]
    assert {one["id"] for one in shown} == {"methadone-taper-label", "methadone-taper-slow"}
    assert all(one["source"] and one["evidence"] for one in shown)
    assert len((await clinic.get("taper-templates"))["items"]) > len(shown)


async def test_a_running_taper_is_drawn_as_planned_and_as_given(clinic: Clinic) -> None:
    order, taper = str(uuid4()), str(uuid4())
    await signed(clinic, order)
    design = {"design": {"shape": "by_hand", "scale": "hyperbolic", "scale_mg": "4"}}
    plan = {"order_id": order, "target_dose_mg": "4", "steps": steps("14", "4")} | design
    await clinic.done(await clinic.put(f"tapers/{taper}", plan, "prescriber"))
    await confirm(clinic, taper, 1, 8)
    await give(clinic, order, 8, "14")
    await clinic.done(await clinic.post(f"orders/{order}/missed-doses", {"dosing_on": ago(7)}))
    headers = clinic.headers("counsellor")
    drawn = await clinic.client.get(f"/v1/tapers/{taper}/plot.svg", headers=headers)

    assert (drawn.status_code, drawn.headers["content-type"]) == (200, "image/svg+xml")
    words = [one.text for one in ET.fromstring(drawn.content).iter("{http://www.w3.org/2000/svg}text")]
    assert words[:5] == [
        "buprenorphine-naloxone, 16 to 4 mg a day, active",
        "planned",
        "as it stands",
        "given",
        "refused or missed",
    ]
    assert "Effect, % of that of the first dose (hyperbolic)" in words
    elsewhere = clinic.headers("prescriber", site="hilltop")
    assert (await clinic.client.get(f"/v1/tapers/{taper}/plot.svg", headers=elsewhere)).status_code == 404
