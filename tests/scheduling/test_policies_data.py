"""The policy files: complete, consistent, and refused at the start when they are not."""

import shutil
from pathlib import Path

import pytest
from pydantic import ValidationError

from services.scheduling.catalogue import FOLDER, CountingPolicyUnknown, PolicyDataError, catalogue
from services.scheduling.counting import CountingPolicyIncomplete
from services.scheduling.gates import BookingPolicyIncomplete
from shared.events.intake import Modality as PlanModality
from shared.events.scheduling import Modality, Place
from tests.scheduling.situations import POLICIES


def test_every_form_of_help_has_the_word_of_the_plan() -> None:
    assert {one.value for one in Modality} == {one.value for one in PlanModality} - {"medication"}


def test_every_kind_is_counted_by_every_policy_at_every_place() -> None:
    for policy in POLICIES.counting.values():
        for activity in POLICIES.activities.activities:
            for place in Place:
                assert policy.rule_for(activity.modality, activity.kind, place) in policy.rules


def test_support_groups_count_in_no_policy() -> None:
    for policy in POLICIES.counting.values():
        assert not policy.rule_for(Modality.SUPPORT_GROUP, "aa", Place.OUTSIDE).counts


def test_every_policy_names_its_source() -> None:
    sources = [POLICIES.activities.source, POLICIES.booking.source]
    sources += [policy.source for policy in POLICIES.counting.values()]

    assert all(len(source) > 40 for source in sources)


def test_a_counting_policy_that_is_not_shipped_is_refused() -> None:
    with pytest.raises(CountingPolicyUnknown):
        POLICIES.counting_policy("generous")


@pytest.mark.parametrize(
    ("file", "old", "new", "error"),
    [
        ("booking.v1.yaml", "modality: cam", "modality: group", BookingPolicyIncomplete),
        ("booking.v1.yaml", "late_cancellation_hours: 24", "late_cancellation_hours: -1", ValidationError),
        (
            "counting-program-hours.v1.yaml",
            "modalities: [cam]",
            "modalities: [cam], kinds: [yoga]",
            CountingPolicyIncomplete,
        ),
        ("counting-program-hours.v1.yaml", "version: 1", "version: 2", PolicyDataError),
        ("counting-program-hours.v1.yaml", "counts: true", "counts: true, per: week", ValidationError),
        ("activities.v1.yaml", "kind: yoga", "kind: music", PolicyDataError),
        ("activities.v1.yaml", "modality: cam", "modality: spa", ValidationError),
    ],
)
def test_a_file_that_contradicts_itself_stops_the_start(
    tmp_path: Path, file: str, old: str, new: str, error: type[Exception]
) -> None:
    folder = Path(shutil.copytree(FOLDER, tmp_path / "policies"))
    text = (folder / file).read_text("utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new), "utf-8")

    with pytest.raises(error):
        catalogue(folder)
