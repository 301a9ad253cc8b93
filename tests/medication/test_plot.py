"""Pictures of tapers: every dose stands where it belongs, and nothing that was written into one can act in a browser."""

from xml.etree import ElementTree as ET

import pytest

from services.medication.plot import Line, Marks, Panel, picture
from services.medication.plot_alternatives import drawn
from services.medication.taper_policies import taper_policies
from tests.medication.pictures import FOLDER, pictures
from tests.medication.smoothest.test_alternatives import TEN_PERCENT
from tests.medication.smoothest.test_requests import GOOD

SVG = "{http://www.w3.org/2000/svg}"


def parts(svg: str, tag: str) -> list[ET.Element]:
    return list(ET.fromstring(svg).iter(f"{SVG}{tag}"))


def words(svg: str) -> list[str]:
    return [one.text or "" for one in parts(svg, "text")]


def test_a_line_goes_by_steps_and_ends_where_the_plan_ends() -> None:
    """Ten days over 858 points, 260 points for 100 mg: the first step falls to half the height on the fifth day."""
    svg = picture("t", [Panel("Dose", [Line("plan", [(0, 100.0), (5, 50.0)], until=10)])], str)
    line = next(one for one in parts(svg, "path") if one.get("stroke-width") == "2" and "H" in one.get("d", ""))

    assert line.get("d") == "M62.0 76.0H491.0V206.0H920.0"


def test_a_missed_day_is_a_cross_at_the_foot_and_a_dose_a_dot_at_its_height() -> None:
    marks = Marks("given", [(0, 50.0), (5, None)])
    svg = picture("t", [Panel("Dose", [Line("plan", [(0, 100.0)], until=10)], [marks])], str)
    # The legend has one of each kind first.
    (dot,) = parts(svg, "circle")
    assert (dot.get("cx"), dot.get("cy")) == ("62.0", "226.0")
    assert any((one.get("d") or "").startswith("M491.0 356m") for one in parts(svg, "path"))


def test_words_from_outside_stay_words() -> None:
    svg = picture("<script>alert(1)</script> & co", [Panel("x", [Line("<b>", [(0, 1.0)], until=1)])], str)

    assert parts(svg, "script") == []
    assert "<script>alert(1)</script> & co" in words(svg)


def test_dose_and_effect_of_every_schedule_are_drawn() -> None:
    svg = drawn({"question": GOOD, "shapes": [TEN_PERCENT]})["picture"]

    assert words(svg)[:3] == [
        "20 to 0 mg a day",
        "smoothest",
        "percent of the present dose, from the ideal dose, rounded half up",
    ]
    assert "Effect, % of that of the first dose (dose)" in words(svg)
    assert sum("V" in one.get("d", "") for one in parts(svg, "path")) == 4


def test_where_nothing_complies_the_picture_says_so() -> None:
    cap = {"relative_caps": [{"fraction": "0.1", "window_days": 14}], "jump_off_max_mg": "2"}
    svg = drawn({"question": GOOD | cap})["picture"]

    assert words(svg)[:2] == ["20 to 0 mg a day: no schedule complies (no_compliant_step)", "present dose"]


def test_a_bad_request_has_no_picture() -> None:
    assert drawn({"question": GOOD | {"steps": 0}})["field"] == "question.steps"


@pytest.mark.parametrize("name", ["taper-alternatives.svg", "taper-running.svg"])
def test_the_pictures_of_the_docs_are_what_the_program_draws(name: str) -> None:
    assert (FOLDER / name).read_text() == pictures()[name], "python -m tests.medication.pictures"


def test_the_docs_name_every_guideline_in_its_version() -> None:
    table = (FOLDER.parent / "tapers.md").read_text()

    for one in taper_policies().values():
        assert f"| `{one.id}` {one.version} |" in table
