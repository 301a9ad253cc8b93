"""Orders, doses and tapers of one patient, and the race of two sites for one slot."""

import asyncio
from datetime import date
from typing import Any, Final

from deploy.demo.client import DemoRefused
from deploy.demo.ways import TAPERED, Journey, Way
from deploy.demo.world import SITES

FIRST_DAY: Final = 5
TAPER_DAY: Final = 8
STEP_DAYS: Final = 5
LAST_DAY: Final = 20
TAKEN: Final = frozenset({"dose-already-administered", "dosing-authority-elsewhere"})


async def medicate(journey: Journey) -> None:
    """An order, signed; doses day by day; a taper where the way has one; then the race, where it has one."""
    await order(journey)
    medicine = journey.patient.medicine
    tapered = journey.patient.way in TAPERED
    await dose_days(journey, FIRST_DAY, TAPER_DAY if tapered else LAST_DAY, medicine.parts_mg)
    if tapered:
        await taper(journey)
    if journey.patient.way is Way.TWO_SITES:
        await race(journey)


async def order(journey: Journey) -> None:
    """Examined where the rules ask for it, ordered and signed."""
    medicine, place = journey.patient.medicine, f"medication/orders/{journey.id('order')}"
    patient_id = str(journey.patient.patient_id)
    if medicine.examined:
        finding = {"observed_at": journey.weeks.at(FIRST_DAY - 1, journey.zone, 10), **medicine.examined}
        found = f"medication/patients/{patient_id}/findings/{journey.id('finding')}"
        await journey.do("PUT", found, finding, "nurse", "examine")
    body = {
        "patient_id": patient_id,
        "product_id": medicine.product,
        "split_doses_mg": list(medicine.parts_mg),
        "starts_on": journey.weeks.on(FIRST_DAY),
        "new_start": False,
    }
    drafted = await journey.do("PUT", place, body, "prescriber", "order")
    signature = {"rationale": "Carried over from the hospital's order; tolerated for weeks."}
    await journey.do("POST", f"{place}/signature", signature, "prescriber", "sign order", version=drafted["version"])


async def dose_days(journey: Journey, since: int, until: int, parts: tuple[str, ...]) -> None:
    """Every part of every day; now and then one is refused or missed."""
    place = f"medication/orders/{journey.id('order')}"
    for day in range(since, until):
        for split, dose_mg in enumerate(parts, start=1):
            step, which = f"dose {day}/{split}", (journey.patient.number + day + split - 1) % 11
            slot = {"dosing_on": journey.weeks.on(day), "split": split}
            if which == 0:
                await journey.do("POST", f"{place}/missed-doses", slot, "nurse", f"miss {step}")
            elif which == 1:
                at = journey.weeks.at(day, journey.zone, 4 + 4 * split)
                refusal = slot | {"reason": "feels_unwell", "refused_at": at}
                await journey.do("POST", f"{place}/dose-refusals", refusal, "nurse", f"refuse {step}")
            else:
                await give(journey, day, dose_mg, step, split=split)


async def give(
    journey: Journey, day: int, dose_mg: str, step: str, *, split: int = 1, site: str | None = None
) -> dict[str, Any]:
    """One observed dose; what another site gave, or alone may give, comes back as that refusal."""
    at = journey.weeks.at(day, journey.zone, 4 + 4 * split)
    body = {
        "dose_mg": dose_mg,
        "dosing_on": journey.weeks.on(day),
        "split": split,
        "given_at": at,
        "observed_by": "nurse-kim",
    }
    more: dict[str, Any] = {"site": site} if site else {}
    place = f"medication/orders/{journey.id('order')}/doses"
    return await journey.do("POST", place, body, "nurse", step, refusals=TAKEN, **more)


async def taper(journey: Journey) -> None:
    """Two steps are taken, two lie ahead; who holds after the first goes on two days later."""
    weeks, doses = journey.weeks, journey.patient.medicine.taper_mg
    place = f"medication/tapers/{journey.id('taper')}"
    starts = [TAPER_DAY, TAPER_DAY + STEP_DAYS, LAST_DAY + 14, LAST_DAY + 28]
    steps = [{"starts_on": weeks.on(day), "dose_mg": dose} for day, dose in zip(starts, doses, strict=True)]
    body = {"order_id": str(journey.id("order")), "target_dose_mg": doses[-1], "steps": steps}
    body["rationale"] = "Agreed with the patient, who was on less until last month; the first cuts are close together."
    started = await journey.do("PUT", place, body, "prescriber", "taper")
    version = started["version"]
    version = await confirm(journey, 1, weeks.day(TAPER_DAY - 1), version)
    await dose_days(journey, TAPER_DAY, TAPER_DAY + 2, (doses[0],))
    second = TAPER_DAY + STEP_DAYS
    if journey.patient.way is Way.HELD_TAPER:
        hold = {"reason": "withdrawal_symptoms", "held_on": weeks.on(TAPER_DAY + 2), "note": "COWS 9, wants to wait."}
        held = await journey.do("POST", f"{place}/holds", hold, "nurse", "hold taper")
        resumed = {"resumed_on": weeks.on(TAPER_DAY + 4)}
        await journey.do("POST", f"{place}/resumption", resumed, "prescriber", "resume taper", version=held["version"])
        second += 2
    await dose_days(journey, TAPER_DAY + 2, second, (doses[0],))
    version = await current(journey, place)
    await confirm(journey, 2, weeks.day(second - 1), version)
    await dose_days(journey, second, second + 2, (doses[1],))


async def confirm(journey: Journey, step: int, on: date, version: int) -> int:
    """A prescriber looks at the patient and lets the step begin."""
    body = {
        "step": step,
        "tolerance": "well",
        "assessment": "Sleeps well, no craving, COWS 2.",
        "confirmed_on": on.isoformat(),
    }
    place = f"medication/tapers/{journey.id('taper')}"
    done = await journey.do("POST", f"{place}/confirmations", body, "prescriber", f"confirm {step}", version=version)
    return int(done["version"])


async def current(journey: Journey, place: str) -> int:
    """The taper's version, for If-Match: doses have moved it on."""
    answer = await journey.network.query(place, role="prescriber", site=journey.site)
    if not answer.is_success:
        raise DemoRefused(f"GET {place}: {answer.text}")
    return int(answer.headers["ETag"].strip('"')) if "ETag" in answer.headers else int(answer.json()["version"])


async def race(journey: Journey) -> None:
    """The home site and another give the same slot at the same moment: the one with the authority does, the other is told."""
    guest = next(site for site, _, _ in SITES if site != journey.site)
    dose_mg = journey.patient.medicine.taper_mg[1]
    day = TAPER_DAY + STEP_DAYS + 2
    answers = await asyncio.gather(
        give(journey, day, dose_mg, "race at home"), give(journey, day, dose_mg, "race as guest", site=guest)
    )
    if sorted(answer["status"] for answer in answers) != [201, 409]:
        raise DemoRefused(f"two sites, one slot, and the answers {[answer['status'] for answer in answers]}")
