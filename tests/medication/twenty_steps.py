"""A taper of twenty steps as a clinic lives through it: holds, a missed dose, a way back up, and a wrong entry put right."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import httpx

from tests.medication.running import Clinic
from tests.medication.window import ago, at_noon, today

FIRST_DAYS_AGO = 58
DOSES_MG = tuple(range(39, 19, -1))
WHY = "Agreed with the patient, who is at home and seen every day."

type Check = Callable[[str], Awaitable[None]]


@dataclass
class Course:
    """One patient's taper; after each command `check` is told the command's token."""

    clinic: Clinic
    check: Check
    order: str
    taper: str

    async def sheet(self) -> dict[str, Any]:
        found: dict[str, Any] = await self.clinic.get(f"tapers/{self.taper}")
        return found

    async def said(self, answer: httpx.Response) -> dict[str, Any]:
        accepted = await self.clinic.done(answer)
        await self.check(answer.headers["consistency-token"])
        return accepted

    async def decide(self, what: str, note: dict[str, Any]) -> None:
        """A prescriber's decision on the taper as it stands."""
        seen = (await self.sheet())["version"]
        await self.said(await self.clinic.post(f"tapers/{self.taper}/{what}", note, "prescriber", version=seen))

    async def start(self) -> None:
        """Twenty steps of two days each, a milligram a step."""
        steps = [
            {"starts_on": ago(FIRST_DAYS_AGO - 2 * number), "dose_mg": str(dose_mg)}
            for number, dose_mg in enumerate(DOSES_MG)
        ]
        plan = {"order_id": self.order, "target_dose_mg": "20", "steps": steps, "rationale": WHY}
        await self.said(await self.clinic.put(f"tapers/{self.taper}", plan, "prescriber"))

    async def next_step(self, *, missed: bool = False) -> dict[str, Any]:
        """The next step is confirmed on its day and taken; with `missed` a day later."""
        step: dict[str, Any] = next(one for one in (await self.sheet())["steps"] if one["effective_on"] is None)
        days_ago = days_since(step["starts_on"])
        note = {"step": step["number"], "tolerance": "well", "assessment": "COWS 2.", "confirmed_on": step["starts_on"]}
        await self.decide("confirmations", note)
        if missed:
            slot = {"dosing_on": step["starts_on"]}
            await self.said(await self.clinic.post(f"orders/{self.order}/missed-doses", slot))
        await self.give(days_ago - missed, step["dose_mg"])
        return step

    async def give(self, days_ago: int, dose_mg: str) -> str:
        """The dose of a day; its id."""
        entered = {"dose_mg": dose_mg, "dosing_on": ago(days_ago), "given_at": at_noon(days_ago)}
        given = await self.said(await self.clinic.post(f"orders/{self.order}/doses", entered))
        return str(given["stream"]).removeprefix("dose-")

    async def wait(self, step: dict[str, Any], days: int) -> None:
        """Held the day after a step, resumed so many days later; the dose goes on meanwhile."""
        held = days_since(step["starts_on"]) - 1
        hold = {"reason": "withdrawal_symptoms", "held_on": ago(held)}
        await self.said(await self.clinic.post(f"tapers/{self.taper}/holds", hold))
        for day in range(days):
            await self.give(held - day, step["dose_mg"])
        await self.decide("resumption", {"resumed_on": ago(held - days)})

    async def go_back(self, step: dict[str, Any], *doses_mg: int) -> None:
        """The day after a step the dose is raised, and comes down from there two days a step."""
        since = days_since(step["starts_on"]) - 1
        back, *rest = doses_mg
        steps = [
            {"starts_on": ago(since - 2 * number), "dose_mg": str(one)} for number, one in enumerate(rest, start=1)
        ]
        note = {
            "reason": "craving",
            "reversed_on": ago(since),
            "dose_mg": str(back),
            "target_dose_mg": "20",
            "steps": steps,
            "assessment": "Craves every evening.",
            "rationale": WHY,
        }
        await self.decide("reversals", note)
        await self.give(since, str(back))

    async def put_right(self, step: dict[str, Any]) -> None:
        """Two nurses void the step's dose; half of it was given, which is entered late."""
        (row,) = (
            await self.clinic.get(
                f"doses?order_id={self.order}&from_on={step['starts_on']}&until_on={step['starts_on']}"
            )
        )["items"]
        path, reason = f"doses/{row['dose_id']}", {"reason": "entered_in_error"}
        await self.said(await self.clinic.post(f"{path}/void-requests", reason, version=row["version"], name="kim"))
        headers = self.clinic.headers("nurse", name="lee", If_Match=f'"{row["version"] + 1}"')
        await self.said(await self.clinic.client.post(f"/v1/{path}/void", headers=headers))
        await self.give(days_since(step["starts_on"]), str(int(step["dose_mg"]) // 2))


async def lived_through(course: Course) -> None:
    """From the plan to the target."""
    await course.start()
    for _ in range(4):
        await course.next_step()
    await course.wait(await course.next_step(), 3)
    await course.next_step()
    await course.next_step(missed=True)
    for _ in range(2):
        await course.next_step()
    await course.go_back(await course.next_step(), 32, *DOSES_MG[8:])
    for _ in range(3):
        await course.next_step()
    await course.wait(await course.next_step(), 2)
    await course.put_right(await course.next_step())
    while (await course.sheet())["status"] == "active":
        await course.next_step()


def days_since(on: str) -> int:
    return (today() - date.fromisoformat(on)).days
