"""A plan is held to the caps of its medicine's guideline, over the cap's own window of days."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from services.medication import taper as tapers
from services.medication.formulary import FormularyDataError
from services.medication.smoothest.preview import preview
from services.medication.taper_caps import CapExceeded, above_caps
from services.medication.taper_policies import (
    AppliesTo,
    RelativeCap,
    Scale,
    TaperPolicy,
    TemplateUnknown,
    policies_for,
    taper_policies,
)
from services.medication.taper_start import ScaleNeedsParameter, StartTaper
from shared.events.medication import EffectScale, PlannedStep, PolicyUsed, TaperDesign, TaperShape, TaperStarted
from tests.medication.situations import FILM, MONDAY, ORDER, ORDERED, STEPS, TAPER

LABEL, GUIDELINE = taper_policies()["methadone-taper-label"], taper_policies()["benzodiazepine-taper-2025"]
SOURCES = Path(__file__).parents[2] / "services" / "medication" / "policies" / "tapering"


def plan(doses_mg: str, every_days: int = 14) -> list[PlannedStep]:
    """A step every so many days."""
    return [
        PlannedStep(MONDAY + timedelta(days=every_days * number), Decimal(dose_mg))
        for number, dose_mg in enumerate(doses_mg.split())
    ]


def broken(policy: TaperPolicy, start_mg: str, doses_mg: str, every_days: int = 14) -> list[tuple[int, str]]:
    """Step (from 0) and rule."""
    cuts = above_caps([policy], plan(doses_mg, every_days), lambda _: Decimal(start_mg))
    return [(one.step, one.rule) for one in cuts]


@pytest.mark.parametrize(
    ("start_mg", "doses_mg", "every_days", "steps"),
    [
        ("20", "15", 14, []),
        ("20", "14", 14, [0]),
        ("40", "30", 14, []),
        ("8", "6", 14, []),
        ("8", "5", 14, [0]),
        ("40", "35 30 29 22", 7, [3]),
        ("40", "35 30", 14, []),
        ("40", "35 29", 7, [1]),
    ],
)
def test_at_most_25_percent_in_two_weeks(start_mg: str, doses_mg: str, every_days: int, steps: list[int]) -> None:
    """Vector K, and the same over a window that is longer than a step."""
    assert broken(GUIDELINE, start_mg, doses_mg, every_days) == [(one, "relative_caps[0]") for one in steps]


def test_the_label_of_methadone_means_less_than_10_percent() -> None:
    """Vectors I and J."""
    assert broken(LABEL, "80", "72") == [(0, "relative_caps[0]")]
    assert broken(LABEL, "80", "73 66 60") == []
    assert broken(LABEL, "80", "73 65") == [(1, "relative_caps[0]")]


def test_what_was_taken_before_the_plan_counts_as_long_as_the_window_sees_it() -> None:
    """Worked example W9: the day before yesterday the dose was still 30."""

    def taken(day: date) -> Decimal:
        return Decimal(30) if day < MONDAY - timedelta(days=7) else Decimal(24)

    assert above_caps([GUIDELINE], plan("23 20", 7), taken) == []
    (cut,) = above_caps([GUIDELINE], plan("22", 7), taken)
    assert (cut.reference_mg, cut.dose_mg) == (Decimal(30), Decimal(22))


def random_policy(chance: Random, target: str) -> TaperPolicy:
    caps = tuple(
        RelativeCap(
            Decimal(chance.choice(["0.1", "0.25", "0.5"])), chance.choice([1, 7, 14, 15, 28]), chance.random() < 0.3
        )
        for _ in range(chance.choice([1, 2]))
    )
    most = chance.choice([None, Decimal(1), Decimal(3)])
    jump_off = Decimal(chance.choice([1, 2, 4])) if target == "0" else None
    return TaperPolicy(
        id="x", version=1, name="x", medicines=("x",), applies=AppliesTo.WHEN_CHOSEN, relative_caps=caps, max_cut_mg=most,
        jump_off_max_mg=jump_off, step_days=14, scale=Scale(EffectScale.LINEAR, None), unit="x",
        may_override="prescriber_with_rationale", advice=(), source="x", evidence=LABEL.evidence, site_override=False,
        signed_off_by=None,
    )  # fmt: skip


def request_of(policy: TaperPolicy, doses_mg: list[str], every_days: int) -> dict[str, Any]:
    start, *rest = doses_mg
    caps = [
        {"fraction": str(one.fraction), "window_days": one.window_days, "strict": one.strict}
        for one in policy.relative_caps
    ]
    return {
        "start_dose_mg": start,
        "target_dose_mg": "0" if policy.jump_off_max_mg else rest[-1],
        "steps": 1,
        "step_days": every_days,
        "increment_mg": "1",
        "scale": {"kind": "linear"},
        "relative_caps": caps,
        "max_cut_mg": policy.max_cut_mg and str(policy.max_cut_mg),
        "jump_off_max_mg": policy.jump_off_max_mg and str(policy.jump_off_max_mg),
        "compare": [{"shape": "given", "doses_mg": rest}],
    }


def test_plans_are_judged_as_by_the_engine_of_the_smoothest_taper() -> None:
    """Two programs of the same rules: steps on dates here, steps of equal length there."""
    chance = Random(7)
    found = 0
    for _ in range(1000):
        doses_mg = sorted({str(chance.randint(0, 30)) for _ in range(chance.randint(2, 7))}, key=int, reverse=True)
        if len(doses_mg) < 2:
            continue
        every_days = chance.choice([3, 7, 14])
        policy = random_policy(chance, doses_mg[-1])
        answer = preview(request_of(policy, doses_mg, every_days))
        told = [(one["step"] - 1, rule) for one in answer["compared"][0]["violations"] for rule in one["broken"]]
        assert sorted(broken(policy, doses_mg[0], " ".join(doses_mg[1:]), every_days)) == sorted(told)
        found += len(told)
    assert found > 500


def test_a_cut_above_a_cap_needs_the_prescriber_s_rationale() -> None:
    fast = StartTaper(TAPER, ORDER, FILM, Decimal(4), STEPS, MONDAY, (GUIDELINE,))
    with pytest.raises(CapExceeded) as refused:
        tapers.decider.decide(tapers.decider.initial, fast, ORDERED)
    assert (refused.value.field, refused.value.facts["reference_mg"]) == ("steps[2].dose_mg", "14")
    assert refused.value.facts["may_override"] == "prescriber_with_rationale"
    assert "25 %" in str(refused.value.facts["source"])

    reasoned = StartTaper(TAPER, ORDER, FILM, Decimal(4), STEPS, MONDAY, (GUIDELINE,), None, "Agreed.")
    (started,) = tapers.decider.decide(tapers.decider.initial, reasoned, ORDERED)
    assert isinstance(started, TaperStarted)
    assert (started.caps_exceeded, started.rationale) == (("benzodiazepine-taper-2025",), "Agreed.")
    assert started.policies == (PolicyUsed("benzodiazepine-taper-2025", 1),)


def test_a_scale_comes_with_its_assumption() -> None:
    for scale, scale_mg in (
        (EffectScale.HYPERBOLIC, None),
        (EffectScale.EXPONENTIAL, Decimal(0)),
        (EffectScale.LINEAR, Decimal(1)),
    ):
        design = TaperDesign(TaperShape.SMOOTHEST, scale, scale_mg)
        with pytest.raises(ScaleNeedsParameter):
            tapers.decider.decide(
                tapers.decider.initial, StartTaper(TAPER, ORDER, FILM, Decimal(4), STEPS, MONDAY, (), design), ORDERED
            )


def test_what_applies_to_every_taper_applies_beside_the_chosen_template() -> None:
    assert [one.id for one in policies_for("methadone", None)] == ["methadone-taper-label"]
    assert [one.id for one in policies_for("methadone", "methadone-taper-slow")] == [
        "methadone-taper-label",
        "methadone-taper-slow",
    ]
    assert policies_for("naltrexone", None) == ()
    with pytest.raises(TemplateUnknown) as refused:
        policies_for("methadone", "buprenorphine-taper-outpatient")
    assert refused.value.facts["templates"] == ["methadone-taper-label", "methadone-taper-slow"]


@pytest.mark.parametrize(
    ("entry", "instead"),
    [
        ("version: 1", "version: 0"),
        ("applies: every_taper", "applies: sometimes"),
        ("fraction: '0.1'", "fraction: '1.1'"),
        ("parameter_mg: '10'", "parameter_mg: null"),
        ("relative_caps:\n  - {fraction: '0.1', window_days: 14, strict: true}", "relative_caps: []"),
        ("source:", "sauce:"),
    ],
)
def test_a_policy_that_contradicts_itself_stops_the_start(tmp_path: Path, entry: str, instead: str) -> None:
    text = (SOURCES / "methadone-label.v1.yaml").read_text()
    assert entry in text
    (tmp_path / "methadone-label.v1.yaml").write_text(text.replace(entry, instead))

    with pytest.raises(FormularyDataError):
        taper_policies(tmp_path)


def test_the_newest_version_of_a_policy_counts(tmp_path: Path) -> None:
    text = (SOURCES / "methadone-label.v1.yaml").read_text()
    (tmp_path / "b.yaml").write_text(text)
    (tmp_path / "a.yaml").write_text(text.replace("version: 1", "version: 2"))

    assert taper_policies(tmp_path)["methadone-taper-label"].version == 2
