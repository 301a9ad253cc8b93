"""Withdrawal over HTTP: each kind to its end, one that is referred up, and what else must agree with a dose."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from services.medication import examples_detox
from tests.medication.running import NEW_YORK, Clinic
from tests.medication.window import body

ALCOHOL = {"protocol": "alcohol-by-score-chlordiazepoxide", "product_id": "chlordiazepoxide-capsule"}
KINDS: dict[str, dict[str, Any]] = {
    "alcohol": ALCOHOL,
    "opioid": {
        "protocol": "opioid-buprenorphine-induction",
        "product_id": "buprenorphine-naloxone-film",
        "last_use": {"kind": "long-acting", "at": (datetime.now(UTC) - timedelta(days=4)).isoformat()},
    },
    "benzodiazepine": {
        "protocol": "benzodiazepine-diazepam",
        "product_id": "diazepam-tablet",
        "converted": {"medicine": "lorazepam", "day_mg": "3", "table": "va-dod-2021"},
    },
}
FIRST_DOSES = {"alcohol": "50", "opioid": "4", "benzodiazepine": "10"}


def hours_ago(hours: float) -> str:
    return (datetime.now(UTC) - timedelta(hours=hours)).isoformat()


async def started(clinic: Clinic, kind: str = "alcohol", **changes: Any) -> str:
    """A course that began two days ago; its path."""
    path = f"detox/{uuid4()}"
    begin = {"patient_id": str(uuid4()), "started_at": hours_ago(48), **KINDS[kind], **changes}
    await clinic.done(await clinic.put(path, begin, "prescriber"))
    return path


async def score(clinic: Clinic, path: str, hours: float, score: int, *signs: str) -> dict[str, Any]:
    what = {"score": score, "scored_at": hours_ago(hours), "signs": list(signs)}
    return await clinic.done(await clinic.post(f"{path}/scores", what))


@pytest.mark.parametrize("kind", KINDS)
async def test_each_kind_comes_to_its_end(clinic: Clinic, kind: str) -> None:
    """From the start by a prescriber to the end by the stop rule; the list shows it to the site meanwhile."""
    path = await started(clinic, kind)
    await score(clinic, path, 47, 13)
    given = await clinic.post(f"{path}/doses", {"dose_mg": FIRST_DOSES[kind], "given_at": hours_ago(46.9)})
    assert {one["type"] for one in (await clinic.done(given))["events"]} == {"DetoxDoseGiven", "MedicineTaken"}
    shown = await clinic.get(path)
    assert (shown["status"], shown["doses"][0]["dose_mg"]) == ("under_way", FIRST_DOSES[kind])
    assert shown["next_dose_from"] > shown["doses"][0]["given_at"]
    await clinic.project()
    (line,) = [one for one in (await clinic.get(f"sites/{clinic.site}/detox"))["items"] if one["detox_id"] in path]
    assert (line["last_score"], line["doses"], line["score_due_at"]) == (13, 1, shown["score_due_at"])

    on = datetime.fromisoformat(shown["doses"][0]["given_at"]).astimezone(ZoneInfo(NEW_YORK)).date()
    (logged,) = (await clinic.get(f"sites/{clinic.site}/dispensing-log?on={on}"))["lines"]
    assert (logged["dose_mg"], logged["order_id"]) == (FIRST_DOSES[kind], shown["detox_id"])

    early = await clinic.post(f"{path}/completion", {}, "prescriber", version=shown["version"])
    assert (early.status_code, early.json()["rule"]) == (409, KINDS[kind]["protocol"])
    for hours in (6, 4, 2):
        await score(clinic, path, hours, 2)
    version = (await clinic.get(path))["version"]
    over = await clinic.done(await clinic.post(f"{path}/completion", {}, "prescriber", version=version))
    assert [one["type"] for one in over["events"]] == ["DetoxCompleted"]
    assert (await clinic.get(path))["status"] == "completed"
    assert len((await clinic.get(f"{path}/story"))["events"]) == version + 1


async def test_one_that_belongs_elsewhere_is_referred_up(clinic: Clinic) -> None:
    path = await started(clinic)
    found = await score(clinic, path, 1, 9, "seizure")
    assert [one["type"] for one in found["events"]] == ["WithdrawalScored", "ReferralAdvised"]
    stored = await clinic.stored()
    waits = await clinic.post(f"{path}/doses", {"dose_mg": "50"})
    assert (waits.status_code, waits.json()["triggers"]) == (409, ["seizure"])
    assert await clinic.stored() == stored
    assert (await clinic.post(f"{path}/referral", body(examples_detox.REFERRAL), "nurse")).status_code == 403
    await clinic.done(await clinic.post(f"{path}/referral", body(examples_detox.REFERRAL), "prescriber"))
    assert (await clinic.get(path))["status"] == "referred_up"


async def test_a_dose_by_protocol_counts_for_the_substance(clinic: Clinic) -> None:
    """Two courses of one substance are two orders: the second is not dosed on the same date."""
    patient = str(uuid4())
    first, second = [await started(clinic, patient_id=patient) for _ in range(2)]
    for path in (first, second):
        await score(clinic, path, 0.2, 12)
    await clinic.done(await clinic.post(f"{first}/doses", {"dose_mg": "50"}))
    answer = await clinic.post(f"{second}/doses", {"dose_mg": "50"})
    assert answer.json()["type"].endswith("another-order-dosed-today"), answer.text
    assert (await clinic.get(second))["doses"] == []


async def test_what_is_wrong_is_named(clinic: Clinic) -> None:
    path = await started(clinic)
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    cases: list[tuple[str, dict[str, Any], str, int, str]] = [
        ("scores", {"score": 68}, "nurse", 422, "score"),
        ("scores", {"score": 5, "scored_at": later}, "nurse", 422, "scored_at"),
        ("doses", {"dose_mg": "50", "given_at": later}, "nurse", 422, "given_at"),
        ("referral", {"destination": "Ward", "referred_on": "2999-01-01"}, "prescriber", 422, "referred_on"),
    ]
    for what, sent, role, status, field in cases:
        answer = await clinic.post(f"{path}/{what}", sent, role)
        assert (answer.status_code, answer.json()["field"]) == (status, field), answer.text
    begin = {"patient_id": str(uuid4()), **ALCOHOL}
    for changes, field in (
        ({"protocol": "by-guess"}, "protocol"),
        ({"product_id": "methadone-concentrate"}, "product_id"),
        (KINDS["benzodiazepine"] | {"converted": None}, "converted"),
        (
            KINDS["benzodiazepine"] | {"converted": {"medicine": "gin", "day_mg": "1", "table": "who-2009"}},
            "converted.medicine",
        ),
        (KINDS["opioid"] | {"last_use": None}, "last_use"),
    ):
        answer = await clinic.put(f"detox/{uuid4()}", begin | changes, "prescriber")
        assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text
    assert (await clinic.put(f"detox/{uuid4()}", begin, "nurse")).status_code == 403
    missing = await clinic.post(f"detox/{uuid4()}/scores", {"score": 1})
    assert missing.status_code == 404
