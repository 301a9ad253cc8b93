"""Plan state: doses, adherence, tapers and holds."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

from shared.events import medication
from tests.intake.recording import ORDER, TAPER, Doses, state
from tests.intake.situations import MONDAY, PATIENT


def test_adherence_counts_slots_by_what_was_recorded_last() -> None:
    book = Doses()
    book.sign()
    for day in range(5):
        book.give(MONDAY + timedelta(days=day))
    book.refuse(MONDAY + timedelta(days=5))
    book.miss(MONDAY + timedelta(days=6))
    book.void(MONDAY)

    (order,) = state(*book.events)["medication"]

    assert order["adherence"]["all"] == {"given": 4, "refused": 1, "missed": 1, "rate": 0.667}
    assert (order["status"], order["dose_mg"]) == ("signed", "30")


def test_a_backdated_dose_replaces_the_missed_slot() -> None:
    book = Doses()
    book.sign()
    book.miss(MONDAY)
    book.give(MONDAY + timedelta(weeks=10))
    book.give(MONDAY)

    (order,) = state(*book.events)["medication"]

    assert order["adherence"]["all"]["given"] == 2
    assert order["adherence"]["all"]["missed"] == 0


def taper_book(late_days: int = 0) -> Doses:
    book = Doses()
    steps = tuple(medication.PlannedStep(MONDAY + timedelta(weeks=n), Decimal(30 - 10 * n)) for n in range(1, 4))
    started = medication.TaperStarted(
        patient_id=PATIENT,
        taper_id=TAPER,
        order_id=ORDER,
        medicine="methadone",
        zone="America/New_York",
        start_dose_mg=Decimal(30),
        target_dose_mg=Decimal(0),
        steps=steps,
    )
    book.write(f"taper-{TAPER}", started)
    confirmed = medication.TaperStepConfirmed(
        order_id=ORDER,
        medicine="methadone",
        step=1,
        dose_mg=Decimal(20),
        planned_on=steps[0].starts_on,
        effective_on=steps[0].starts_on + timedelta(days=late_days),
        tolerance=medication.Tolerance.WELL,
        policy_id="taper",
        policy_version=1,
        assessment=None,
    )
    book.write(f"taper-{TAPER}", confirmed)
    return book


def test_a_taper_is_at_a_step_of_so_many() -> None:
    (taper,) = state(*taper_book().events)["tapers"]

    assert (taper["step"], taper["steps"], taper["dose_mg"]) == (1, 3, "20")
    assert taper["next_step"] == {"starts_on": "2026-03-16", "dose_mg": "10"}


def test_a_step_that_begins_late_moves_the_next() -> None:
    (taper,) = state(*taper_book(late_days=3).events)["tapers"]

    assert taper["next_step"]["starts_on"] == "2026-03-19"


def test_a_held_taper_is_a_hold_and_goes_on_later() -> None:
    book = taper_book()
    reason = medication.TaperHoldReason.CRAVING
    held = medication.TaperHeld(ORDER, "methadone", reason, MONDAY, 1, Decimal(20), None)
    event = book.write(f"taper-{TAPER}", held)
    assert state(*book.events)["holds"] == [
        {"kind": "taper", "id": str(TAPER), "reason": "craving", "since": "2026-03-02", "event_id": str(event.event_id)}
    ]

    book.write(f"taper-{TAPER}", medication.TaperResumed(ORDER, MONDAY + timedelta(days=5), 1, 5))
    found = state(*book.events)
    assert found["holds"] == []
    assert found["tapers"][0]["next_step"]["starts_on"] == "2026-03-21"


def test_a_taper_whose_last_dose_is_voided_goes_on() -> None:
    book = taper_book()
    book.write(f"taper-{TAPER}", medication.TaperCompleted(ORDER, "buprenorphine", Decimal(0), MONDAY))
    assert state(*book.events)["tapers"][0]["status"] == "completed"

    reopened = book.write(f"taper-{TAPER}", medication.TaperStepReopened(ORDER, 3, uuid4()))
    (taper,) = state(*book.events)["tapers"]
    assert (taper["status"], taper["event_id"]) == ("active", str(reopened.event_id))


def test_a_new_plan_and_a_reversal_are_positions_of_their_own() -> None:
    book = taper_book()
    step = medication.PlannedStep(MONDAY + timedelta(weeks=5), Decimal(5))
    plan = (Decimal(5), (step,), (), (), None, None)
    missed, craving = medication.ReplanReason.MISSED_DOSES, medication.ReversalReason.CRAVING
    book.write(
        f"taper-{TAPER}",
        medication.TaperHeld(ORDER, "methadone", medication.TaperHoldReason.CRAVING, MONDAY, 1, Decimal(20), None),
    )
    book.write(f"taper-{TAPER}", medication.TaperReplanned(ORDER, "methadone", missed, MONDAY, 1, Decimal(20), *plan))
    found = state(*book.events)
    (taper,) = found["tapers"]
    assert (taper["status"], taper["step"], taper["steps"], taper["target_dose_mg"]) == ("active", 1, 2, "5")
    assert taper["next_step"] == {"starts_on": "2026-04-06", "dose_mg": "5"}
    assert found["holds"] == []

    book.write(f"taper-{TAPER}", medication.TaperReversed(ORDER, "methadone", craving, MONDAY, 2, Decimal(30), *plan))
    (taper,) = state(*book.events)["tapers"]
    assert (taper["step"], taper["steps"], taper["dose_mg"]) == (2, 3, "30")
