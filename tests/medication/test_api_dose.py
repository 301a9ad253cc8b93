"""Doses over HTTP: one for each slot, never more than ordered, undone by two people, seen on the dosing list."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from services.medication import examples
from tests.medication.running import Clinic
from tests.medication.window import ago, at_noon, body, give, guest, signed, today


async def test_a_dose_is_recorded_and_seen(clinic: Clinic) -> None:
    order = str(uuid4())
    patient = await signed(clinic, order)
    (due,) = (await clinic.get(f"sites/{clinic.site}/dosing-list"))["items"]
    assert (due["status"], due["ordered_mg"], due["dose_mg"]) == ("due", "16", None)

    given = await clinic.done(await clinic.post(f"orders/{order}/doses", body(examples.DOSE)))
    assert [one["type"] for one in given["events"]] == ["DoseAdministered", "AuthorityEstablished", "MedicineTaken"]
    (done,) = (await clinic.get(f"sites/{clinic.site}/dosing-list"))["items"]
    assert (done["status"], done["dose_mg"], done["observed_by"]) == ("administered", "16", "nurse-1")
    assert done["dose_id"] == due["dose_id"] == given["stream"].removeprefix("dose-")
    record = await clinic.get(f"patients/{patient}/medication-record")
    assert (record["orders"][0]["administered"], record["orders"][0]["last_administered_on"]) == (
        1,
        today().isoformat(),
    )


async def test_the_same_slot_is_not_dosed_twice_and_the_refusal_says_where_and_when(clinic: Clinic) -> None:
    """I8."""
    order = str(uuid4())
    patient = await signed(clinic, order)
    await guest(clinic, patient, order, "hilltop")
    await clinic.done(await clinic.post(f"orders/{order}/doses", body(examples.DOSE), site="hilltop"))
    refused = await clinic.post(f"orders/{order}/doses", body(examples.DOSE))

    assert refused.status_code == 409
    problem = refused.json()
    assert problem["type"].endswith("/dose-already-administered")
    assert problem["site_id"] == "hilltop"
    assert datetime.fromisoformat(problem["given_at"]) <= datetime.now(UTC)


async def test_a_retry_with_the_same_key_is_the_same_dose(clinic: Clinic) -> None:
    """T31."""
    order = str(uuid4())
    await signed(clinic, order)
    headers = clinic.headers("nurse")
    first = await clinic.client.post(f"/v1/orders/{order}/doses", json={"dose_mg": "16"}, headers=headers)
    again = await clinic.client.post(f"/v1/orders/{order}/doses", json={"dose_mg": "16"}, headers=headers)

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again.headers["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"dose_mg": "16.001"}, "more-than-ordered"),
        ({"dosing_on": "2001-01-01"}, "dose-not-due"),
        ({"dosing_on": "today"}, "invalid"),
        ({"dosing_on": ago(1)}, "not-the-dosing-date"),
        ({"split": 2}, "split-unknown"),
        ({"dose_mg": "0"}, "invalid"),
        ({"dose_mg": 16.5e300}, "invalid"),
        ({"dose_ml": "16"}, "invalid"),
        ({"given_at": "2025-11-04T08:12:00"}, "invalid"),
        ({"given_at": "0001-01-01T00:00:00+00:00"}, "invalid"),
        ({"given_at": "9999-12-31T23:59:59-23:00"}, "invalid"),
        ({"given_at": "2099-01-01T00:00:00Z"}, "invalid"),
    ],
)
async def test_what_may_not_be_given_is_refused_by_name(clinic: Clinic, change: dict[str, Any], kind: str) -> None:
    """H1."""
    order = str(uuid4())
    await signed(clinic, order)
    before = await clinic.stored()
    refused = await clinic.post(f"orders/{order}/doses", {"dose_mg": "16"} | change)

    assert 400 <= refused.status_code < 500, refused.text
    assert refused.json()["type"].rsplit("/", 1)[1] == kind, refused.text
    assert await clinic.stored() == before


async def test_nothing_is_dosed_on_an_unsigned_a_held_or_an_unknown_order(clinic: Clinic) -> None:
    drafted, held = str(uuid4()), str(uuid4())
    await clinic.done(
        await clinic.put(f"orders/{drafted}", body(examples.ORDER, patient_id=str(uuid4()), starts_on=ago(1)))
    )
    await signed(clinic, held)
    await clinic.done(await clinic.post(f"orders/{held}/holds", body(examples.ORDER_HOLD)))

    answers = [await clinic.post(f"orders/{one}/doses", body(examples.DOSE)) for one in (drafted, held, uuid4())]
    assert [one.status_code for one in answers] == [409, 409, 404]
    assert [one.json()["type"].rsplit("/", 1)[1] for one in answers] == [
        "order-not-signed",
        "order-on-hold",
        "not-found",
    ]
    assert {one["status"] for one in (await clinic.get(f"sites/{clinic.site}/dosing-list"))["items"]} == {"on_hold"}


async def test_a_dose_belongs_to_the_order_s_date_wherever_it_is_given(clinic: Clinic) -> None:
    """T44: a site in another zone doses on the date of the order's home."""
    order = str(uuid4())
    patient = await signed(clinic, order)
    await clinic.open_site("Pacific/Auckland", "auckland")
    await guest(clinic, patient, order, "auckland")
    given = await clinic.done(await clinic.post(f"orders/{order}/doses", body(examples.DOSE), site="auckland"))

    (dose,) = (await clinic.get(f"doses?order_id={order}"))["items"]
    assert (dose["dosing_on"], dose["zone"]) == (today().isoformat(), "America/New_York")
    assert (dose["site_id"], dose["given_site_id"]) == (clinic.site, "auckland")
    story = await clinic.get(f"doses/{given['stream'].removeprefix('dose-')}")
    assert story["events"][0]["site_id"] == "auckland"


async def test_refused_then_given_missed_then_entered_late(clinic: Clinic) -> None:
    order = str(uuid4())
    await signed(clinic, order)
    await clinic.done(await clinic.post(f"orders/{order}/dose-refusals", body(examples.REFUSAL)))
    await clinic.done(await clinic.post(f"orders/{order}/missed-doses", body(examples.MISSED, dosing_on=ago(1))))
    doses = (await clinic.get(f"doses?order_id={order}"))["items"]
    assert [(one["dosing_on"], one["status"]) for one in doses] == [(ago(1), "missed"), (ago(0), "refused")]
    assert doses[1]["refusal_reason"] == "feels_unwell"

    await clinic.done(await clinic.post(f"orders/{order}/doses", body(examples.DOSE)))
    await give(clinic, order, 1)
    doses = (await clinic.get(f"doses?order_id={order}&from_on={ago(1)}&until_on={ago(0)}"))["items"]
    assert [one["status"] for one in doses] == ["administered", "administered"]
    assert datetime.fromisoformat(doses[0]["given_at"]) == datetime.fromisoformat(at_noon(1))


async def test_two_people_void_a_dose_and_the_slot_is_free(clinic: Clinic) -> None:
    order = str(uuid4())
    await signed(clinic, order)
    given = await clinic.done(await clinic.post(f"orders/{order}/doses", body(examples.DOSE), name="kim"))
    dose = given["stream"].removeprefix("dose-")
    request = await clinic.post(f"doses/{dose}/void-requests", body(examples.VOID_REQUEST), version=1, name="kim")
    asked = await clinic.done(request)

    alone = await clinic.post(f"doses/{dose}/void", None, version=asked["version"], name="kim")
    assert alone.status_code == 415 or alone.json()["type"].endswith("/second-person-needed")
    stale = await void(clinic, dose, 1, "lee")
    assert stale.status_code == 412
    assert (await void(clinic, dose, 2, "kim")).json()["type"].endswith("/second-person-needed")
    await clinic.done(await void(clinic, dose, 2, "lee"))
    story = await clinic.get(f"doses/{dose}")
    assert story["events"][2]["corrects"] == story["events"][0]["event_id"]
    assert story["events"][1]["content"]["note"].startswith("Entered under the next patient")
    (line,) = (await clinic.get(f"doses?order_id={order}"))["items"]
    assert (line["status"], line["void_requested_by"], line["void_confirmed_by"]) == ("voided", "kim", "lee")
    (due,) = (await clinic.get(f"sites/{clinic.site}/dosing-list"))["items"]
    assert due["status"] == "due"

    await clinic.done(await clinic.post(f"orders/{order}/doses", body(examples.DOSE)))


async def void(clinic: Clinic, dose: str, version: int, name: str) -> Any:
    headers = clinic.headers("nurse", name=name, If_Match=f'"{version}"')
    return await clinic.client.post(f"/v1/doses/{dose}/void", headers=headers)


async def test_there_is_nothing_to_void_in_an_empty_slot(clinic: Clinic) -> None:
    order = str(uuid4())
    await signed(clinic, order)
    missed = await clinic.done(
        await clinic.post(f"orders/{order}/missed-doses", body(examples.MISSED, dosing_on=ago(1)))
    )
    dose = missed["stream"].removeprefix("dose-")

    refused = await clinic.post(f"doses/{dose}/void-requests", body(examples.VOID_REQUEST), version=1)
    assert (refused.status_code, refused.json()["type"].rsplit("/", 1)[1]) == (404, "dose-not-administered")
    assert (await void(clinic, str(uuid4()), 1, "lee")).status_code == 404


async def test_each_part_of_a_split_day_is_on_the_list(clinic: Clinic) -> None:
    order = str(uuid4())
    await signed(clinic, order, split_doses_mg=["12", "4"])
    await clinic.done(await clinic.post(f"orders/{order}/doses", {"dose_mg": "4", "split": 2}))

    lines = (await clinic.get(f"sites/{clinic.site}/dosing-list"))["items"]
    assert [(one["split"], one["ordered_mg"], one["status"]) for one in lines] == [
        (1, "12", "due"),
        (2, "4", "administered"),
    ]


async def test_a_day_without_a_dose_by_the_rhythm_is_not_on_the_list(clinic: Clinic) -> None:
    order = str(uuid4())
    await signed(clinic, order, every_days=2, starts_on=ago(2))

    assert len((await clinic.get(f"sites/{clinic.site}/dosing-list"))["items"]) == 1
    assert (await clinic.get(f"sites/{clinic.site}/dosing-list?on={ago(1)}"))["items"] == []
    assert (await clinic.get(f"sites/{clinic.site}/dosing-list?on={ago(3)}"))["items"] == []


async def test_the_list_of_a_site_that_is_not_there_is_not_found(clinic: Clinic) -> None:
    answer = await clinic.client.get("/v1/sites/nowhere/dosing-list", headers=clinic.headers("nurse"))

    assert answer.status_code == 404
