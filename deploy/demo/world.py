"""Three clinics in three zones, with rooms, staff and groups: one group of patients meets under one counsellor."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID, uuid5

from deploy.demo.calendar import RUNS, Weeks
from deploy.demo.client import DemoRefused, Network

SITES: Final = (
    ("riverside", "Riverside", "America/New_York"),
    ("hillside", "Hillside", "America/Denver"),
    ("harbour", "Harbour", "Europe/Berlin"),
)
LOOKS_MAX: Final = 240
LOOK_SECONDS: Final = 0.25
GROUP_SIZE: Final = 8
# Three evenings a week for two weeks.
MEETINGS: Final = 6
MANAGER: Final = "network_manager"
DAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


@dataclass
class Group:
    """A group with its leader and the sessions that were held."""

    site: str
    zone: str
    group_id: UUID
    leader_id: UUID
    room_id: UUID
    sessions: list[dict[str, Any]] = field(default_factory=list)


def made(run: str, *names: object) -> UUID:
    """An id of this run, the same whenever it is asked for."""
    return uuid5(RUNS, "/".join([run, *map(str, names)]))


async def open_sites(network: Network) -> None:
    """Open the three sites; a second run finds them open."""
    hours = [{"weekday": day, "opens_at": "06:00", "closes_at": "22:00"} for day in DAYS]
    for site, name, zone in SITES:
        body = {"name": name, "zone": zone, "opening_hours": hours, "counting_policy": "program-hours"}
        await network.command(
            "PUT",
            f"scheduling/sites/{site}",
            body,
            role=MANAGER,
            site=site,
            step=f"open {site}",
            refusals=frozenset({"site-already-opened"}),
        )


def group_of(run: str, number: int) -> Group:
    """The group of that number; each site has as many as the next."""
    site, _, zone = SITES[number % len(SITES)]
    group_id, leader_id, room_id = (made(run, what, site, number) for what in ("group", "leader", "room"))
    return Group(site, zone, group_id, leader_id, room_id)


async def found_group(network: Network, weeks: Weeks, number: int) -> Group:
    """Room, counsellor and group, and its meetings of two weeks."""
    group = group_of(network.run, number)
    await _open_room(network, group, number)
    body = {
        "kind": "relapse-prevention",
        "name": f"Evening group {network.run[:4]}-{number}",
        "place": "on_site",
        "room_id": str(group.room_id),
        "leader_id": str(group.leader_id),
        "first_on": weeks.on(7),
        "starts_at": "17:00",
        "minutes": 180,
        "recurrence": "FREQ=WEEKLY;BYDAY=MO,WE,FR",
        "capacity": 12,
    }
    who: dict[str, Any] = {"role": MANAGER, "site": group.site}
    place = f"scheduling/groups/{group.group_id}"
    await network.command("PUT", place, body, step=f"group {number}", **who)
    meetings = {"from_on": weeks.on(7), "until_on": weeks.on(20)}
    scheduled = await network.command("POST", f"{place}/sessions", meetings, step=f"meetings {number}", **who)
    for _ in range(LOOKS_MAX):
        rows = await network.rows(f"{place}/sessions", token=scheduled["token"], **who)
        if len(rows) == MEETINGS:
            group.sessions = sorted(rows, key=lambda row: str(row["starts_at"]))
            return group
        await asyncio.sleep(LOOK_SECONDS)
    raise DemoRefused(f"GET {place}/sessions: not {MEETINGS} sessions after {LOOKS_MAX} looks")


async def _open_room(network: Network, group: Group, number: int) -> None:
    """The room that the group meets in, and the counsellor who leads it."""
    who: dict[str, Any] = {"role": MANAGER, "site": group.site}
    room = {"site_id": group.site, "name": f"Room {network.run[:4]}-{number}", "seats": 16}
    person = {
        "short_name": f"C. {network.run[:4]}-{number}",
        "full_name": f"Counsellor {number}",
        "professions": ["counsellor"],
        "joined_on": "2024-01-08",
    }
    await asyncio.gather(
        network.command("PUT", f"scheduling/rooms/{group.room_id}", room, step=f"room {number}", **who),
        network.command("PUT", f"scheduling/staff/{group.leader_id}", person, step=f"leader {number}", **who),
    )
