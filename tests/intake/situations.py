"""Situations that the tests of intake start from: people, evaluations and plans as they occur."""

from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from services.intake.answers import (
    AgeAnswers,
    Answers,
    FamilyHistoryAnswers,
    LifestyleAnswers,
    MentalStateAnswers,
    PhysicalHealthAnswers,
    RelationshipsAnswers,
    SocialSupportAnswers,
    SubstancesAnswers,
    recorded,
)
from services.intake.catalogue import catalogue
from services.intake.wording import (
    WrittenGoal,
    WrittenIntervention,
    WrittenObjective,
    WrittenPlan,
    WrittenProblem,
    taken_apart,
)
from shared.events.intake import (
    EvaluationBegun,
    EvaluationSigned,
    LevelOfCare,
    Modality,
    PatientAdmitted,
    PatientRegistered,
    PlanActivated,
    PlanDrafted,
)
from shared.events.intake.evaluation import Section
from shared.events.intake.health import (
    Adolescence,
    AgeAndAdolescence,
    AgeNeed,
    GuardianConsent,
    MentalState,
    Mood,
    Orientation,
    PhysicalHealth,
    Pregnancy,
    School,
    SuicidalThoughts,
    Thinking,
)
from shared.events.intake.identity import Contacts, Identity, Sex
from shared.events.intake.life import (
    FamilyHistory,
    Housing,
    Income,
    Lifestyle,
    MutualHelp,
    Partnership,
    Relationships,
    SocialSupport,
    Support,
    Work,
)
from shared.events.intake.plan_parts import HoursFinding, SignatureMethod, WeeklyMinutes
from shared.events.intake.substances import AmountUnit, Frequency, Route, Substance, Substances, SubstanceUse, YesNo

MONDAY = date(2026, 3, 2)
YESTERDAY = MONDAY - timedelta(days=1)
TOMORROW = MONDAY + timedelta(days=1)

PATIENT = UUID("00000000-0000-7000-8000-000000000001")
OTHER_PATIENT = UUID("00000000-0000-7000-8000-000000000002")
EVALUATION = UUID("00000000-0000-7000-8000-000000000003")
EPISODE = UUID("00000000-0000-7000-8000-000000000004")
ASSESSMENT = UUID("00000000-0000-7000-8000-000000000005")
PLAN = UUID("00000000-0000-7000-8000-000000000006")

DATA = catalogue()

ANNA = Identity("Sørensen-Ward", "Anna Maria", date(1988, 5, 17), Sex.FEMALE)
ANNAS_CONTACTS = Contacts(phones=("+1 410 555 0142",), email="anna@example.org")


def registered(identity: Identity = ANNA) -> PatientRegistered:
    return PatientRegistered("riverside", (), identity, ANNAS_CONTACTS, ())


def use(
    substance: Substance = Substance.OPIOIDS,
    frequency: Frequency = Frequency.DAILY,
    *,
    amount: Decimal = Decimal(4),
    unit: AmountUnit = AmountUnit.BAGS,
    last_used_on: date | None = YESTERDAY,
) -> SubstanceUse:
    return SubstanceUse(
        substance=substance,
        route=Route.INTRANASAL,
        amount_per_day=amount,
        amount_unit=unit,
        frequency=frequency,
        days_of_last_30=0 if frequency is Frequency.NOT_IN_30_DAYS else 28,
        first_use_age_years=19,
        duration_months=60,
        last_used_on=last_used_on,
    )


HEAVY_DRINKING = use(Substance.ALCOHOL, amount=Decimal(10), unit=AmountUnit.STANDARD_DRINKS)


def substances(*uses: SubstanceUse) -> SubstancesAnswers:
    return SubstancesAnswers(Section.SUBSTANCES, Substances(uses or (use(),), (), ()))


def age(adolescence: Adolescence | None = None) -> AgeAnswers:
    return AgeAnswers(Section.AGE, AgeAndAdolescence((AgeNeed.CHILDCARE,), adolescence))


AT_SCHOOL = Adolescence(
    school=School.ATTENDING,
    guardian_consent=GuardianConsent.GIVEN,
    lives_with_guardian=YesNo.YES,
    friends_use=YesNo.UNKNOWN,
    juvenile_justice=YesNo.NO,
)


def all_sections(
    history: SubstancesAnswers | None = None, adolescence: Adolescence | None = None
) -> tuple[Answers, ...]:
    """A whole evaluation, in no particular order."""
    return (
        SocialSupportAnswers(
            Section.SOCIAL_SUPPORT,
            SocialSupport((Support.FAMILY,), (MutualHelp.NA,), YesNo.YES, YesNo.YES, YesNo.YES),
        ),
        history or substances(),
        PhysicalHealthAnswers(Section.PHYSICAL_HEALTH, PhysicalHealth((), (), (), Pregnancy.NOT_PREGNANT)),
        age(adolescence),
        FamilyHistoryAnswers(Section.FAMILY_HISTORY, FamilyHistory((), YesNo.YES)),
        MentalStateAnswers(
            Section.MENTAL_STATE,
            MentalState(
                mood=Mood.LOW,
                thinking=Thinking.CLEAR,
                orientation=Orientation.FULL,
                hallucinations=YesNo.NO,
                suicidal_thoughts=SuicidalThoughts.NONE,
                suicide_attempts=0,
                violence_risk=YesNo.NO,
                trauma=YesNo.DECLINED,
            ),
        ),
        RelationshipsAnswers(
            Section.RELATIONSHIPS,
            Relationships(Partnership.PARTNER, YesNo.NO, 2, 1, YesNo.NO, YesNo.NO, YesNo.YES),
        ),
        LifestyleAnswers(
            Section.LIFESTYLE,
            Lifestyle(Work.PART_TIME, Housing.RENTED, YesNo.NO, Income.WAGES, YesNo.YES, ()),
            notes="Works nights at the bakery.",
        ),
    )


def evaluated(history: SubstancesAnswers | None = None, adolescence: Adolescence | None = None) -> tuple[object, ...]:
    """An evaluation with every section recorded."""
    sections = (recorded(answers, MONDAY) for answers in all_sections(history, adolescence))
    return (EvaluationBegun(PATIENT), *sections)


SIGNED = EvaluationSigned(PATIENT, 37, False, False, (), DATA.withdrawal.id, DATA.withdrawal.version)

ADMITTED = PatientAdmitted(PATIENT, EVALUATION, LevelOfCare.INTENSIVE_OUTPATIENT, MONDAY, adolescent=False)


def intervention(item_id: str, modality: Modality, minutes: int) -> WrittenIntervention:
    return WrittenIntervention(item_id, f"{modality} work", modality, minutes, "counsellor-7", MONDAY)


def written_plan(*interventions: WrittenIntervention) -> WrittenPlan:
    """One problem, one goal, one objective."""
    chosen = interventions or (
        intervention("i1", Modality.GROUP, 540),
        intervention("i2", Modality.INDIVIDUAL, 60),
        intervention("i3", Modality.SUPPORT_GROUP, 90),
    )
    in_june = date(2026, 6, 1)
    objective = WrittenObjective("o1", "Name three triggers", "counsellor-7", in_june, chosen)
    goal = WrittenGoal("g1", "Live without heroin", "counsellor-7", in_june, (objective,))
    problem = WrittenProblem("p1", "Opioid use, daily for five years", "counsellor-7", MONDAY, "F11.20", (goal,))
    return WrittenPlan((problem,), strengths=("Cares for her daughter",), preferences=("Evening groups",))


DRAFTED = PlanDrafted(PATIENT, EPISODE, *taken_apart(written_plan()))

ACTIVATED = PlanActivated(
    patient_id=PATIENT,
    episode_id=EPISODE,
    revision=1,
    active_from=MONDAY,
    prescribed=(
        WeeklyMinutes(Modality.GROUP, 540),
        WeeklyMinutes(Modality.INDIVIDUAL, 60),
        WeeklyMinutes(Modality.SUPPORT_GROUP, 90),
    ),
    counted_minutes_per_week=600,
    goal_ids=("g1",),
    hours_finding=HoursFinding.FITS,
    patient_signature=SignatureMethod.ELECTRONIC,
    patient_signed_on=MONDAY,
    next_review_on=MONDAY + timedelta(days=14),
    policy_id="plan-review",
    policy_version=1,
)
