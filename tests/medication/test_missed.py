"""Missed doses: counted by the order's rhythm, and each policy's proposal as its source has it."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from services.medication.formulary import FormularyDataError
from services.medication.missed import DAYS_LOOKED_BACK_MAX, missed_in_a_row, proposal
from services.medication.missed_policies import MISSED, missed_policies
from services.medication.product import DAILY
from shared.events.medication import Rhythm, Then
from tests.medication.running import Clinic
from tests.medication.window import ago, give, order_body, signed

VECTORS = yaml.safe_load(Path(__file__).with_name("vectors").joinpath("missed.yaml").read_text())
TODAY = date(2026, 3, 10)
START = date(2026, 1, 1)
SECOND_DAYS = Rhythm(every_days=2, early_days_max=0, late_days_max=0)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: " ".join(map(str, vector[:3])))
def test_each_policy_proposes_what_its_source_says(vector: list[Any]) -> None:
    policy, missed, last_mg, then, lowest, highest = vector
    found = proposal(missed_policies().policies[policy], missed, Decimal(last_mg))
    wanted = tuple(Decimal(one) if one is not None else None for one in (lowest, highest))
    assert (found.then, found.dose_mg_min, found.dose_mg_max) == (Then(then), *wanted)


def test_every_band_of_every_policy_is_among_the_vectors() -> None:
    for policy in missed_policies().policies.values():
        asked = [(missed, Decimal(last_mg)) for name, missed, last_mg, *_ in VECTORS if name == policy.id]
        silent = [band for band in policy.bands if not any(band.holds(*one) for one in asked)]
        assert silent == [], policy.id


@given(st.integers(1, DAYS_LOOKED_BACK_MAX), st.decimals("0.001", 400, places=3))
def test_no_policy_ever_proposes_more_than_the_last_dose_or_nothing_at_all(missed: int, last_mg: Decimal) -> None:
    for policy in missed_policies().policies.values():
        found = proposal(policy, missed, last_mg)
        amounts = [one for one in (found.dose_mg_min, found.dose_mg_max) if one is not None]
        assert all(0 < one <= last_mg for one in amounts if last_mg >= 1)
        assert amounts == sorted(amounts)
        assert (found.dose_mg_max is None) == (found.then is Then.START_ANEW)


def test_dates_without_a_dose_are_counted_up_to_yesterday() -> None:
    taken = {TODAY - timedelta(days=4), TODAY - timedelta(days=9)}
    assert missed_in_a_row(DAILY, START, taken, TODAY) == 3
    assert missed_in_a_row(DAILY, START, taken | {TODAY}, TODAY) == 3  # today's is not before today
    assert missed_in_a_row(DAILY, START, {TODAY - timedelta(days=1)}, TODAY) == 0
    assert missed_in_a_row(DAILY, START, set(), TODAY) is None
    assert missed_in_a_row(DAILY, START, {TODAY - timedelta(days=5_000)}, TODAY) == DAYS_LOOKED_BACK_MAX


def test_of_a_dose_every_second_day_intended_doses_count() -> None:
    start = TODAY - timedelta(days=20)
    assert missed_in_a_row(SECOND_DAYS, start, {TODAY - timedelta(days=2)}, TODAY) == 0
    assert missed_in_a_row(SECOND_DAYS, start, {TODAY - timedelta(days=6)}, TODAY) == 2


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (("missed_from: 5", "missed_from: 6"), "0 bands hold for 5 missed doses"),
        (("missed_from: 5", "missed_from: 4"), "2 bands hold for 4 missed doses"),
        (("then: start_anew", 'then: start_anew, highest: {mg: "1"}'), "if, and only if, it reduces"),
        (('fraction: "0.5", not_below_mg', "not_below_mg"), "either so many mg, or a fraction"),
        (("source:", "sauce:"), "source"),
    ],
)
def test_a_policy_with_a_gap_or_an_overlap_stops_the_start(tmp_path: Path, change: tuple[str, str], fault: str) -> None:
    (tmp_path / "in-force.v1.yaml").write_text(MISSED.joinpath("in-force.v1.yaml").read_text())
    broken = MISSED.joinpath("methadone-bridge.v1.yaml").read_text().replace(*change)
    (tmp_path / "methadone-bridge.v1.yaml").write_text(broken)
    with pytest.raises(FormularyDataError, match=fault):
        missed_policies(tmp_path)


def test_a_site_goes_by_the_policy_it_chose_and_by_one_only(tmp_path: Path) -> None:
    for path in MISSED.glob("*.yaml"):
        (tmp_path / path.name).write_text(path.read_text())
    chosen = MISSED.joinpath("in-force.v1.yaml").read_text()
    newer = chosen.replace("version: 1", "version: 2").replace("sites: {}", "sites: {hillside: [methadone-australia]}")
    (tmp_path / "in-force.v2.yaml").write_text(newer)
    policies = missed_policies(tmp_path)
    at = {
        (site, medicine): [one.id for one in policies.about(medicine, site)[0]]
        for site in ("hillside", "riverside")
        for medicine in ("methadone", "buprenorphine", "naltrexone")
    }
    assert at == {
        ("hillside", "methadone"): ["methadone-australia"],
        ("hillside", "buprenorphine"): ["buprenorphine-canada"],
        ("hillside", "naltrexone"): [],
        ("riverside", "methadone"): ["methadone-programme"],
        ("riverside", "buprenorphine"): ["buprenorphine-canada"],
        ("riverside", "naltrexone"): [],
    }
    for names, fault in (("[methadone-austria]", "no policy"), ("[methadone-australia, methadone-bridge]", "two")):
        (tmp_path / "in-force.v3.yaml").write_text(
            newer.replace("version: 2", "version: 3").replace("[methadone-australia]", names)
        )
        missed_policies.cache_clear()
        with pytest.raises(FormularyDataError, match=fault):
            missed_policies(tmp_path)


async def test_over_http_the_count_and_the_proposals_follow_what_was_taken(clinic: Clinic) -> None:
    order = str(uuid4())
    await signed(clinic, order)
    path = f"orders/{order}/missed-doses"
    never = await clinic.get(path)
    assert (never["missed_in_a_row"], never["proposal"], never["others"]) == (None, None, [])

    await give(clinic, order, days_ago=8)
    late = await clinic.get(path)
    assert (late["missed_in_a_row"], late["last_taken_on"], late["last_dose_mg"]) == (7, ago(8), "16")
    said = late["proposal"]
    assert (said["policy"], said["then"], said["dose_mg_max"]) == ("buprenorphine-canada", "reduce", "8")
    assert said["assess"] == ["full-agonist-use"]

    await give(clinic, order, days_ago=3)  # entered late: it was not missed after all
    assert (await clinic.get(path))["missed_in_a_row"] == 2
    await give(clinic, order, days_ago=1)
    assert (await clinic.get(path))["proposal"] is None


async def test_what_has_no_policy_is_refused(clinic: Clinic) -> None:
    order = str(uuid4())
    body = order_body(product_id="acamprosate-tablet", split_doses_mg=["666", "666", "666"])
    await clinic.done(await clinic.put(f"orders/{order}", body))
    answer = await clinic.client.get(f"/v1/orders/{order}/missed-doses", headers=clinic.headers())
    assert (answer.status_code, answer.json()["type"].rsplit("/", 1)[1]) == (409, "nothing-to-miss")
