"""A plan leads from problems to interventions, is signed by both and looked at again by policy."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from services.intake import episode as episodes
from services.intake.answers import DateNotYetReached
from services.intake.episode import EpisodeNotBegun, PatientAlreadyDischarged
from services.intake.levels import hours_finding
from services.intake.plan import (
    Activate,
    ActiveFromTooLate,
    Draft,
    EpisodeOfAnother,
    GoalNotInPlan,
    NoteProgress,
    PlanAlreadyActive,
    PlanAlreadyDrafted,
    PlanIncomplete,
    PlanNotActive,
    PlanNotDrafted,
    Review,
    Revise,
    decider,
)
from services.intake.reviews import next_review_on
from services.intake.wording import (
    EndsBeforeItStarts,
    ItemIdTwice,
    PlanTooLong,
    WrittenPlan,
    WrittenProblem,
    put_together,
    taken_apart,
)
from shared.event import ERASED
from shared.events.intake import (
    DischargeReason,
    GoalProgressNoted,
    LevelOfCare,
    Modality,
    PatientDischarged,
    PlanDrafted,
    PlanReviewed,
    PlanRevised,
)
from shared.events.intake.plan_parts import HoursFinding, Progress, ReviewOutcome, SignatureMethod, WeeklyMinutes
from tests.intake.situations import (
    ACTIVATED,
    ADMITTED,
    DATA,
    DRAFTED,
    EPISODE,
    MONDAY,
    OTHER_PATIENT,
    PATIENT,
    TOMORROW,
    intervention,
    written_plan,
)
from tests.scenario import Scenario

plan = Scenario(decider)
IN_CARE = episodes.decider.fold([ADMITTED])
NOT_IN_CARE = episodes.decider.initial
LEFT = episodes.decider.fold([ADMITTED, PatientDischarged(PATIENT, DischargeReason.COMPLETED, MONDAY, None)])
DRAFT = Draft(PATIENT, EPISODE, written_plan())
ACTIVATE = Activate(MONDAY, SignatureMethod.ELECTRONIC, MONDAY, DATA.levels, DATA.reviews, MONDAY)


def test_a_plan_is_drafted_for_a_patient_in_care() -> None:
    assert plan.given().when(DRAFT, IN_CARE) == [DRAFTED]


def test_words_and_structure_are_kept_apart_and_come_together_again() -> None:
    problems, words = taken_apart(written_plan())

    assert "heroin" not in repr(problems)
    assert put_together(problems, words, ERASED) == written_plan()
    assert put_together(problems, None, ERASED).problems[0].goals[0].text == ERASED


@pytest.mark.parametrize(
    ("episode", "refusal"),
    [
        (NOT_IN_CARE, EpisodeNotBegun),
        (LEFT, PatientAlreadyDischarged),
        (replace(IN_CARE, patient_id=OTHER_PATIENT), EpisodeOfAnother),
    ],
)
def test_nobody_out_of_care_gets_a_plan(episode: episodes.Episode, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        plan.given().when(DRAFT, episode)
    with pytest.raises(refusal):
        plan.given(DRAFTED).when(ACTIVATE, episode)


def test_a_plan_is_drafted_once_and_revised_in_versions() -> None:
    with pytest.raises(PlanAlreadyDrafted):
        plan.given(DRAFTED).when(DRAFT, IN_CARE)

    (revised,) = plan.given(DRAFTED).when(Revise(written_plan()))

    assert isinstance(revised, PlanRevised)
    assert revised.revision == 2


def test_what_is_not_drafted_cannot_be_revised() -> None:
    with pytest.raises(PlanNotDrafted):
        plan.given().when(Revise(written_plan()))


def test_both_signatures_make_it_the_plan() -> None:
    assert plan.given(DRAFTED).when(ACTIVATE, IN_CARE) == [ACTIVATED]


def test_the_patient_signs_before_the_clinician() -> None:
    with pytest.raises(DateNotYetReached):
        plan.given(DRAFTED).when(replace(ACTIVATE, patient_signed_on=TOMORROW), IN_CARE)


def test_a_signed_plan_begins_within_a_year() -> None:
    with pytest.raises(ActiveFromTooLate):
        plan.given(DRAFTED).when(replace(ACTIVATE, active_from=date.max), IN_CARE)


def test_what_is_active_stays_active_until_the_revision_is_signed() -> None:
    story = [DRAFTED, ACTIVATED, *plan.given(DRAFTED, ACTIVATED).when(Revise(written_plan()))]

    assert (decider.fold(story).revision, decider.fold(story).active_revision) == (2, 1)
    (activated,) = plan.given(*story).when(ACTIVATE, IN_CARE)
    assert activated.revision == 2


def test_a_revision_is_signed_once() -> None:
    with pytest.raises(PlanAlreadyActive):
        plan.given(DRAFTED, ACTIVATED).when(ACTIVATE, IN_CARE)


def test_a_plan_with_a_hole_is_not_signed_and_the_hole_is_named() -> None:
    full = written_plan().problems[0]
    no_goal = WrittenPlan((full, WrittenProblem("p2", "Debt", "counsellor-7", MONDAY)))
    drafted = PlanDrafted(PATIENT, EPISODE, *taken_apart(no_goal))

    with pytest.raises(PlanIncomplete) as refusal:
        plan.given(drafted).when(ACTIVATE, IN_CARE)
    assert refusal.value.facts == {"item": "p2"}

    with pytest.raises(PlanIncomplete):
        plan.given(PlanDrafted(PATIENT, EPISODE, *taken_apart(WrittenPlan(())))).when(ACTIVATE, IN_CARE)


def test_progress_is_noted_for_goals_of_the_active_plan() -> None:
    note = NoteProgress("g1", Progress.IN_PROGRESS, MONDAY, MONDAY, "Named two triggers.")

    assert plan.given(DRAFTED, ACTIVATED).when(note) == [
        GoalProgressNoted("g1", Progress.IN_PROGRESS, MONDAY, "Named two triggers.")
    ]
    with pytest.raises(PlanNotActive):
        plan.given(DRAFTED).when(note)
    with pytest.raises(GoalNotInPlan):
        plan.given(DRAFTED, ACTIVATED).when(replace(note, goal_id="g9"))
    with pytest.raises(DateNotYetReached):
        plan.given(DRAFTED, ACTIVATED).when(replace(note, noted_on=TOMORROW))


def test_a_review_sets_the_next_by_policy() -> None:
    on = MONDAY + timedelta(days=15)
    review = Review(on, ReviewOutcome.CONTINUE, DATA.reviews, on)

    assert plan.given(DRAFTED, ACTIVATED).when(review) == [
        PlanReviewed(on, ReviewOutcome.CONTINUE, MONDAY + timedelta(days=30), "plan-review", 1, None)
    ]
    with pytest.raises(PlanNotActive):
        plan.given(DRAFTED).when(review)


@pytest.mark.parametrize(
    ("after", "due"),
    [(0, 14), (13, 14), (14, 30), (30, 60), (89, 90), (90, 180), (179, 180), (180, 270), (200, 270)],
)
def test_reviews_fall_on_the_policys_days_then_every_90(after: int, due: int) -> None:
    assert next_review_on(DATA.reviews, MONDAY, MONDAY + timedelta(days=after)) == MONDAY + timedelta(days=due)


@pytest.mark.parametrize(
    ("minutes", "adolescent", "finding"),
    [
        (525, False, HoursFinding.UNDER),
        (540, False, HoursFinding.FITS),
        (1140, False, HoursFinding.FITS),
        (1155, False, HoursFinding.OVER),
        (360, True, HoursFinding.FITS),
        (345, True, HoursFinding.UNDER),
    ],
)
def test_hours_of_level_2_1(minutes: int, adolescent: bool, finding: HoursFinding) -> None:
    """Facts 2.2: 8.75, 9, 19 and 19.25 hours for adults, 6 for adolescents."""
    level = LevelOfCare.INTENSIVE_OUTPATIENT

    assert (
        hours_finding(DATA.levels, level, (WeeklyMinutes(Modality.GROUP, minutes),), adolescent=adolescent) is finding
    )


def test_support_groups_are_no_clinical_hours() -> None:
    prescribed = (WeeklyMinutes(Modality.GROUP, 480), WeeklyMinutes(Modality.SUPPORT_GROUP, 120))
    level = LevelOfCare.INTENSIVE_OUTPATIENT

    assert hours_finding(DATA.levels, level, prescribed, adolescent=False) is HoursFinding.UNDER
    assert hours_finding(DATA.levels, LevelOfCare.INPATIENT, prescribed, adolescent=False) is HoursFinding.NO_RULE


def test_hours_that_do_not_fit_are_named_not_refused() -> None:
    thin = PlanDrafted(PATIENT, EPISODE, *taken_apart(written_plan(intervention("i1", Modality.GROUP, 60))))

    (event,) = plan.given(thin).when(ACTIVATE, IN_CARE)

    assert event.hours_finding is HoursFinding.UNDER


def test_an_intervention_that_has_ended_prescribes_nothing() -> None:
    over = replace(intervention("i1", Modality.CAM, 60), ends_on=MONDAY)
    drafted = PlanDrafted(PATIENT, EPISODE, *taken_apart(written_plan(over, intervention("i2", Modality.GROUP, 540))))

    (event,) = plan.given(drafted).when(replace(ACTIVATE, active_from=TOMORROW), IN_CARE)

    assert event.prescribed == (WeeklyMinutes(Modality.GROUP, 540),)


def test_every_part_of_a_plan_has_its_own_id() -> None:
    twice = written_plan(intervention("g1", Modality.GROUP, 60))

    with pytest.raises(ItemIdTwice) as refusal:
        plan.given().when(Draft(PATIENT, EPISODE, twice), IN_CARE)

    assert refusal.value.field == "plan.problems[0].goals[0].objectives[0].interventions[0].id"


def test_a_plan_has_a_limit() -> None:
    many = WrittenPlan(tuple(WrittenProblem(f"p{n}", "Debt", "counsellor-7", MONDAY) for n in range(301)))

    with pytest.raises(PlanTooLong):
        plan.given().when(Draft(PATIENT, EPISODE, many), IN_CARE)


def test_nothing_ends_before_it_starts() -> None:
    backwards = replace(intervention("i1", Modality.GROUP, 60), ends_on=date(2026, 1, 1))

    with pytest.raises(EndsBeforeItStarts):
        plan.given().when(Draft(PATIENT, EPISODE, written_plan(backwards)), IN_CARE)
