"""The report of a period is the ledger: whatever happened, the replay and what is shown agree to the milligram."""

import csv
import io
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from services.medication import examples, examples_stock
from tests.medication.running import Clinic
from tests.medication.test_api_stock import PRODUCT, opened, ordered, received
from tests.medication.window import ago, at_noon, body, give, today


async def busy(clinic: Clinic) -> None:
    """Some of everything: doses late and now, a void, waste, a count that differs, a transfer and a return."""
    bottle, order = await opened(clinic, lot="A1"), await ordered(clinic)
    await opened(clinic, lot="A2", amount_mg="500")
    for days_ago in (3, 2, 1):
        await give(clinic, order, days_ago, "60")
    given = await clinic.done(await clinic.post(f"orders/{order}/doses", body(examples.DOSE, dose_mg="55")))
    dose = given["stream"].removeprefix("dose-")
    void = {"reason": "entered_in_error"}
    await clinic.done(await clinic.post(f"doses/{dose}/void-requests", void, version=1, name="nurse-1"))
    await clinic.done(await clinic.post(f"doses/{dose}/void", {}, version=2, name="nurse-2"))
    path = f"stock/{PRODUCT}/bottles/{bottle}"
    await clinic.done(await clinic.put(f"{path}/wastes/{uuid4()}", body(examples_stock.WASTE)))
    await clinic.done(await clinic.post(f"{path}/counts", {"counted_mg": "9750"}, name="nurse-1"))
    settlement = body(examples_stock.DISCREPANCY_SETTLEMENT, counted_mg="9750")
    await clinic.done(await clinic.post(f"{path}/discrepancy-settlements", settlement, name="nurse-2"))
    closed = await received(clinic, lot="A1")
    note = body(examples_stock.TRANSFER)
    await clinic.done(await clinic.put(f"stock/{PRODUCT}/bottles/{closed}/transfers/{uuid4()}", note))
    gone = await received(clinic, lot="A3", amount_mg="700")
    await clinic.done(await clinic.post(f"stock/{PRODUCT}/bottles/{gone}/return", body(examples_stock.RETURN)))


async def ledger(clinic: Clinic) -> dict[str, Decimal]:
    """What is shown of each lot on hand."""
    held: dict[str, Decimal] = defaultdict(Decimal)
    for status in ("open", "closed", "empty", "in_transit", "gone"):
        for one in (await clinic.get(f"sites/{clinic.site}/stock?status={status}"))["items"]:
            held[one["lot"]] += Decimal(one["balance_mg"])
    return held


def amounts(line: dict[str, Any]) -> dict[str, Decimal]:
    """The columns that hold milligrams."""
    return {name: Decimal(one) for name, one in line.items() if name.endswith("_mg") and name != "strength_mg"}


async def test_the_replayed_report_balances_and_equals_what_is_shown(clinic: Clinic) -> None:
    """V1: opening and in is out and closing, per lot; closing is the ledger's balance."""
    await busy(clinic)
    report = await clinic.get(f"sites/{clinic.site}/stock-report?from_on={ago(10)}&until_on={ago(0)}")
    lines = {one["lot"]: amounts(one) for one in report["lines"]}

    assert {lot: one["closing_mg"] for lot, one in lines.items()} == await ledger(clinic)
    first = lines["A1"]
    names = ("poured_mg", "put_back_mg", "wasted_mg", "adjusted_mg", "transferred_out_mg", "in_transit_mg")
    assert [int(first[name]) for name in names] == [235, 55, 60, -10, 10000, 10000]
    assert lines["A3"]["returned_mg"] == Decimal(700)
    for one in lines.values():
        into = (
            "opening_mg",
            "received_mg",
            "initial_inventory_mg",
            "transferred_in_mg",
            "called_back_mg",
            "put_back_mg",
        )
        out = ("poured_mg", "wasted_mg", "transferred_out_mg", "returned_mg", "closing_mg")
        assert sum(one[name] for name in into) + one["adjusted_mg"] == sum(one[name] for name in out)


async def test_the_periods_follow_one_another_without_a_gap(clinic: Clinic) -> None:
    """One day's closing is the next day's opening; a dose entered late stands on the day on which it was given."""
    await busy(clinic)
    closing: dict[str, Decimal] = {}
    poured = []
    for day in range(4, -1, -1):
        report = await clinic.get(f"sites/{clinic.site}/stock-report?from_on={ago(day)}&until_on={ago(day)}")
        lines = {one["lot"]: amounts(one) for one in report["lines"]}
        assert {lot: lines[lot]["opening_mg"] for lot in closing if closing[lot]} == {
            lot: one for lot, one in closing.items() if one
        }
        closing = {lot: one["closing_mg"] for lot, one in lines.items()}
        poured.append(sum(one["poured_mg"] for one in lines.values()))
    assert poured == [0, 60, 60, 60, 55]


async def test_a_report_as_it_was_known_leaves_out_what_was_written_down_later(clinic: Clinic) -> None:
    await busy(clinic)
    path = f"sites/{clinic.site}/stock-report?from_on={ago(10)}&until_on={ago(0)}"
    earlier = (today() - timedelta(days=1)).isoformat()

    assert (await clinic.get(f"{path}&as_of={earlier}T00:00:00Z"))["lines"] == []
    backwards = await clinic.client.get(
        f"/v1/sites/{clinic.site}/stock-report?from_on={ago(0)}&until_on={ago(1)}", headers=clinic.headers()
    )
    assert (backwards.status_code, backwards.json()["type"].rpartition("/")[2]) == (422, "period-backwards")


async def read(clinic: Clinic, path: str) -> tuple[str, str]:
    """A print: what kind it is, and its text."""
    answer = await clinic.client.get(f"/v1/sites/{clinic.site}/{path}", headers=clinic.headers())
    assert answer.status_code == 200, answer.text
    return answer.headers["content-type"].partition(";")[0], answer.text


async def test_the_report_is_a_table_and_a_page(clinic: Clinic) -> None:
    await busy(clinic)
    period = f"from_on={ago(10)}&until_on={ago(0)}"
    kind, text = await read(clinic, f"stock-report.csv?{period}")
    rows = list(csv.DictReader(io.StringIO(text)))

    assert kind == "text/csv"
    assert {one["lot"]: one["poured_mg"] for one in rows} == {"A1": "235", "A2": "0", "A3": "0"}
    assert {one["adjusted_mg"] for one in rows} == {"-10", "0"}
    kind, text = await read(clinic, f"stock-report.html?{period}")
    assert kind == "text/html"
    assert "<td" in text
    assert "A3" in text


async def test_the_dispensing_log_names_patient_amount_lot_and_who_and_keeps_what_was_voided(clinic: Clinic) -> None:
    """21 CFR 1304.24; also the dose of a site's own guest, and one without a book."""
    await busy(clinic)
    log = await clinic.get(f"sites/{clinic.site}/dispensing-log")
    (line,) = log["lines"]
    assert (line["dose_mg"], line["lots"], line["given_by"], line["voided_by"]) == ("55", ["A1"], "nurse-1", "nurse-2")

    yesterday = await clinic.get(f"sites/{clinic.site}/dispensing-log?on={ago(1)}")
    (line,) = yesterday["lines"]
    assert (line["dose_mg"], line["products"], line["strengths_mg"], line["voided_at"]) == (
        "60",
        [PRODUCT],
        ["10"],
        None,
    )
    assert at_noon(1)[:10] in line["given_at"]
    kind, text = await read(clinic, f"dispensing-log.csv?on={ago(1)}")
    (row,) = csv.DictReader(io.StringIO(text))
    assert (kind, row["consumed mg"], row["lot"], row["dispensed by"]) == ("text/csv", "60", "A1", "nurse-1")
    kind, text = await read(clinic, "dispensing-log.html")
    assert (kind, "voided by nurse-2" in text) == ("text/html", True)
