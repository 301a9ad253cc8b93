"""A vomited dose: what the policy proposes, who decides, and that it is replaced once."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from services.medication.dose import ConfirmVoid, DoseWasReplaced, RequestVoid, decider
from services.medication.dose_vomited import (
    AlreadyReplaced,
    DecideReplacement,
    NothingToVomit,
    ReplaceDose,
    ReplacementAlreadyDecided,
    ReplacementNeedsReason,
    ReplacementNotDecided,
    ReplacementNotDispensable,
    ReplacementTooLarge,
    ReportVomited,
    TooLateToReplace,
    VomitedBeforeTheDose,
    VomitingAlreadyReported,
    VomitingNotReported,
)
from services.medication.dosing_slot import Place
from services.medication.formulary import formulary
from services.medication.window_policies import window_policies
from shared.events.medication import DoseReplaced, VoidReason
from shared.failures import Failure
from tests.medication.running import Clinic
from tests.medication.situations import ADMINISTERED, MONDAY
from tests.medication.window import signed, today
from tests.scenario import Scenario

POLICY = window_policies().vomited
DOSE = replace(ADMINISTERED, medicine="methadone", dose_mg=Decimal(80), ordered_mg=Decimal(80))
slot = Scenario(decider)
CONCENTRATE = formulary().product("methadone-concentrate")


def minutes(after: float) -> Any:
    return DOSE.given_at + timedelta(minutes=after)


def came_up(after: float, who: str | None = "kim") -> ReportVomited:
    return ReportVomited(minutes(after), who, POLICY)


def decides(mg: str, why: str | None = None) -> DecideReplacement:
    return DecideReplacement(Decimal(mg), "dr-lee", why, POLICY)


def replaces(mg: str, after: float = 60) -> ReplaceDose:
    place = Place(DOSE.order_id, DOSE.dosing_on, DOSE.split, MONDAY)
    return ReplaceDose(place, Decimal(mg), minutes(after), "kim", DOSE.site_id, CONCENTRATE, POLICY)


(REPORTED,) = slot.given(DOSE).when(came_up(20))
(HALF,) = slot.given(DOSE, REPORTED).when(decides("40"))
(REPLACED,) = slot.given(DOSE, REPORTED, HALF).when(replaces("40"))


@pytest.mark.parametrize(
    ("medicine", "after", "witness", "proposed"),
    [
        ("methadone", 0, "kim", "80"),
        ("methadone", 14.9, "kim", "80"),
        ("methadone", 15, "kim", "40"),
        ("methadone", 30, "kim", "40"),
        ("methadone", 31, "kim", "0"),
        ("methadone", 5, None, "0"),
        ("buprenorphine", 5, "kim", "0"),
        ("buprenorphine-naloxone", 5, "kim", "0"),
    ],
)
def test_the_policy_proposes_by_minutes_and_only_what_was_seen(
    medicine: str, after: float, witness: str | None, proposed: str
) -> None:
    (event,) = slot.given(replace(DOSE, medicine=medicine)).when(came_up(after, witness))
    assert (event.proposed_mg, event.policy) == (Decimal(proposed), POLICY.used)


@pytest.mark.parametrize(
    ("before", "command", "failure"),
    [
        ([], came_up(5), NothingToVomit),
        ([DOSE], came_up(-1), VomitedBeforeTheDose),
        ([DOSE, REPORTED], came_up(25), VomitingAlreadyReported),
        ([DOSE], decides("40"), VomitingNotReported),
        ([DOSE, REPORTED], decides("40.5"), ReplacementNeedsReason),
        ([DOSE, REPORTED], decides("81", "Sure."), ReplacementTooLarge),
        ([DOSE, REPORTED, HALF], decides("40"), ReplacementAlreadyDecided),
        ([DOSE, REPORTED], replaces("40"), ReplacementNotDecided),
        ([DOSE, REPORTED, replace(HALF, dose_mg=Decimal(0))], replaces("1"), ReplacementNotDecided),
        ([DOSE, REPORTED, HALF], replaces("41"), ReplacementTooLarge),
        ([DOSE, REPORTED, HALF], replaces("39.999"), ReplacementNotDispensable),
        ([DOSE, REPORTED, HALF], replaces("40", 20 + 241), TooLateToReplace),
        ([DOSE, REPORTED, HALF], replaces("40", 19), TooLateToReplace),
        ([DOSE, REPORTED, HALF, REPLACED], replaces("40"), AlreadyReplaced),
        ([DOSE, REPORTED, HALF, REPLACED], RequestVoid(VoidReason.WRONG_PATIENT, "kim", None), DoseWasReplaced),
        ([DOSE, REPORTED, HALF, REPLACED], ConfirmVoid("lee"), DoseWasReplaced),
    ],
    ids=lambda one: one.__name__ if isinstance(one, type) else "",
)
def test_what_is_out_of_place_is_refused(before: list[Any], command: object, failure: type[Failure]) -> None:
    with pytest.raises(failure):
        slot.given(*before).when(command)


def test_a_prescriber_may_decide_on_more_with_a_reason_and_on_nothing() -> None:
    reported = slot.given(DOSE, REPORTED)
    assert reported.when(decides("80", "Whole bottle seen on the floor."))[0].dose_mg == 80
    assert reported.when(decides("0"))[0].dose_mg == 0
    last = slot.given(DOSE, REPORTED, HALF).when(replaces("40", 20 + 240))
    assert isinstance(last[0], DoseReplaced)


async def test_over_http_a_vomited_dose_is_replaced_once(clinic: Clinic) -> None:
    order = str(uuid4())
    how = {"product_id": "methadone-concentrate", "split_doses_mg": ["30"]}
    await signed(clinic, order, **how)
    given = await clinic.done(await clinic.post(f"orders/{order}/doses", {"dose_mg": "30"}))
    path = f"doses/{given['stream'].removeprefix('dose-')}"
    assert (await clinic.post(f"{path}/replacements", {"dose_mg": "30"})).status_code == 409
    await clinic.done(await clinic.post(f"{path}/vomiting", {"witnessed_by": "nurse-kim"}))
    assert (await clinic.post(f"{path}/replacement-decisions", {"dose_mg": "30"}, "nurse")).status_code == 403
    await clinic.done(await clinic.post(f"{path}/replacement-decisions", {"dose_mg": "30"}, "prescriber"))
    await clinic.done(await clinic.post(f"{path}/replacements", {"dose_mg": "30"}))
    again = await clinic.post(f"{path}/replacements", {"dose_mg": "30"})
    assert (again.status_code, again.json()["type"].rsplit("/", 1)[1]) == (409, "already-replaced")
    told = [one["type"] for one in (await clinic.get(path))["events"]]
    assert told == ["DoseAdministered", "DoseVomited", "DoseReplacementDecided", "DoseReplaced"]
    await clinic.project()
    lines = (await clinic.get(f"sites/{clinic.site}/dispensing-log?on={today()}"))["lines"]
    assert [one["dose_mg"] for one in lines if one["order_id"] == order] == ["30", "30"]
    missing = await clinic.post(f"doses/{uuid4()}/vomiting", {})
    assert missing.status_code == 404
