"""A room is where sessions at a site are held, until it is closed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Annotated, Final, assert_never

from pydantic import Field

from services.scheduling.site import Site, check_opened
from shared.decider import Decider, command
from shared.events.scheduling import RoomClosed, RoomEvent, RoomOpened
from shared.failures import NotFound, Refused
from shared.units import Name

type Seats = Annotated[int, Field(ge=1, le=500, examples=[14])]


class Status(Enum):
    """Whether the room is in use."""

    ABSENT = "absent"
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True)
class Room:
    """What a session needs to know about where it is held."""

    status: Status = Status.ABSENT
    site_id: str = ""
    seats: int = 0


@command
class Open:
    """Add a room to a site."""

    site_id: str
    name: Name
    seats: Seats


@command
class Close:
    """Use the room no longer; sessions that are scheduled already have to be moved."""

    reason: Name


type Command = Open | Close


class RoomAlreadyOpened(Refused):
    """There is a room under this id already."""


class RoomNotOpened(NotFound):
    """There is no room under this id."""


class RoomIsClosed(Refused):
    """The room is no longer used."""


def evolve(room: Room, event: RoomEvent) -> Room:
    """The room after the event."""
    match event:
        case RoomOpened():
            return Room(Status.OPEN, event.site_id, event.seats)
        case RoomClosed():
            return replace(room, status=Status.CLOSED)
        case _:
            assert_never(event)


def decide(room: Room, command: Command, site: Site | None = None) -> Sequence[RoomEvent]:
    """What happens on the command; a room is opened at a site that exists."""
    match command:
        case Open():
            if room.status is not Status.ABSENT:
                raise RoomAlreadyOpened
            assert site is not None
            check_opened(site)
            return [RoomOpened(command.site_id, command.name, command.seats)]
        case Close():
            if room.status is Status.ABSENT:
                raise RoomNotOpened
            if room.status is Status.CLOSED:
                raise RoomIsClosed
            return [RoomClosed(command.reason)]
        case _:
            assert_never(command)


decider: Final[Decider[Room]] = Decider("room", Room(), decide, evolve)
