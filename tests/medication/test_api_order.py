"""Orders over HTTP: nothing is dosed on what no prescriber has signed, and a discharge puts orders up for review."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from services.medication import examples
from services.medication.formulary import formulary
from tests.medication.running import Clinic
from tests.medication.window import ago, body, give, order_body, signed, today


async def test_from_draft_to_discontinuation(clinic: Clinic) -> None:
    order, draft = str(uuid4()), order_body()
    drafted = await clinic.done(await clinic.put(f"orders/{order}", draft))
    assert (drafted["version"], drafted["events"][0]["type"]) == (1, "OrderDrafted")
    await clinic.done(await clinic.post(f"orders/{order}/signature", {}, "prescriber", version=1))
    held = await clinic.done(await clinic.post(f"orders/{order}/holds", body(examples.ORDER_HOLD)))
    (waiting,) = (await clinic.get(f"orders?status=held&patient_id={draft['patient_id']}"))["items"]
    assert (waiting["hold_reason"], waiting["held_on"]) == ("impairment", today().isoformat())

    resumed = await clinic.client.post(
        f"/v1/orders/{order}/resumption", headers=clinic.headers("prescriber", If_Match=f'"{held["version"]}"')
    )
    await clinic.done(resumed)
    await clinic.done(
        await clinic.post(f"orders/{order}/discontinuation", body(examples.DISCONTINUATION), "prescriber")
    )
    sheet = await clinic.get(f"orders/{order}")
    assert (sheet["status"], sheet["version"], sheet["dose_mg"]) == ("discontinued", 5, "16")
    assert sheet["zone"] == "America/New_York"
    story = await clinic.get(f"orders/{order}/story")
    assert [one["type"] for one in story["events"]] == [
        "OrderDrafted",
        "OrderSigned",
        "OrderHeld",
        "OrderResumed",
        "OrderDiscontinued",
    ]
    assert story["events"][0]["content"]["instructions"] == draft["instructions"]


async def test_a_signature_needs_the_version_that_was_read(clinic: Clinic) -> None:
    """T32."""
    order = str(uuid4())
    await clinic.done(await clinic.put(f"orders/{order}", order_body()))

    assert (await clinic.post(f"orders/{order}/signature", {}, "prescriber")).status_code == 428
    assert (await clinic.post(f"orders/{order}/signature", {}, "prescriber", version=7)).status_code == 412
    assert (await clinic.post(f"orders/{order}/signature", {}, "nurse", version=1)).status_code == 403


async def test_a_new_start_of_methadone_above_50_mg_asks_for_a_rationale(clinic: Clinic) -> None:
    order = str(uuid4())
    draft = body(examples.ORDER, "concentrate", patient_id=str(uuid4()))
    await clinic.done(await clinic.put(f"orders/{order}", draft))
    refused = await clinic.post(f"orders/{order}/signature", {}, "prescriber", version=1)

    assert refused.status_code == 409
    problem = refused.json()
    assert problem["type"].endswith("/rationale-needed")
    assert {one["rule"] for one in problem["rules"]} == {"methadone-first-dose", "methadone-first-day"}
    assert all(one["may_override"] == "a prescriber, with a reason" for one in problem["rules"])
    await clinic.done(
        await clinic.post(f"orders/{order}/signature", body(examples.SIGNATURE, "above"), "prescriber", version=1)
    )


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"split_doses_mg": ["3"]}, "split_doses_mg[0]"),
        ({"split_doses_mg": []}, "split_doses_mg"),
        ({"split_doses_mg": ["NaN"]}, "split_doses_mg[0]"),
        ({"split_doses_mg": ["0"]}, "split_doses_mg[0]"),
        ({"split_doses_mg": ["-8"]}, "split_doses_mg[0]"),
        ({"split_doses_mg": ["1e9"]}, "split_doses_mg[0]"),
        ({"split_doses_mg": ["8 g"]}, "split_doses_mg[0]"),
        ({"product_id": "heroin"}, "product_id"),
        ({"starts_on": "tomorrow"}, "starts_on"),
        ({"ends_on": "2001-01-01"}, "ends_on"),
        ({"every_days": 0}, "every_days"),
        ({"dose_g": 1}, "dose_g"),
        ({"patient_id": "me"}, "patient_id"),
    ],
)
async def test_bad_input_names_its_field_and_stores_nothing(clinic: Clinic, change: dict[str, Any], field: str) -> None:
    """H1."""
    before = await clinic.stored()
    refused = await clinic.put(f"orders/{uuid4()}", order_body() | change)

    assert refused.status_code == 422, refused.text
    assert refused.json()["field"] == field
    assert await clinic.stored() == before


async def test_a_site_that_scheduling_has_not_opened_takes_no_orders(clinic: Clinic) -> None:
    clinic.site = "nowhere"
    refused = await clinic.put(f"orders/{uuid4()}", order_body())

    assert (refused.status_code, refused.json()["type"].rsplit("/", 1)[1]) == (409, "site-unknown")


async def test_orders_stay_at_their_site(clinic: Clinic) -> None:
    """T50."""
    order = str(uuid4())
    patient = await signed(clinic, order)

    elsewhere = clinic.headers("nurse", site="hilltop")
    assert (await clinic.client.get(f"/v1/orders/{order}", headers=elsewhere)).status_code == 404
    assert (await clinic.get(f"orders?patient_id={patient}", "nurse", site="hilltop"))["items"] == []
    assert (await clinic.get(f"patients/{patient}/medication-record", "nurse", site="hilltop"))["orders"] == []


async def test_a_discharge_puts_orders_up_for_review_and_stops_doses(clinic: Clinic) -> None:
    order, episode = str(uuid4()), uuid4()
    patient = await signed(clinic, order)
    await clinic.admit(UUID(patient), episode, today())
    assert (await clinic.get(f"orders?needs_review=true&patient_id={patient}"))["items"] == []

    await clinic.discharge(UUID(patient), episode, _date(ago(3)))
    (waiting,) = (await clinic.get(f"orders?needs_review=true&patient_id={patient}"))["items"]
    assert (waiting["order_id"], waiting["discharged_on"]) == (order, ago(3))
    await give(clinic, order, 5)
    refused = await clinic.post(f"orders/{order}/doses", {"dose_mg": "16"})
    assert refused.json()["type"].endswith("/patient-discharged")

    await clinic.admit(UUID(patient), uuid4(), today())
    assert (await clinic.get(f"orders?needs_review=true&patient_id={patient}"))["items"] == []
    await clinic.done(await clinic.post(f"orders/{order}/doses", {"dose_mg": "16"}))


async def test_a_prescriber_lets_an_order_go_on_after_discharge(clinic: Clinic) -> None:
    order, episode = str(uuid4()), uuid4()
    patient = await signed(clinic, order)
    await clinic.admit(UUID(patient), episode, today())
    await clinic.discharge(UUID(patient), episode, _date(ago(3)))
    (due,) = (await clinic.get(f"sites/{clinic.site}/dosing-list"))["items"]
    assert due["status"] == "discharged"
    assert (await clinic.post(f"orders/{order}/doses", {"dose_mg": "16"})).status_code == 409

    exception = {"until_on": today().isoformat(), "reason": "First visit elsewhere is tomorrow."}
    assert (await clinic.post(f"orders/{order}/discharge-exceptions", exception, "nurse")).status_code == 403
    await clinic.done(await clinic.post(f"orders/{order}/discharge-exceptions", exception, "prescriber"))
    (due,) = (await clinic.get(f"sites/{clinic.site}/dosing-list"))["items"]
    assert due["status"] == "due"
    await clinic.done(await clinic.post(f"orders/{order}/doses", {"dose_mg": "16"}))


async def test_an_order_signed_after_the_discharge_waits_for_review_too(clinic: Clinic) -> None:
    order, patient = str(uuid4()), uuid4()
    await clinic.admit(patient, episode := uuid4(), today())
    await clinic.discharge(patient, episode, _date(ago(3)))
    await signed(clinic, order, patient_id=str(patient))

    (waiting,) = (await clinic.get(f"orders?needs_review=true&patient_id={patient}"))["items"]
    assert (waiting["order_id"], waiting["discharged_on"]) == (order, ago(3))


async def test_intakes_word_heard_twice_changes_nothing(clinic: Clinic) -> None:
    order, episode = str(uuid4()), uuid4()
    patient = await signed(clinic, order)
    await clinic.admit(UUID(patient), episode, today())
    await clinic.discharge(UUID(patient), episode, _date(ago(3)))
    before = await clinic.stored()
    await clinic.discharge(UUID(patient), episode, _date(ago(3)))

    assert await clinic.stored() == before


async def test_formulary_and_policies_are_shown_with_their_sources(clinic: Clinic) -> None:
    products = (await clinic.get("formulary"))["items"]
    policies = await clinic.get("clinical-policies")

    assert len(products) == len(formulary().newest())
    assert all(one["sources"] for one in products)
    assert {one["outcome"] for one in policies["order_rules"]} == {"allow", "warn", "override", "block"}
    assert policies["taper_confirmation"]["confirm_ahead_days_max"] == 14


def _date(text: str) -> Any:
    return type(today()).fromisoformat(text)
