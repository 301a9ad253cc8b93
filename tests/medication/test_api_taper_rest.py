"""The rest of a taper over HTTP: slower, otherwise, back up; the dosing list and the schedule follow."""

from typing import Any
from uuid import uuid4

import pytest

from services.medication import examples
from tests.medication.running import Clinic
from tests.medication.window import ago, body, confirm, give, steps, tapered


async def version(clinic: Clinic, taper: str) -> int:
    return int((await clinic.get(f"tapers/{taper}"))["version"])


async def say(clinic: Clinic, taper: str, what: str, note: dict[str, Any]) -> dict[str, Any]:
    """A prescriber's decision about the rest, on the taper as it stands."""
    seen = await version(clinic, taper)
    return await clinic.done(await clinic.post(f"tapers/{taper}/{what}", note, "prescriber", version=seen))


async def due_mg(clinic: Clinic, days_ago: int) -> str:
    (due,) = (await clinic.get(f"sites/{clinic.site}/dosing-list?on={ago(days_ago)}"))["items"]
    return str(due["ordered_mg"])


async def test_a_new_plan_is_dosed_from_its_first_confirmed_step(clinic: Clinic) -> None:
    """The second step was confirmed ahead; the new plan takes that back."""
    order, taper = str(uuid4()), str(uuid4())
    await tapered(clinic, order, taper, "14", "8", "4", first_days_ago=5, every_days=7)
    await confirm(clinic, taper, 1, 5)
    await confirm(clinic, taper, 2, 4)
    rest: dict[str, Any] = {"steps": steps("12", "6", first_days_ago=2), "target_dose_mg": "6", "replanned_on": ago(3)}
    told = await say(clinic, taper, "plans", body(examples.REPLAN, **rest))

    assert [one["type"] for one in told["events"]] == ["TaperReplanned"]
    assert [await due_mg(clinic, days) for days in (2, -2)] == ["14", "14"]
    await confirm(clinic, taper, 2, 2)
    assert await due_mg(clinic, 2) == "12"
    await give(clinic, order, 2, "12")
    figures = (await clinic.get(f"tapers/{taper}/schedule"))["figures"]
    assert [(one["dose_mg"], one["status"]) for one in figures["steps"]] == [
        ("14", "confirmed"),
        ("12", "taken"),
        ("6", "planned"),
    ]
    assert figures["target_dose_mg"] == "6"
    (shown,) = (await clinic.get(f"tapers/{taper}/story", "prescriber"))["events"][3:4]
    assert shown["content"]["note"].startswith("Three days missed")


async def test_a_reversal_raises_the_dose_at_once(clinic: Clinic) -> None:
    order, taper = str(uuid4()), str(uuid4())
    await tapered(clinic, order, taper, "14", "8", "4")
    await confirm(clinic, taper, 1, 10)
    await confirm(clinic, taper, 2, 6)
    await give(clinic, order, 6, "8")
    back: dict[str, Any] = {"dose_mg": "14", "steps": steps("12", "4", first_days_ago=-20), "reversed_on": ago(4)}
    await say(clinic, taper, "reversals", body(examples.REVERSAL, **back))

    assert [await due_mg(clinic, days) for days in (5, 4, 0)] == ["8", "14", "14"]
    given = await give(clinic, order, 4, "14")
    assert [one["type"] for one in given["events"]] == ["DoseAdministered", "MedicineTaken", "TaperStepTaken"]
    schedule = await clinic.get(f"tapers/{taper}/schedule")
    assert [one["dose_mg"] for one in schedule["figures"]["steps"]] == ["14", "8", "14", "12", "4"]
    assert (schedule["today"]["step"], schedule["today"]["dose_mg"]) == (3, "14")


async def test_slowing_down_puts_off_what_is_left(clinic: Clinic) -> None:
    order, taper = str(uuid4()), str(uuid4())
    await tapered(clinic, order, taper, "14", "8", "4")
    await confirm(clinic, taper, 1, 10)
    await say(clinic, taper, "slow-downs", body(examples.SLOW_DOWN, slowed_on=ago(8)))

    sheet = await clinic.get(f"tapers/{taper}")
    assert [one["starts_on"] for one in sheet["steps"]] == [ago(10), ago(-18), ago(-46)]


async def test_trying_out_leaves_no_trace(clinic: Clinic) -> None:
    order, taper = str(uuid4()), str(uuid4())
    await tapered(clinic, order, taper, "14", "8", "4", first_days_ago=0, every_days=14)
    before = await clinic.stored(), await clinic.get(f"tapers/{taper}"), await clinic.get(f"tapers/{taper}/schedule")
    moves = [
        {"move": "confirm", "on": ago(0)},
        {"move": "hold", "on": ago(-5)},
        {"move": "resume", "on": ago(-12)},
        {"move": "slow_down", "on": ago(-12), "step_days": 28},
    ]
    found = await clinic.client.post(
        f"/v1/tapers/{taper}/what-if", json={"moves": moves}, headers=clinic.headers("nurse")
    )

    assert found.status_code == 200, found.text
    assert found.json()["as_it_stands"]["last_step_on"] == ago(-28)
    assert found.json()["as_it_would_be"]["last_step_on"] == ago(-56)
    assert before == (
        await clinic.stored(),
        await clinic.get(f"tapers/{taper}"),
        await clinic.get(f"tapers/{taper}/schedule"),
    )


async def test_the_rest_can_be_asked_about_and_answered(clinic: Clinic) -> None:
    order, taper = str(uuid4()), str(uuid4())
    await tapered(clinic, order, taper, "14", "8", "4")
    await confirm(clinic, taper, 1, 10)
    asked = await clinic.get(
        f"tapers/{taper}/rest-question?target_dose_mg=0&template_id=buprenorphine-taper-outpatient", "prescriber"
    )
    answer = await clinic.post("taper-previews", asked | {"steps": 8}, "prescriber")

    assert asked["history"][-1] == {"dose_mg": "14", "days": 10}
    assert (answer.status_code, answer.json()["status"]) == (200, "optimal")
    for wrong, field in (("starts_on=0001-01-01", "starts_on"), ("template_id=none", "template_id")):
        path = f"/v1/tapers/{taper}/rest-question?target_dose_mg=0&{wrong}"
        refused = await clinic.client.get(path, headers=clinic.headers("prescriber"))
        assert (refused.status_code, refused.json()["field"]) == (422, field)


@pytest.mark.parametrize(
    ("what", "note"),
    [("plans", examples.REPLAN), ("slow-downs", examples.SLOW_DOWN), ("reversals", examples.REVERSAL)],
)
async def test_only_a_prescriber_who_has_seen_the_taper_decides_about_its_rest(
    clinic: Clinic, what: str, note: examples.Examples
) -> None:
    order, taper = str(uuid4()), str(uuid4())
    await tapered(clinic, order, taper, "14", "4")
    seen = await version(clinic, taper)
    before = await clinic.stored()

    assert (await clinic.post(f"tapers/{taper}/{what}", body(note), "nurse", version=seen)).status_code == 403
    assert (await clinic.post(f"tapers/{taper}/{what}", body(note), "prescriber")).status_code == 428
    refused = await clinic.post(f"tapers/{taper}/{what}", body(note), "prescriber", version=seen + 1)
    assert refused.status_code in {412, 422}
    assert await clinic.stored() == before
