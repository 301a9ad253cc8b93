"""No trap is without a test, and the program that says so reads docstrings as people write them."""

from pathlib import Path

from tests.faults.traps import HELD_HERE, TESTS, TRAPS, cases, mentioned, page, untested

INVENTED = '''
"""T13: everything here."""

async def test_nothing_is_lost():
    """T18, T19: SIGKILL at random."""

def test_a_gap_is_caught():
    """T11."""

def test_of_something_else():
    """The day T1000 was built."""
'''


def test_every_trap_has_a_test() -> None:
    assert untested(cases(TESTS)) == []


def test_docstrings_name_traps_one_by_one_or_from_first_to_last() -> None:
    assert list(mentioned("T18, T19: killed.")) == ["T18", "T19"]
    assert list(mentioned("T27 to T30, P1: everything.")) == ["T27", "T28", "T29", "T30", "P1"]
    assert list(mentioned("The day T1000 was built.")) == []


def test_a_trap_without_a_test_is_named(tmp_path: Path) -> None:
    (tmp_path / "test_invented.py").write_text(INVENTED)

    found = cases(tmp_path)

    assert set(found) == {"T11", "T13", "T18", "T19"}
    assert untested(found) == [trap for trap in TRAPS if trap in HELD_HERE - found.keys()]
    assert f"| `{tmp_path}/test_invented.py::test_nothing_is_lost` |" in page(found)
    assert [one.bites for one in found["T11"]] == [True]
