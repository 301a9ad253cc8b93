"""After missed doses nothing is given until a prescriber has decided with how much the order goes on."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.medication.history import AnotherOrderDosedToday, CountDose, History, Taken, decider
from services.medication.missed_policies import missed_policies
from services.medication.product import DAILY
from services.medication.resumption import (
    Course,
    DecideResumption,
    MoreThanDecided,
    NotAssessed,
    NothingMissed,
    ResumptionNeedsReason,
    ResumptionNotDecided,
)
from services.medication.window_policies import window_policies
from shared.events.medication import Assess, MedicineTaken, ResumptionDecided, Then
from shared.failures import Failure
from tests.medication.running import Clinic
from tests.medication.situations import MONDAY, ORDER, PATIENT
from tests.medication.window import ago, at_noon, give, signed
from tests.scenario import Scenario

history = Scenario(decider)
POLICY = missed_policies().policies["methadone-programme"]
COURSE = Course(ORDER, DAILY, MONDAY - timedelta(days=30), POLICY)
LOOKED_AT = (Assess.INTOXICATION, Assess.WITHDRAWAL)


def after(days: int) -> date:
    return MONDAY + timedelta(days=days)


def dose(days: int, mg: str = "100", order: UUID = ORDER, course: Course = COURSE, **how: Any) -> CountDose:
    taken = Taken(order, after(days), after(days), Decimal(mg))
    count = CountDose(PATIENT, "methadone", uuid4(), taken, "riverside", window_policies().one_order, course)
    return replace(count, **how)


def decide(days: int, mg: str | None, why: str | None = None, assessed: Any = LOOKED_AT) -> DecideResumption:
    most = Decimal(mg) if mg else None
    return DecideResumption(PATIENT, "methadone", "riverside", COURSE, after(days), most, assessed, "dr-lee", why)


def refuses(given: Scenario[History], command: object, failure: type[Failure]) -> dict[str, Any]:
    """The refusal's facts."""
    with pytest.raises(failure) as refused:
        given.when(command)
    return dict(refused.value.facts)


def tried(given: Scenario[History], command: object) -> list[Any] | None:
    """What happens, or None when it is refused."""
    try:
        return list(given.when(command))
    except Failure:
        return None


(ON_MONDAY,) = history.given().when(dose(0))


@pytest.mark.parametrize(("missed", "waits"), [(0, False), (1, False), (2, False), (3, True), (4, True), (9, True)])
def test_what_the_policy_would_not_just_go_on_with_waits_for_a_prescriber(missed: int, waits: bool) -> None:
    """The boundary is the policy's: after two missed doses it goes on, after three it does not."""
    given = history.given(ON_MONDAY)
    if not waits:
        (event,) = given.when(dose(missed + 1))
        assert isinstance(event, MedicineTaken)
        return
    refused = refuses(given, dose(missed + 1), ResumptionNotDecided)
    assert refused["missed_in_a_row"] == missed
    assert {refused[name] for name in ("rule", "source", "may_override")} == {
        POLICY.id,
        POLICY.source,
        POLICY.may_override,
    }


def test_a_decision_lets_the_order_go_on_with_so_much_until_the_next_one() -> None:
    (decided,) = history.given(ON_MONDAY).when(decide(5, "30"))
    assert isinstance(decided, ResumptionDecided)
    assert (decided.missed_in_a_row, decided.then, decided.proposed_mg_max) == (4, Then.REDUCE, Decimal(30))
    resumed = history.given(ON_MONDAY, decided)
    assert refuses(resumed, dose(5, "30.5"), MoreThanDecided)["dose_mg_max"] == "30"
    (first,) = resumed.when(dose(5, "30"))
    begun = history.given(ON_MONDAY, decided, first)
    refuses(begun, dose(6, "100"), MoreThanDecided)
    refuses(begun, dose(5, "1"), MoreThanDecided)  # the limit is the date's, however it is split

    (raised,) = begun.when(decide(6, "50", assessed=()))
    begun = history.given(ON_MONDAY, decided, first, raised)
    refuses(begun, dose(6, "50.5"), MoreThanDecided)
    (second,) = begun.when(dose(6, "50"))
    (freed,) = history.given(ON_MONDAY, decided, first, raised, second).when(decide(7, None, assessed=()))
    history.given(ON_MONDAY, decided, first, raised, second, freed).when(dose(7, "100"))


def test_who_stays_away_for_longer_than_was_decided_about_is_looked_at_again() -> None:
    (decided,) = history.given(ON_MONDAY).when(decide(4, "75"))
    history.given(ON_MONDAY, decided).when(dose(4, "75"))
    refuses(history.given(ON_MONDAY, decided), dose(5, "75"), ResumptionNotDecided)
    (first,) = history.given(ON_MONDAY, decided).when(dose(4, "75"))
    (freed,) = history.given(ON_MONDAY, decided, first).when(decide(5, None, assessed=()))
    refuses(history.given(ON_MONDAY, decided, first, freed), dose(9, "75"), ResumptionNotDecided)


def test_more_than_is_proposed_needs_a_reason_and_everything_was_looked_at() -> None:
    given = history.given(ON_MONDAY)
    assert refuses(given, decide(5, "30", assessed=LOOKED_AT[:1]), NotAssessed)["missing"] == ["withdrawal"]
    refuses(given, decide(5, "30.5"), ResumptionNeedsReason)
    refuses(given, decide(5, None), ResumptionNeedsReason)
    refuses(given, decide(6, "5"), ResumptionNeedsReason)  # a new start is proposed: any dose is more
    given.when(decide(5, "50", "Dosed in hospital meanwhile, confirmed by telephone."))
    refuses(given, decide(1, None), NothingMissed)


def test_a_new_order_and_a_physician_by_name_are_decisions_themselves() -> None:
    new = UUID(int=77)
    began_since = Course(new, DAILY, after(6), POLICY)
    history.given(ON_MONDAY).when(dose(6, "30", order=new, course=began_since))
    refuses(history.given(ON_MONDAY), dose(10, "30", order=new, course=began_since), ResumptionNotDecided)
    history.given(ON_MONDAY).when(dose(6, allowed_by="dr-lee"))
    history.given().when(dose(6))
    history.given(ON_MONDAY).when(dose(60, course=replace(COURSE, policy=None)))
    refuses(history.given(ON_MONDAY), dose(0, order=new), AnotherOrderDosedToday)


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["10", "40", "100"]), st.booleans()), max_size=25))
def test_whatever_happens_no_dose_after_missed_ones_is_more_than_was_decided(
    course: list[tuple[int, str, bool]],
) -> None:
    """Each dose that is accepted either follows on without a break, or a decision that allows it was written down before."""
    events: list[Any] = []
    day, last = 0, None
    most: Decimal | None = None
    decided_for: tuple[int | None, int] = (None, -1)
    for gap, mg, prescriber in course:
        day += gap
        if prescriber and last is not None and day > last:
            found = tried(history.given(*events), decide(day, mg, "Seen."))
            if found:
                events += found
                most, decided_for = Decimal(mg), (last, found[0].missed_in_a_row)
        said = tried(history.given(*events), dose(day, mg))
        if said is None:
            continue
        missed = day - last - 1 if last is not None else 0
        assert missed <= 2 or (decided_for[0] == last and missed <= decided_for[1])
        assert most is None or sum(one.dose_mg for one in events if _on(one, day)) + Decimal(mg) <= most
        events += said
        last = day


def _on(event: Any, day: int) -> bool:
    return isinstance(event, MedicineTaken) and event.dosing_on == after(day)


async def test_over_http_the_dose_waits_and_the_decision_shows(clinic: Clinic) -> None:
    order = str(uuid4())
    await signed(clinic, order)
    await give(clinic, order, days_ago=8)
    entered = {"dose_mg": "16", "dosing_on": ago(0), "given_at": at_noon(0)}
    stored = await clinic.stored()
    refused = await clinic.post(f"orders/{order}/doses", {"dose_mg": "16"})
    assert (refused.status_code, refused.json()["type"].rsplit("/", 1)[1]) == (409, "resumption-not-decided"), entered
    assert refused.json()["proposed_mg_max"] == "8"
    assert await clinic.stored() == stored, "a refused dose left something behind"
    assert (await clinic.get(f"orders/{order}/missed-doses"))["waits_for_decision"]

    resumptions = f"orders/{order}/resumptions"
    decision = {"dose_mg_max": "8", "assessed": ["full-agonist-use"]}
    assert (await clinic.post(resumptions, decision, "nurse")).status_code == 403
    wrong = await clinic.post(resumptions, {**decision, "assessed": []}, "prescriber")
    assert (wrong.status_code, wrong.json()["field"]) == (422, "assessed")
    await clinic.done(await clinic.post(resumptions, decision, "prescriber"))

    shown = await clinic.get(f"orders/{order}/missed-doses")
    assert (shown["waits_for_decision"], shown["dose_mg_max_decided"]) == (False, "8")
    assert (await clinic.post(f"orders/{order}/doses", {"dose_mg": "16"})).status_code == 409
    await clinic.done(await clinic.post(f"orders/{order}/doses", {"dose_mg": "8"}))
