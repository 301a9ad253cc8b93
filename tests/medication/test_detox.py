"""Withdrawal by protocol: each boundary as its source has it, the clock, the advice to refer up, and the end."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from services.medication import detox, detox_dose
from services.medication.detox import decider
from services.medication.detox_policies import (
    DETOX,
    LastUse,
    NotInTable,
    Protocol,
    ProtocolUnknown,
    detox_policies,
)
from services.medication.detox_state import DAY, Detox, Status
from services.medication.formulary import FormularyDataError, formulary
from shared.events.medication import (
    DetoxCompleted,
    DetoxDoseGiven,
    DetoxReferredUp,
    ReferralAdvised,
    WithdrawalRisk,
    WithdrawalSign,
)
from shared.failures import Failure
from tests.medication.situations import PATIENT
from tests.scenario import Scenario

VECTORS = yaml.safe_load(Path(__file__).with_name("vectors").joinpath("detox.yaml").read_text())
START = datetime(2026, 3, 10, 13, tzinfo=UTC)
PRODUCTS = {
    "chlordiazepoxide": "chlordiazepoxide-capsule",
    "diazepam": "diazepam-tablet",
    "buprenorphine": "buprenorphine-naloxone-film",
    "lofexidine": "lofexidine-tablet",
}
LORAZEPAM = detox.Converted("lorazepam", Decimal(3), detox_policies().equivalence("va-dod-2021"))


class Course:
    """One course that is driven by the clock."""

    def __init__(self, name: str, **how: Any) -> None:
        self.protocol = detox_policies().protocol(name)
        self.product = formulary().product(PRODUCTS[self.protocol.medicines[0]])
        used = detox.Used(LastUse.SHORT_ACTING, START - timedelta(hours=12)) if self.protocol.last_use_hours else None
        begin = detox.StartDetox(
            patient_id=PATIENT,
            home_site_id="riverside",
            zone="America/New_York",
            protocol=self.protocol,
            product=self.product,
            started_at=START,
            started_by="dr-lee",
            risks=(),
            converted=LORAZEPAM if self.protocol.converts else None,
            last_use=used,
        )
        self.events: list[Any] = []
        self.does(replace(begin, **how))

    @property
    def state(self) -> Detox:
        return Scenario(decider).given(*self.events).state

    def does(self, command: object) -> list[Any]:
        found = list(Scenario(decider).given(*self.events).when(command))
        self.events += found
        return found

    def score(self, minutes: float, score: int, *signs: str) -> list[Any]:
        seen = tuple(WithdrawalSign(one) for one in signs)
        return self.does(detox.ScoreWithdrawal(self.protocol, score, seen, at(minutes), "kim", None))

    def dose(self, minutes: float, mg: str) -> list[Any]:
        dose_id = uuid5(UUID(int=1), str(minutes))
        how = (dose_id, Decimal(mg), at(minutes), "kim", "riverside")
        return self.does(detox_dose.GiveDose(self.protocol, self.product, *how))

    def complete(self, why: str | None = None) -> list[Any]:
        return self.does(detox.CompleteDetox(self.protocol, at(0).date(), "dr-lee", why))


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def refusal(act: Any, *given: Any) -> dict[str, Any]:
    """The kind and the facts of the refusal."""
    with pytest.raises(Failure) as refused:
        act(*given)
    return {"kind": refused.value.kind(), "field": refused.value.field, **refused.value.facts}


def begun_without(name: str, **how: Any) -> dict[str, Any]:
    """How a start is refused."""
    return refusal(lambda: Course(name, **how))


@pytest.mark.parametrize(("table", "medicine", "day_mg", "diazepam_mg"), VECTORS["conversions"])
def test_a_table_converts_as_its_source_says(table: str, medicine: str, day_mg: str, diazepam_mg: str) -> None:
    found = detox_policies().equivalence(table).diazepam_mg(medicine, Decimal(day_mg))
    assert str(found) == diazepam_mg


@pytest.mark.parametrize("vector", VECTORS["courses"], ids=lambda vector: vector["protocol"])
def test_doses_follow_the_protocol_on_both_sides_of_each_boundary(vector: dict[str, Any]) -> None:
    course = Course(vector["protocol"])
    for minutes, what, value, *refused in vector["steps"]:
        act = course.score if what == "score" else course.dose
        if not refused:
            act(minutes, value)
            continue
        found = refusal(act, minutes, value)
        assert [found["kind"]] == refused, (minutes, value)
        if found["kind"] != "dose-outside-protocol" or "rule" in found:
            assert found["rule"] == course.protocol.id
            assert found["source"] == course.protocol.source
            assert found["may_override"] == course.protocol.may_override


def test_every_protocol_is_among_the_vectors() -> None:
    named = {one["protocol"] for one in VECTORS["courses"]} | {one[0] for one in VECTORS["referrals"]}
    assert {name for name, _ in detox_policies().protocols} == named


@pytest.mark.parametrize(("protocol", "score", "signs", "advised"), VECTORS["referrals"])
def test_what_belongs_elsewhere_is_said_and_stops_the_doses(
    protocol: str, score: int, signs: list[str], advised: bool
) -> None:
    course = Course(protocol)
    found = course.score(0, score, *signs)
    assert any(isinstance(one, ReferralAdvised) for one in found) == advised
    if not advised:
        return
    assert refusal(course.dose, 1, "10")["kind"] == "referral-decision-needed"
    refer = detox.ReferUp(START.date(), "County hospital", "dr-lee")
    assert isinstance(Scenario(decider).given(*course.events).when(refer)[0], DetoxReferredUp)

    course.does(detox.DeclineReferral("dr-lee", "Seen; stays."))
    assert course.state.status is Status.UNDER_WAY
    assert refusal(course.does, detox.DeclineReferral("dr-lee", "Twice."))["kind"] == "referral-not-advised"
    again = course.score(5, score, *signs)
    assert any(isinstance(one, ReferralAdvised) for one in again), (
        "an advice that was declined is not silenced for good"
    )


def test_a_risk_at_the_start_advises_a_referral_at_once() -> None:
    course = Course("alcohol-by-score-diazepam", risks=(WithdrawalRisk.PAWSS_AT_LEAST_4,))
    assert course.state.triggers == ("pawss-at-least-4",)
    course.score(0, 12)
    assert refusal(course.dose, 1, "10")["kind"] == "referral-decision-needed"


def test_nothing_is_given_to_whoever_was_oversedated_when_last_looked_at() -> None:
    course = Course("alcohol-by-score-diazepam")
    course.score(0, 12, "oversedated")
    assert refusal(course.dose, 1, "10")["kind"] == "oversedated"
    course.score(30, 12)
    course.dose(31, "10")


def test_the_first_dose_of_an_induction_waits_for_the_last_use() -> None:
    last = {"last_use": detox.Used(LastUse.LONG_ACTING, START - timedelta(hours=23))}
    course = Course("opioid-buprenorphine-induction", **last)
    course.score(0, 13)
    assert refusal(course.dose, 59, "4")["not_before"] == at(60).isoformat()
    course.dose(60, "4")
    assert begun_without("opioid-buprenorphine-induction", last_use=None)["field"] == "last_use"


def test_the_most_in_a_day_comes_from_the_conversion_that_was_chosen() -> None:
    course = Course("benzodiazepine-diazepam")
    assert course.events[0].day_mg_max == Decimal("15.0")
    course.score(0, 30)
    course.dose(0, "10")
    assert refusal(course.dose, 240, "10")["kind"] == "day-maximum-reached"
    course.dose(240, "5")
    assert begun_without("benzodiazepine-diazepam", converted=None)["field"] == "converted"
    with pytest.raises(NotInTable):
        detox_policies().equivalence("who-2009").diazepam_mg("estazolam", Decimal(1))


def test_it_is_over_by_the_stop_rule_or_for_a_reason() -> None:
    course = Course("alcohol-by-score-diazepam")
    for minutes, score in ((0, 12), (60, 7), (120, 7)):
        course.score(minutes, score)
    assert refusal(course.complete)["in_a_row"] == 2
    (seen_otherwise,) = (
        Scenario(decider)
        .given(*course.events)
        .when(detox.CompleteDetox(course.protocol, START.date(), "dr-lee", "Sleeps, eats; last drink five days ago."))
    )
    assert isinstance(seen_otherwise, DetoxCompleted)
    course.score(180, 7)
    course.complete()
    assert course.state.status is Status.COMPLETED
    assert refusal(course.score, 240, 3)["kind"] == "detox-over"
    assert refusal(course.does, detox.EndDetox(START.date(), "kim", "Left."))["kind"] == "detox-over"


def test_scores_come_in_order_and_within_the_instrument() -> None:
    course = Course("alcohol-by-score-diazepam")
    assert refusal(course.score, 0, 68)["score_max"] == 67
    course.score(10, 67)
    assert refusal(course.score, 9, 5)["field"] == "scored_at"
    assert refusal(course.score, -1, 5)["field"] == "scored_at"


def test_a_protocol_has_its_longest() -> None:
    course = Course("alcohol-by-score-diazepam")
    course.score(5 * 1440 - 1, 12)
    course.dose(5 * 1440 - 1, "10")
    course.score(5 * 1440, 12)
    assert refusal(course.dose, 5 * 1440, "10")["days_max"] == 5


@given(
    st.lists(
        st.tuples(st.integers(-300, 900), st.sampled_from(["25", "50", "75", "100"]), st.integers(0, 18)), max_size=20
    )
)
def test_no_twenty_four_hours_ever_hold_more_than_the_most_of_a_day(course: list[tuple[int, str, int]]) -> None:
    """Doses may also be entered late, before others."""
    run, clock = Course("alcohol-by-score-chlordiazepoxide"), 0
    for minutes, mg, score in course:
        clock = max(clock, clock + minutes)
        run.score(clock, score)
        try:
            run.dose(max(0, clock + min(minutes, 0)), mg)
        except Failure:
            continue
    doses = [one for one in run.events if isinstance(one, DetoxDoseGiven)]
    for end in doses:
        within = [one.dose_mg for one in doses if end.given_at - DAY < one.given_at <= end.given_at]
        assert sum(within) <= 300
    times = sorted(one.given_at for one in doses)
    assert all(later - earlier >= timedelta(hours=4) for earlier, later in pairwise(times))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (("score_from: 0, minutes", "score_from: 1, minutes"), "down to 0"),
        (('from_mg: "50"', 'from_mg: "150"'), "ends before it begins"),
        (("score_max: 67", "score_max: 18"), "above the instrument"),
        (("first: {", 'schedule: [{hour: "0", mg: "5"}]\nfirst: {'), "either the score"),
        (("source:", "sauce:"), "source"),
    ],
)
def test_a_protocol_that_contradicts_itself_stops_the_start(
    tmp_path: Path, change: tuple[str, str], fault: str
) -> None:
    text = DETOX.joinpath("alcohol-by-score-chlordiazepoxide.v1.yaml").read_text()
    assert change[0] in text
    (tmp_path / "one.v1.yaml").write_text(text.replace(*change))
    with pytest.raises(FormularyDataError, match=fault):
        detox_policies(tmp_path)


def test_what_is_not_there_is_refused() -> None:
    with pytest.raises(ProtocolUnknown):
        detox_policies().protocol("alcohol-by-guess")
    course = Course("alcohol-by-score-diazepam")
    wrong: Protocol = detox_policies().protocol("opioid-lofexidine")
    refused = begun_without("alcohol-by-score-diazepam", protocol=wrong)
    assert refused["field"] == "product_id"
    assert refusal(course.dose, 0, "3")["kind"] == "score-due"
