"""Three clinics in three zones, with rooms, staff and groups: one group of patients meets under one counsellor."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID, uuid5

from deploy.demo.calendar import RUNS, Weeks
from deploy.demo.client import Network

SITES: Final = (
    ("riverside", "Riverside", "America/New_York"),
    ("hillside", "Hillside", "America/Denver"),
    ("harbour", "Harbour", "Europe/Berlin"),
)
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


async def found_group(network: Network, weeks: Weeks, site: str, zone: str, number: int) -> Group:
    """Room, counsellor and group, and its meetings of two weeks."""
    run = network.run
    group = Group(
        site, zone, made(run, "group", site, number), made(run, "leader", site, number), made(run, "room", site, number)
    )
    who: dict[str, Any] = {"role": MANAGER, "site": site}
    room = {"site_id": site, "name": f"Room {run[:4]}-{number}", "seats": 16}
    person = {
        "short_name": f"C. {run[:4]}-{number}",
        "full_name": f"Counsellor {number}",
        "professions": ["counsellor"],
    }
    await asyncio.gather(
        network.command("PUT", f"scheduling/rooms/{group.room_id}", room, step=f"room {site} {number}", **who),
        network.command(
            "PUT",
            f"scheduling/staff/{group.leader_id}",
            person | {"joined_on": "2024-01-08"},
            step=f"leader {site} {number}",
            **who,
        ),
    )
    body = {
        "kind": "relapse-prevention",
        "name": f"Evening group {run[:4]}-{number}",
        "place": "on_site",
        "room_id": str(group.room_id),
        "leader_id": str(group.leader_id),
        "first_on": weeks.on(7),
        "starts_at": "17:00",
        "minutes": 180,
        "recurrence": "FREQ=WEEKLY;BYDAY=MO,WE,FR",
        "capacity": 12,
    }
    place = f"scheduling/groups/{group.group_id}"
    await network.command("PUT", place, body, step=f"group {site} {number}", **who)
    meetings = {"from_on": weeks.on(7), "until_on": weeks.on(20)}
    scheduled = await network.command("POST", f"{place}/sessions", meetings, step=f"meetings {site} {number}", **who)
    rows: list[dict[str, Any]] = []
    for _ in range(240):
        rows = await network.rows(f"{place}/sessions", token=scheduled["token"], **who)
        if len(rows) == MEETINGS:
            break
        await asyncio.sleep(0.25)
    group.sessions = sorted(rows, key=lambda row: str(row["starts_at"]))
    return group
