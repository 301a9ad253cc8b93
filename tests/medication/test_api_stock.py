"""Stock over HTTP: from the receipt to the dose, the void, the count and the transfer, as the screens read it."""

import secrets
from typing import Any
from uuid import uuid4

import pytest

from services.medication import examples, examples_stock
from tests.medication.running import Clinic
from tests.medication.window import body, signed

PRODUCT = "methadone-concentrate"


async def received(clinic: Clinic, **changes: Any) -> str:
    """A bottle on hand; its id."""
    bottle = str(uuid4())
    receipt = body(examples_stock.RECEIPT, "concentrate", **changes)
    await clinic.done(await clinic.put(f"stock/{PRODUCT}/bottles/{bottle}", receipt))
    return bottle


async def opened(clinic: Clinic, **changes: Any) -> str:
    """An open bottle; its id."""
    bottle = await received(clinic, **changes)
    await clinic.done(await clinic.post(f"stock/{PRODUCT}/bottles/{bottle}/opening", {}))
    return bottle


async def ordered(clinic: Clinic, dose_mg: str = "60") -> str:
    """An order of concentrate in force; its id."""
    order = str(uuid4())
    await signed(clinic, order, product_id=PRODUCT, split_doses_mg=[dose_mg])
    return order


async def balance(clinic: Clinic, bottle: str) -> str:
    """What the bottle holds by the book."""
    pages = [await clinic.get(f"sites/{clinic.site}/stock?status={one}") for one in ("open", "closed", "empty")]
    return str(next(one["balance_mg"] for page in pages for one in page["items"] if one["bottle_id"] == bottle))


async def test_a_dose_is_poured_in_its_own_transaction_and_a_void_puts_it_back(clinic: Clinic) -> None:
    """V1: the answer that says the dose is on disk says it of the pour as well."""
    bottle, order = await opened(clinic), await ordered(clinic)
    given = await clinic.done(await clinic.post(f"orders/{order}/doses", body(examples.DOSE, dose_mg="60")))
    assert {"DoseAdministered", "DosePoured"} <= {one["type"] for one in given["events"]}
    assert await balance(clinic, bottle) == "9940"

    dose = given["stream"].removeprefix("dose-")
    (moved,) = (await clinic.get(f"sites/{clinic.site}/stock-movements?dose_id={dose}"))["items"]
    assert (moved["kind"], moved["amount_mg"], moved["lot"], moved["bottle_id"]) == ("poured", "-60", "A4471", bottle)

    note = {"reason": "wrong_patient"}
    await clinic.done(await clinic.post(f"doses/{dose}/void-requests", note, version=1, name="nurse-1"))
    voided = await clinic.done(await clinic.post(f"doses/{dose}/void", {}, version=2, name="nurse-2"))
    assert {"DoseVoided", "PourPutBack"} <= {one["type"] for one in voided["events"]}
    assert await balance(clinic, bottle) == "10000"
    moved = (await clinic.get(f"sites/{clinic.site}/stock-movements?dose_id={dose}"))["items"]
    assert [one["kind"] for one in moved] == ["put_back", "poured"]

    again = await clinic.done(await clinic.post(f"orders/{order}/doses", body(examples.DOSE, dose_mg="60")))
    assert "DosePoured" in {one["type"] for one in again["events"]}
    assert await balance(clinic, bottle) == "9940"


async def test_without_an_opened_bottle_nothing_of_the_dose_is_stored(clinic: Clinic) -> None:
    """V1: dose, history and pour are all on disk or none."""
    bottle, order = await received(clinic), await ordered(clinic)
    stored = await clinic.stored()

    refused = await clinic.post(f"orders/{order}/doses", body(examples.DOSE, dose_mg="60"))
    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (409, "not-enough-open")
    assert {"rule", "source", "may_override"} <= refused.json().keys()
    assert await clinic.stored() == stored

    await clinic.done(await clinic.post(f"stock/{PRODUCT}/bottles/{bottle}/opening", {}))
    await clinic.done(await clinic.post(f"orders/{order}/doses", body(examples.DOSE, dose_mg="60")))


async def test_a_repeat_with_the_same_key_pours_once(clinic: Clinic) -> None:
    """V1: a lost answer."""
    bottle, order = await opened(clinic), await ordered(clinic)
    headers = clinic.headers()
    for _ in range(3):
        answer = await clinic.client.post(f"/v1/orders/{order}/doses", json={"dose_mg": "60"}, headers=headers)
        assert answer.status_code == 201
    await clinic.project()
    assert await balance(clinic, bottle) == "9940"


async def test_waste_waits_in_a_list_for_the_witness(clinic: Clinic) -> None:
    bottle, waste = await opened(clinic), str(uuid4())
    path = f"stock/{PRODUCT}/bottles/{bottle}/wastes/{waste}"
    await clinic.done(await clinic.put(path, body(examples_stock.WASTE), name="nurse-1"))
    assert (await clinic.get(f"sites/{clinic.site}/stock-wastes?unsigned=true"))["items"]

    alone = await clinic.post(f"{path}/witnesses", {}, name="nurse-1")
    assert (alone.status_code, alone.json()["rule"]) == (409, "stock-waste")
    await clinic.done(await clinic.post(f"{path}/witnesses", {}, "site_manager", name="manager-1"))
    assert not (await clinic.get(f"sites/{clinic.site}/stock-wastes?unsigned=true"))["items"]
    (line,) = (await clinic.get(f"sites/{clinic.site}/stock-wastes"))["items"]
    assert (line["wasted_by"], line["witnesses"]) == ("nurse-1", ["manager-1"])
    assert await balance(clinic, bottle) == "9940"


async def test_a_blind_count_that_differs_is_an_alarm_until_a_second_person_has_counted(clinic: Clinic) -> None:
    bottle = await opened(clinic)
    path = f"stock/{PRODUCT}/bottles/{bottle}"
    await clinic.done(await clinic.post(f"{path}/counts", {"counted_mg": "9900"}, name="nurse-1"))

    (line,) = (await clinic.get(f"sites/{clinic.site}/stock-discrepancies?unsettled=true"))["items"]
    assert (line["expected_mg"], line["found_mg"], line["alarm"]) == ("10000", "9900", True)
    (held,) = (await clinic.get(f"sites/{clinic.site}/stock"))["items"]
    assert (held["balance_mg"], held["alarm"]) == ("10000", True)

    settlement = body(examples_stock.DISCREPANCY_SETTLEMENT, counted_mg="9900")
    assert (await clinic.post(f"{path}/discrepancy-settlements", settlement, name="nurse-1")).status_code == 409
    await clinic.done(await clinic.post(f"{path}/discrepancy-settlements", settlement, name="nurse-2"))
    assert not (await clinic.get(f"sites/{clinic.site}/stock-discrepancies?unsettled=true"))["items"]
    assert await balance(clinic, bottle) == "9900"
    await clinic.done(await clinic.post(f"{path}/counts", {"counted_mg": "9900"}, name="nurse-3"))


async def test_a_bottle_on_its_way_is_shown_at_both_sites_and_is_then_the_other_s(clinic: Clinic) -> None:
    away = f"site-{secrets.token_hex(4)}"
    bottle, transfer, lost = await received(clinic), str(uuid4()), str(uuid4())
    note = body(examples_stock.TRANSFER, to_site_id=away)
    await clinic.done(await clinic.put(f"stock/{PRODUCT}/bottles/{bottle}/transfers/{lost}", note))
    await clinic.done(await clinic.post(f"stock/{PRODUCT}/transfers/{lost}/call-back", {}))
    assert await balance(clinic, bottle) == "10000"
    await clinic.done(await clinic.put(f"stock/{PRODUCT}/bottles/{bottle}/transfers/{transfer}", note))
    for site in (clinic.site, away):
        (line,) = (await clinic.get(f"sites/{site}/stock-transfers?status=in_transit", site=site))["items"]
        assert (line["from_site_id"], line["to_site_id"], line["amount_mg"]) == (clinic.site, away, "10000")

    arrival = {"from_site_id": clinic.site, "counted_mg": "9990"}
    await clinic.done(await clinic.post(f"stock/{PRODUCT}/transfers/{transfer}/arrival", arrival, site=away))
    assert (await clinic.get(f"sites/{clinic.site}/stock"))["items"] == []
    (held,) = (await clinic.get(f"sites/{away}/stock", site=away))["items"]
    assert (held["bottle_id"], held["balance_mg"], held["source"], held["alarm"]) == (bottle, "9990", "transfer", True)
    (moved, *_) = (await clinic.get(f"sites/{clinic.site}/stock-movements"))["items"]
    assert (moved["kind"], moved["amount_mg"]) == ("sent", "-10000")
    assert (await clinic.post(f"stock/{PRODUCT}/transfers/{transfer}/arrival", arrival, site=away)).status_code == 404


async def test_a_return_empties_the_bottle_for_the_book(clinic: Clinic) -> None:
    bottle = await opened(clinic)
    await clinic.done(await clinic.post(f"stock/{PRODUCT}/bottles/{bottle}/return", body(examples_stock.RETURN)))

    assert (await clinic.get(f"sites/{clinic.site}/stock"))["items"] == []
    (moved, *_) = (await clinic.get(f"sites/{clinic.site}/stock-movements"))["items"]
    assert (moved["kind"], moved["amount_mg"]) == ("returned", "-10000")


@pytest.mark.parametrize(
    ("field", "value"),
    [("strength_mg", "7"), ("amount_mg", "0.5"), ("amount_mg", "-1"), ("expires_on", "2001-01-01"), ("lot", "")],
)
async def test_a_receipt_that_cannot_be_is_refused_by_the_name_of_its_field(
    clinic: Clinic, field: str, value: str
) -> None:
    receipt = body(examples_stock.RECEIPT, "concentrate", **{field: value})
    answer = await clinic.put(f"stock/{PRODUCT}/bottles/{uuid4()}", receipt)

    assert answer.status_code in (409, 422)
    assert field in answer.text


async def test_a_site_s_stock_is_not_shown_elsewhere(clinic: Clinic) -> None:
    """N1."""
    bottle, away = await opened(clinic), f"site-{secrets.token_hex(4)}"

    assert (await clinic.get(f"sites/{clinic.site}/stock", site=away))["items"] == []
    path = f"stock/{PRODUCT}/bottles/{bottle}/counts"
    assert (await clinic.post(path, {"counted_mg": "1"}, site=away)).status_code == 404
    assert (await clinic.post(path, {"counted_mg": "1"}, "counsellor")).status_code == 403
