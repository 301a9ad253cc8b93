"""The ways that patients go: in, with or without detox first; through sessions; on medicine and off it again."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from deploy.demo import people
from deploy.demo.calendar import Weeks
from deploy.demo.client import DemoRefused, Network
from deploy.demo.world import LOOK_SECONDS, LOOKS_MAX, Group, made


class Way(StrEnum):
    """What is different about a patient's way."""

    STRAIGHT = "straight through"
    DETOX = "detox first"
    NO_SHOWS = "no-shows"
    HELD_TAPER = "held and resumed taper"
    CORRECTION = "corrected attendance"
    BACKDATED = "backdated attendance"
    TWO_SITES = "two sites at one slot"
    DISCHARGE = "discharged"


@dataclass(frozen=True)
class Medicine:
    """What is ordered: a product, its daily parts in mg, down to where it is tapered (steps in mg), and what is examined before."""

    product: str
    parts_mg: tuple[str, ...]
    taper_mg: tuple[str, ...] = ()
    examined: Mapping[str, str] | None = None


MEDICINES: Final = (
    Medicine("buprenorphine-naloxone-film", ("16",), ("14", "12", "8", "4")),
    Medicine("methadone-concentrate", ("60",), ("56", "52", "48", "44"), {"fact": "qtc", "value": "428", "unit": "ms"}),
    Medicine(
        "acamprosate-tablet",
        ("666", "666", "666"),
        examined={"fact": "creatinine_clearance", "value": "88", "unit": "mL/min"},
    ),
    Medicine("naltrexone-tablet", ("50",)),
)
TAPERED: Final = frozenset({Way.HELD_TAPER, Way.STRAIGHT, Way.TWO_SITES})


@dataclass
class Patient:
    """One patient of the demonstration."""

    number: int
    seat: int
    way: Way
    group: Group
    patient_id: UUID
    episode_version: int = 0

    @property
    def medicine(self) -> Medicine:
        """Who is tapered takes what can be tapered."""
        return MEDICINES[self.number % (2 if self.way in TAPERED else 4)]


def patients_of(network: Network, groups: list[Group], count: int) -> list[Patient]:
    """So many patients, spread over the groups and the ways."""
    ways = list(Way)
    return [
        Patient(
            number,
            number // len(groups),
            ways[number % len(ways)],
            groups[number % len(groups)],
            made(network.run, "patient", number),
        )
        for number in range(count)
    ]


class Journey:
    """One patient's commands."""

    def __init__(self, network: Network, weeks: Weeks, patient: Patient) -> None:
        """`network` carries them out."""
        self.network, self.weeks, self.patient = network, weeks, patient
        self.site, self.zone = patient.group.site, patient.group.zone

    async def do(self, method: str, place: str, body: Any, role: str, step: str, **more: Any) -> dict[str, Any]:
        """One command of this patient; `step` is unique among them."""
        more.setdefault("site", self.site)
        return await self.network.command(
            method, place, body, role=role, step=f"patient {self.patient.number} {step}", **more
        )

    def id(self, what: str) -> UUID:
        """The patient's own evaluation, episode, plan, order, taper or session."""
        return made(self.network.run, what, self.patient.number)

    async def arrive(self) -> None:
        """Registered, evaluated, scored, through detox where needed, admitted, with a plan in force."""
        patient = {"patient_id": str(self.patient.patient_id)}
        identity = people.identity(self.network.run, self.patient.number)
        await self.do("PUT", f"intake/patients/{self.patient.patient_id}", identity, "front_desk", "register")
        evaluation = f"intake/evaluations/{self.id('evaluation')}"
        await self.do("PUT", evaluation, patient, "counsellor", "evaluation")
        version = 1
        for section in people.sections(drinks_daily=self.patient.way is Way.DETOX):
            recorded = await self.do(
                "POST", f"{evaluation}/sections", section, "counsellor", f"section {section['section']}"
            )
            version = recorded["version"]
        await self.scores()
        needed = {"withdrawal_management_needed": self.patient.way is Way.DETOX}
        await self.do("POST", f"{evaluation}/signature", needed, "counsellor", "sign evaluation", version=version)
        if self.patient.way is Way.DETOX:
            await self.detox()
        admission = patient | {
            "evaluation_id": str(self.id("evaluation")),
            "level_of_care": "2.1",
            "admitted_on": self.weeks.on(6),
        }
        admitted = await self.do("PUT", f"intake/episodes/{self.id('episode')}", admission, "counsellor", "admit")
        self.patient.episode_version = admitted["version"]
        await self.plan()

    async def scores(self) -> None:
        """A PHQ-9, and a COWS for who takes an opioid; one thought of self-harm is acted on."""
        number, patient_id = self.patient.number, str(self.patient.patient_id)
        at_risk = number % 5 == 0
        phq9 = people.phq9(patient_id, number % 4, self_harm=int(at_risk))
        place = f"intake/assessments/{self.id('phq9')}"
        await self.do("PUT", place, phq9, "nurse", "phq9")
        if at_risk:
            closed = {"sign": "suicide-risk", "action_taken": "Screened at once, no intent; safety plan made."}
            await self.do("POST", f"{place}/danger-sign-closures", closed, "counsellor", "close sign")
        if number % 2 == 0:
            await self.do("PUT", f"intake/assessments/{self.id('cows')}", people.cows(patient_id), "nurse", "cows")

    async def detox(self) -> None:
        """The gate stands in the way of a group until withdrawal management is completed."""
        session = self.patient.group.sessions[0]["session_id"]
        booking = {"patient_ids": [str(self.patient.patient_id)]}
        place = f"scheduling/sessions/{session}/bookings"
        # Who is not admitted yet is refused for that first; the answer names every gate that stands.
        gate = frozenset({"detox-gate-stands", "patient-not-in-care"})
        for _ in range(LOOKS_MAX):
            refused = await self.do("POST", place, booking, "front_desk", "book too early", refusals=gate)
            if "detox" in refused["gates"]:
                break
            await asyncio.sleep(LOOK_SECONDS)
        else:
            raise DemoRefused("scheduling never heard of the detox gate")
        completed = {"completed_on": self.weeks.on(5)}
        await self.do(
            "POST", f"intake/patients/{self.patient.patient_id}/detox-gate/completion", completed, "nurse", "detox done"
        )

    async def plan(self) -> None:
        """Drafted, signed by both, and worked on."""
        place, owner = f"intake/plans/{self.id('plan')}", str(self.patient.group.leader_id)
        body = {
            "patient_id": str(self.patient.patient_id),
            "episode_id": str(self.id("episode")),
            "plan": people.plan(self.weeks, owner),
        }
        drafted = await self.do("PUT", place, body, "counsellor", "plan")
        signed = {
            "active_from": self.weeks.on(7),
            "patient_signature": "handwritten",
            "patient_signed_on": self.weeks.on(7),
        }
        await self.do("POST", f"{place}/activation", signed, "counsellor", "activate plan", version=drafted["version"])
        progress = {"goal_id": "g1", "progress": "in_progress", "noted_on": self.weeks.on(9)}
        await self.do("POST", f"{place}/progress-notes", progress, "counsellor", "progress")

    async def therapy(self) -> None:
        """An individual hour, fulfilled, and a 12-step meeting outside."""
        place = f"scheduling/sessions/{self.id('cbt')}"
        # One hour after the other, on a day on which the group does not meet.
        hour = 7 + self.patient.seat
        start, end = self.weeks.at(8, self.zone, hour), self.weeks.at(8, self.zone, hour, 50)
        body = {
            "kind": "cbt", "place": "telehealth", "leader_id": str(self.patient.group.leader_id), "starts_at": start, "ends_at": end,
            "patient_ids": [str(self.patient.patient_id)],
        }  # fmt: skip
        await self.do("PUT", place, body, "front_desk", "book therapy")
        sheet = {
            "started_at": start,
            "ended_at": end,
            "lines": [{"patient_id": str(self.patient.patient_id), "status": "attended"}],
        }
        await self.do("POST", f"{place}/attendance-sheet", sheet, "counsellor", "therapy held")
        meeting = {"kind": "na", "attended_on": self.weeks.on(10), "minutes": 60, "evidence": "signature"}
        path = f"scheduling/patients/{self.patient.patient_id}/support-meetings/{self.id('meeting')}"
        await self.do("PUT", path, meeting, "front_desk", "12-step meeting")

    async def discharge(self) -> None:
        """Off the programme at the end of the second week."""
        body = {"reason": "completed", "discharged_on": self.weeks.on(20)}
        await self.do(
            "POST",
            f"intake/episodes/{self.id('episode')}/discharge",
            body,
            "counsellor",
            "discharge",
            version=self.patient.episode_version,
        )


async def meet(network: Network, group: Group, members: list[Patient]) -> None:
    """The group's sessions: booked together, one sheet for everybody, and what had to be put right afterwards."""
    members = [one for one in members if one.group is group]
    if not members:
        return
    ids = [str(one.patient_id) for one in members]
    label = f"group {group.site} {group.group_id}"
    for number, session in enumerate(group.sessions):
        place = f"scheduling/sessions/{session['session_id']}"
        step = f"{label} session {number}"
        missing = [str(one.patient_id) for one in members if one.way is Way.BACKDATED and number == 1]
        there = [one for one in ids if one not in missing]
        if there:
            await network.command(
                "POST",
                f"{place}/bookings",
                {"patient_ids": there},
                role="front_desk",
                site=group.site,
                step=f"{step} book",
            )
        lines = [_line(one, number) for one in members if str(one.patient_id) not in missing]
        sheet = {
            "started_at": session["starts_at"],
            "ended_at": session["ends_at"],
            "break_minutes": 10,
            "lines": lines,
        }
        await network.command(
            "POST", f"{place}/attendance-sheet", sheet, role="counsellor", site=group.site, step=f"{step} sheet"
        )
        if missing:
            await _backdate(network, group, place, missing, step)
    await asyncio.gather(*(_correct(network, group, one) for one in members if one.way is Way.CORRECTION))


def _line(patient: Patient, session: int) -> dict[str, Any]:
    no_show = patient.way is Way.NO_SHOWS and session % 2 == 1
    if no_show:
        return {"patient_id": str(patient.patient_id), "status": "no_show"}
    if patient.way is Way.CORRECTION and session == 2:  # noqa: PLR2004 - the session that is corrected later
        return {"patient_id": str(patient.patient_id), "status": "arrived_late", "minutes": 95}
    return {"patient_id": str(patient.patient_id), "status": "attended"}


async def _backdate(network: Network, group: Group, place: str, missing: list[str], step: str) -> None:
    """Who was forgotten on the sheet is booked and recorded afterwards."""
    booking = {"patient_ids": missing}
    lines = {"lines": [{"patient_id": one, "status": "attended"} for one in missing]}
    await network.command(
        "POST", f"{place}/bookings", booking, role="front_desk", site=group.site, step=f"{step} book late"
    )
    await network.command(
        "POST", f"{place}/late-attendances", lines, role="counsellor", site=group.site, step=f"{step} late"
    )


async def _correct(network: Network, group: Group, patient: Patient) -> None:
    """The patient was there all the time."""
    session = UUID(str(group.sessions[2]["session_id"]))
    who: dict[str, Any] = {"role": "counsellor", "site": group.site}
    place = f"scheduling/sessions/{session}/attendances"
    step = f"patient {patient.number} correct attendance"
    for _ in range(LOOKS_MAX):
        rows = [row for row in await network.rows(place, **who) if row["patient_id"] == str(patient.patient_id)]
        if rows and rows[0]["corrections"]:
            return
        if rows and rows[0]["status"] == "arrived_late":
            place = f"scheduling/attendances/{rows[0]['attendance_id']}/corrections"
            await network.command("POST", place, {"status": "attended"}, version=rows[0]["version"], step=step, **who)
            return
        await asyncio.sleep(LOOK_SECONDS)
    raise DemoRefused(f"GET {place}: the attendance of {patient.patient_id} is not there after {LOOKS_MAX} looks")
