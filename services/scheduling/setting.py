"""The setting of a session: what it is, where, who leads it, for how many; the same for a group and for one appointment."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.scheduling import room as rooms
from services.scheduling.activities import Activity, KindNotLedByStaff
from services.scheduling.room import Room
from services.scheduling.site import Site, check_opened
from services.scheduling.staff import StaffMember, check_works_here
from shared.events.scheduling import GroupFounded, Modality, Place, SessionScheduled
from shared.failures import Invalid, Refused


@dataclass(frozen=True)
class Setting:
    """Everything about a session but its time."""

    kind: str
    modality: Modality
    place: Place
    room_id: UUID | None
    leader_id: UUID
    co_leader_id: UUID | None
    capacity: int


class PlaceNeedsRoom(Invalid):
    """A session on site has a room; telehealth and outside have none."""


class RoomOfAnotherSite(Invalid):
    """The room is at another site."""


class RoomTooSmall(Refused):
    """More patients are planned for than the room has seats."""


class LeaderTwice(Invalid):
    """Leader and co-leader are the same person."""


class CapacityAboveLimit(Invalid):
    """More patients are planned for than the programme allows for this kind of session."""


def setting_of(
    activity: Activity,
    place: Place,
    room_id: UUID | None,
    leaders: tuple[UUID, UUID | None],
    capacity: int | None = None,
) -> Setting:
    """The setting of an activity; without `capacity` as many patients as the kind allows. Raises KindNotLedByStaff."""
    if activity.capacity_max is None:
        raise KindNotLedByStaff(field="kind")
    fits = activity.capacity_max if capacity is None else capacity
    if fits > activity.capacity_max:
        raise CapacityAboveLimit(field="capacity", capacity_max=activity.capacity_max)
    return Setting(activity.kind, activity.modality, place, room_id, *leaders, fits)


def setting_from(event: GroupFounded | SessionScheduled) -> Setting:
    """The setting that was written down."""
    return Setting(
        kind=event.kind,
        modality=event.modality,
        place=event.place,
        room_id=event.room_id,
        leader_id=event.leader_id,
        co_leader_id=event.co_leader_id,
        capacity=event.capacity,
    )


def check_setting(setting: Setting, site_id: str, given: Sequence[object]) -> Site:
    """Site, room and leaders, as they were looked at, can bear the session. Gives the site. Raises what is in the way.

    `given` holds the states of the site, of the leaders and of the room, if there is one.
    """
    if setting.leader_id == setting.co_leader_id:
        raise LeaderTwice(field="co_leader_id")
    check_place(setting, site_id, [one for one in given if isinstance(one, Room)])
    for where, member in zip(
        ("leader_id", "co_leader_id"), (one for one in given if isinstance(one, StaffMember)), strict=False
    ):
        check_works_here(member, field=where)
    site = next(one for one in given if isinstance(one, Site))
    check_opened(site)
    return site


def check_place(setting: Setting, site_id: str, given: Sequence[Room]) -> None:
    """A session on site is in a room of the site that is in use and large enough."""
    if (setting.place is Place.ON_SITE) != (setting.room_id is not None):
        raise PlaceNeedsRoom(field="room_id")
    for room in given:
        if room.status is rooms.Status.ABSENT:
            raise rooms.RoomNotOpened(field="room_id")
        if room.site_id != site_id:
            raise RoomOfAnotherSite(field="room_id")
        if room.status is rooms.Status.CLOSED:
            raise rooms.RoomIsClosed(field="room_id")
        if room.seats < setting.capacity:
            raise RoomTooSmall(field="room_id", seats=room.seats, capacity=setting.capacity)
