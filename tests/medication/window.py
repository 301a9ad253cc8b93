"""What the tests of the routes do again and again: orders that are signed, doses that are given, dates at the site."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from services.medication import examples
from tests.medication.running import NEW_YORK, Clinic


def body(example: examples.Examples, name: str | None = None, **changes: Any) -> dict[str, Any]:
    """The example's value with some entries replaced."""
    value: dict[str, Any] = example[name or next(iter(example))]["value"]
    return value | changes


def today(zone: str = NEW_YORK) -> date:
    """The date at a site."""
    return datetime.now(UTC).astimezone(ZoneInfo(zone)).date()


def ago(days: int) -> str:
    """A date at the site, so many days back."""
    return (today() - timedelta(days=days)).isoformat()


def at_noon(days_ago: int) -> str:
    """Noon at the site on that date."""
    noon = datetime.combine(today() - timedelta(days=days_ago), time(12), ZoneInfo(NEW_YORK))
    return noon.isoformat()


def order_body(**changes: Any) -> dict[str, Any]:
    """16 mg a day for a new patient, from a fortnight ago."""
    return body(examples.ORDER, patient_id=str(uuid4()), starts_on=ago(14)) | changes


async def signed(clinic: Clinic, order: str, **changes: Any) -> str:
    """An order in force; the patient's id."""
    draft = order_body(**changes)
    await clinic.done(await clinic.put(f"orders/{order}", draft))
    rationale = {"rationale": "Carried over from the hospital's order; tolerated for weeks."}
    await clinic.done(await clinic.post(f"orders/{order}/signature", rationale, "prescriber", version=1))
    return str(draft["patient_id"])


async def give(clinic: Clinic, order: str, days_ago: int, dose_mg: str = "16") -> dict[str, Any]:
    """The dose of a day, entered late; the accepted answer."""
    entered = {"dose_mg": dose_mg, "dosing_on": ago(days_ago), "given_at": at_noon(days_ago)}
    return await clinic.done(await clinic.post(f"orders/{order}/doses", entered))


def steps(*doses_mg: str, first_days_ago: int = 10, every_days: int = 4) -> list[dict[str, str]]:
    """A step every few days."""
    return [
        {"starts_on": ago(first_days_ago - index * every_days), "dose_mg": one} for index, one in enumerate(doses_mg)
    ]


async def tapered(clinic: Clinic, order: str, taper: str, *doses_mg: str, **how: int) -> str:
    """An order in force with a taper, no step confirmed; the patient's id."""
    patient = await signed(clinic, order)
    plan = {"order_id": order, "target_dose_mg": doses_mg[-1], "steps": steps(*doses_mg, **how)}
    await clinic.done(await clinic.put(f"tapers/{taper}", plan, "prescriber"))
    return patient


async def confirm(clinic: Clinic, taper: str, step: int, days_ago: int) -> dict[str, Any]:
    """The prescriber's confirmation, dated back, on the taper as it stands."""
    version = (await clinic.get(f"tapers/{taper}"))["version"]
    note = {"step": step, "tolerance": "well", "assessment": "No craving.", "confirmed_on": ago(days_ago)}
    answer = await clinic.post(f"tapers/{taper}/confirmations", note, "prescriber", version=version)
    return await clinic.done(answer)


async def guest(clinic: Clinic, patient: str, order: str, site: str, days: int | None = 3) -> str:
    """The patient is a guest at the other site from today on; the stay's id. Without days the patient moves for good."""
    stay = f"patients/{patient}/guest-dosing/{uuid4()}"
    until_on = None if days is None else ago(-days)
    asked = {"order_id": order, "from_on": ago(0), "until_on": until_on, "reason": "Visits family."}
    await clinic.done(await clinic.put(stay, asked, site=site))
    await clinic.done(await clinic.post(f"{stay}/approval", {"take_homes_held": 0}, "prescriber"))
    await clinic.done(await clinic.post(f"{stay}/acceptance", {}, site=site))
    return stay
