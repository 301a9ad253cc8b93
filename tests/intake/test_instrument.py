"""COWS and PHQ-9 with the vectors of the published scales."""

from dataclasses import replace

import pytest

from services.intake.catalogue import InstrumentUnknown, catalogue
from services.intake.instrument import (
    AnswerContradictsMeasure,
    Instrument,
    InstrumentDataError,
    ItemUnknown,
    MeasureNeeded,
    MeasureOutOfRange,
    MeasureUnknown,
    Score,
    TotalDiffers,
    ValueNotAllowed,
    checked,
    score,
)

COWS = catalogue().instrument("cows")
PHQ_9 = catalogue().instrument("phq-9")
PULSE_FOR = {0: 72, 1: 90, 2: 110, 4: 130}
OTHER_COWS_ITEMS = [item.id for item in COWS.items if item.id != "pulse"]
PHQ_ITEMS = [item.id for item in PHQ_9.scored]


def cows(*values: int, claimed: int | None = None) -> Score:
    pulse, *others = values
    answers = dict(zip(OTHER_COWS_ITEMS, others, strict=True))
    return score(COWS, answers, {"pulse_bpm": PULSE_FOR[pulse]}, claimed)


def phq(*values: int, claimed: int | None = None) -> Score:
    return score(PHQ_9, dict(zip(PHQ_ITEMS, values, strict=False)), {}, claimed)


@pytest.mark.parametrize(
    ("values", "total", "band"),
    [
        ((0,) * 11, 0, "none"),
        ((1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0), 10, "mild"),
        ((2, 2, 3, 2, 2, 2, 2, 2, 2, 2, 3), 24, "moderate"),
        ((4, 4, 5, 5, 4, 4, 5, 4, 4, 4, 5), 48, "severe"),
    ],
)
def test_cows_adds_up_to_the_published_bands(values: tuple[int, ...], total: int, band: str) -> None:
    result = cows(*values)

    assert (result.total, result.band, result.missing) == (total, band, ())


@pytest.mark.parametrize(("bpm", "value"), [(80, 0), (81, 1), (100, 1), (101, 2), (120, 2), (121, 4)])
def test_cows_takes_the_pulse_in_beats_and_scores_it_itself(bpm: int, value: int) -> None:
    assert score(COWS, {}, {"pulse_bpm": bpm}, None).values["pulse"] == value


def test_cows_goes_up_to_48() -> None:
    assert COWS.highest_total == 48


def test_gooseflesh_of_4_is_not_on_the_scale() -> None:
    with pytest.raises(ValueNotAllowed) as refusal:
        score(COWS, {"gooseflesh": 4}, {}, None)

    assert refusal.value.field == "answers.gooseflesh"
    assert refusal.value.facts == {"allowed": [0, 3, 5]}


def test_an_item_that_the_instrument_does_not_have_is_refused() -> None:
    with pytest.raises(ItemUnknown):
        score(PHQ_9, {"cravings": 1}, {}, None)


def test_a_measure_that_the_instrument_does_not_have_is_refused() -> None:
    with pytest.raises(MeasureUnknown):
        score(PHQ_9, {}, {"pulse_bpm": 80}, None)


def test_a_pulse_that_nobody_has_is_refused() -> None:
    with pytest.raises(MeasureOutOfRange):
        score(COWS, {}, {"pulse_bpm": 999}, None)


def test_the_pulse_item_cannot_be_scored_without_the_pulse() -> None:
    with pytest.raises(MeasureNeeded):
        score(COWS, {"pulse": 1}, {}, None)


def test_a_pulse_item_that_contradicts_the_pulse_is_refused() -> None:
    with pytest.raises(AnswerContradictsMeasure):
        score(COWS, {"pulse": 0}, {"pulse_bpm": 81}, None)


def test_a_total_that_differs_from_the_answers_is_refused_and_told() -> None:
    with pytest.raises(TotalDiffers) as refusal:
        cows(2, 2, 3, 2, 2, 2, 2, 2, 2, 2, 3, claimed=25)

    assert refusal.value.facts == {"computed": 24}


def test_a_total_for_an_incomplete_form_is_refused() -> None:
    with pytest.raises(TotalDiffers):
        phq(1, 1, claimed=2)


def test_an_incomplete_cows_has_no_total() -> None:
    result = score(COWS, {"sweating": 4}, {}, None)

    assert (result.total, result.band) == (None, None)
    assert "pulse" in result.missing


@pytest.mark.parametrize(
    ("values", "total", "band"),
    [
        ((0,) * 9, 0, "minimal"),
        ((1, 1, 1, 1, 0, 0, 0, 0, 0), 4, "minimal"),
        ((1, 1, 1, 1, 1, 0, 0, 0, 0), 5, "mild"),
        ((2, 2, 2, 2, 1, 0, 0, 0, 0), 9, "mild"),
        ((2, 2, 2, 2, 2, 0, 0, 0, 0), 10, "moderate"),
        ((2, 2, 2, 2, 2, 2, 2, 0, 0), 14, "moderate"),
        ((3, 3, 3, 3, 3, 0, 0, 0, 0), 15, "moderately-severe"),
        ((3, 3, 3, 3, 3, 3, 1, 0, 0), 19, "moderately-severe"),
        ((3, 3, 3, 3, 3, 3, 2, 0, 0), 20, "severe"),
        ((3,) * 9, 27, "severe"),
    ],
)
def test_phq_9_bands(values: tuple[int, ...], total: int, band: str) -> None:
    result = phq(*values)

    assert (result.total, result.band) == (total, band)


def test_the_difficulty_item_is_kept_but_not_scored() -> None:
    result = score(PHQ_9, dict.fromkeys(PHQ_ITEMS, 1) | {"difficulty": 3}, {}, None)

    assert result.total == 9
    assert result.values["difficulty"] == 3


@pytest.mark.parametrize(
    ("values", "total"),
    [
        ((1, 1, 1, 1, 1, 1, 1), 9),
        ((2, 2, 2, 1, 1, 1, 1), 13),  # 10 / 7 * 9 = 12.86
        ((1, 1, 1, 1, 1, 1, 1, 1), 9),
        ((1, 1, 1, 1, 0, 0, 0, 0), 5),  # 4 / 8 * 9 = 4.5, halves go up
    ],
)
def test_phq_9_fills_up_to_two_missing_items_with_the_mean(values: tuple[int, ...], total: int) -> None:
    result = phq(*values)

    assert (result.total, result.prorated) == (total, True)


def test_phq_9_with_three_missing_items_has_no_total() -> None:
    assert phq(3, 3, 3, 3, 3, 3).total is None


def test_any_thought_of_self_harm_is_a_danger_sign_whatever_the_total() -> None:
    (danger,) = phq(0, 0, 0, 0, 0, 0, 0, 0, 1).dangers

    assert danger.sign == "suicide-risk"


def test_a_danger_sign_is_seen_on_an_incomplete_form_too() -> None:
    result = score(PHQ_9, {"self-harm": 2}, {}, None)

    assert result.total is None
    assert [danger.sign for danger in result.dangers] == ["suicide-risk"]


def test_no_thought_of_self_harm_is_no_danger_sign() -> None:
    assert phq(*(3,) * 8, 0).dangers == ()


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (replace(COWS, bands=COWS.bands[1:]), "must start at 0"),
        (replace(COWS, bands=COWS.bands[:-1]), "must end at 48"),
        (replace(COWS, items=(*COWS.items, COWS.items[1])), "same id"),
        (replace(COWS, items=(replace(COWS.items[1], allowed=(2, 1)), *COWS.items[2:])), "must rise"),
        (replace(PHQ_9, dangers=(replace(PHQ_9.dangers[0], item="sleeep"),)), "an item that there is not"),
    ],
)
def test_a_data_file_that_contradicts_itself_stops_the_start(broken: Instrument, words: str) -> None:
    with pytest.raises(InstrumentDataError, match=words):
        checked(broken)


def test_steps_of_a_derived_item_must_cover_every_reading() -> None:
    pulse = COWS.items[0]
    assert pulse.derived_from is not None
    gap = replace(pulse, derived_from=replace(pulse.derived_from, steps=pulse.derived_from.steps[:-1]))

    with pytest.raises(InstrumentDataError, match="leave none out"):
        checked(replace(COWS, items=(gap, *COWS.items[1:])))


def test_an_instrument_or_version_that_is_not_kept_is_refused() -> None:
    with pytest.raises(InstrumentUnknown):
        catalogue().instrument("mmpi")
    with pytest.raises(InstrumentUnknown):
        catalogue().instrument("cows", 99)


def test_every_instrument_names_its_source_and_licence() -> None:
    for versions in catalogue().instruments.values():
        for instrument in versions.values():
            assert instrument.source
            assert instrument.licence
